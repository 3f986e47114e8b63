"""An SSH server on loopback that plays thousands of nodes, each with the probe's line every 10 s.

`python -m bench.played_nodes` prints where it listens, as JSON, and plays until it is killed.
"""

import asyncio
import json
import logging
import random
import sys
import time

import asyncssh
import uvloop

INTERVAL, FIRST_LINE_AFTER = 10.0, 0.8
_GIB = 1024**3


class PlayedNode(asyncssh.SSHServer):
    """A connection is a node. Whatever key is shown lets in."""

    def __init__(self) -> None:
        self.probe: PlayedProbe | None = None

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - as asyncssh calls it
        return True

    def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        return PlayedProbe(self)


class PlayedProbe(asyncssh.SSHServerSession[bytes]):
    """What the login shell and the probe would say. Another command on the same node ends it."""

    def __init__(self, node: PlayedNode) -> None:
        self._node = node
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._next: asyncio.TimerHandle | None = None
        self._command = ""
        self._boot_id = f"{random.getrandbits(128):032x}"

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def exec_requested(self, command: str) -> bool:
        self._command = command
        return True

    def session_started(self) -> None:
        assert self._channel is not None
        if self._command.startswith("kill "):
            if self._node.probe is not None:
                self._node.probe.end()
            self._channel.exit(0)
            return
        self._node.probe = self
        mark = self._command.split()[1]  # of `echo MARK $$ >&2`
        self._channel.write_stderr(f"{mark} 4711\n".encode())

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:  # noqa: ARG002 - as asyncssh calls it
        if self._next is None:  # the probe's text is coming
            self._next = asyncio.get_running_loop().call_later(FIRST_LINE_AFTER, self._say, True)  # noqa: FBT003 - call_later takes no names

    def eof_received(self) -> bool:
        self.end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncssh calls it
        if self._next is not None:
            self._next.cancel()

    def end(self) -> None:
        if self._channel is not None:
            self._channel.exit_with_signal("KILL")

    def _say(self, with_versions: bool = False) -> None:  # noqa: FBT001, FBT002 - likewise
        assert self._channel is not None
        self._next = asyncio.get_running_loop().call_later(INTERVAL, self._say)
        line: dict[str, object] = {
            "at": time.time(),
            "cpu": round(random.uniform(0, 100), 2),  # noqa: S311 - figures, no secrets
            "memory_used": random.randrange(_GIB, 3 * _GIB),  # noqa: S311 - figures, no secrets
            "memory_total": 4 * _GIB,
            "swap_used": 0,
            "swap_total": _GIB,
            "cpus": 2,
            "load": [0.57, 0.55, 0.79],
            "uptime": round(time.monotonic(), 2),
            "boot_id": "-".join(self._boot_id[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))),
            "disks": [
                {
                    "path": path,
                    "total": 80 * _GIB,
                    "used": random.randrange(20 * _GIB, 21 * _GIB),  # noqa: S311 - figures, no secrets
                    "free": 55 * _GIB,
                    "inodes_total": 16777216,
                    "inodes_used": 476330,
                }
                for path in ("/var/lib/bakery/node", "/var/lib/docker")
            ],
        }
        if with_versions:
            line["versions"] = {
                "kernel": "6.1.0-41-amd64", "os": "Debian GNU/Linux 12 (bookworm)", "python": "3.11.2",
                "docker": "20.10.24+dfsg1", "git": "2.39.5", "psql": "15.14", "nginx": "1.22.1", "certbot": "2.1.0",
            }  # fmt: skip
        self._channel.write(json.dumps(line).encode() + b"\n")


async def play() -> None:
    asyncssh.set_log_level(logging.ERROR)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=PlayedNode, server_host_keys=[host_key], encoding=None, backlog=4096,
        keepalive_interval=0, login_timeout=120,
    )  # fmt: skip
    where = {"port": server.get_port(), "host_key": host_key.export_public_key().decode().strip()}
    sys.stdout.write(json.dumps(where) + "\n")
    sys.stdout.flush()
    await server.wait_closed()


if __name__ == "__main__":
    uvloop.run(play())
