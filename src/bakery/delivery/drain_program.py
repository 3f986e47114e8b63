"""A program that is sent to a node and waits until a port has no connections left: `- PORT SECONDS`.

It prints how many are left when the time is over. Any Python from 3.9 on; standard library only.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ESTABLISHED = "01"
LOOK_AGAIN = 0.1
CALM_FOR = 0.3  # a connection may be just about to open


def connections(port: int, table: str) -> int:
    """In a table as of /proc/net/tcp: a heading, then number, local and remote address in hexadecimal, state …"""
    rows = (line.split() for line in table.splitlines()[1:])
    return sum(row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)


def all_connections(port: int) -> int:
    tables = (Path("/proc/net", name) for name in ("tcp", "tcp6"))
    return sum(connections(port, table.read_text()) for table in tables if table.exists())


def drain(port: int, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    calm_since: float | None = None
    while True:
        now = time.monotonic()
        left = all_connections(port)
        calm_since = None if left else calm_since or now
        if calm_since is not None and now - calm_since >= CALM_FOR:
            return 0
        if now > deadline:
            return left
        time.sleep(LOOK_AGAIN)


if __name__ == "__main__":
    sys.stdout.write(f"{drain(int(sys.argv[1]), float(sys.argv[2]))}\n")
