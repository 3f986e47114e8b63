"""Ports of this machine that apps listen on.

port-taken PORT          prints whether a program has it, on the address that apps use
port-drain PORT SECONDS  waits until it has no connections, at most for so long; prints how many are left
"""

from __future__ import annotations

import errno
import sys
import time
from pathlib import Path

from bakery.helper.verbs import Verb
from bakery.helper.words import say

PORT = "[0-9]{1,5}"
ESTABLISHED = "01"
LOOK_AGAIN = 0.1
CALM_FOR = 0.3  # a connection may be just about to open


def taken(_root: Path, port: str) -> None:
    import socket  # noqa: PLC0415 - it takes long to load, and few verbs need it

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                sys.exit(f"Port {port} cannot be used: {error.strerror}.")
            say({"is_taken": True})
            return
    say({"is_taken": False})


def drain(_root: Path, port: str, seconds: str) -> None:
    deadline = time.monotonic() + float(seconds)
    calm_since: float | None = None
    while True:
        now = time.monotonic()
        left = all_connections(int(port))
        calm_since = None if left else calm_since or now
        is_calm = calm_since is not None and now - calm_since >= CALM_FOR
        if is_calm or now > deadline:
            say({"left": left})
            return
        time.sleep(LOOK_AGAIN)


def all_connections(port: int) -> int:
    tables = (Path("/proc/net", name) for name in ("tcp", "tcp6"))
    return sum(connections(port, table.read_text()) for table in tables if table.exists())


def connections(port: int, table: str) -> int:
    """In a table as of /proc/net/tcp: a heading, then number, local and remote address in hexadecimal, state …"""
    rows = (line.split() for line in table.splitlines()[1:])
    return sum(row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)


VERBS = {
    "taken": Verb(taken, PORT),
    "drain": Verb(drain, f"{PORT}\0[0-9]{{1,5}}(\\.[0-9])?"),
}
