"""Free ports of this machine for the nodes' services."""

import secrets
import socket

# Below the ephemeral ports, so that no outgoing connection sits on a node's port while it restarts.
FIRST, LAST = 30000, 32767


def free_port() -> int:
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST + 1)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
