"""What units wrote: a file each, which grows.

log-size UNIT        prints how many bytes it has; none is none
log-read UNIT FROM   prints the bytes from an offset on, as many as one answer holds
"""

from __future__ import annotations

import os
from pathlib import Path

from bakery.helper.names import UNIT
from bakery.helper.verbs import Verb
from bakery.helper.words import say, write_all

MOST = 256 * 1024  # bytes of one answer


def tell_size(root: Path, unit: str) -> None:
    file = log_of(root, unit)
    say({"bytes": file.stat().st_size if file.exists() else 0})


def read(root: Path, unit: str, from_byte: str) -> None:
    try:
        file = os.open(log_of(root, unit), os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    size = os.fstat(file).st_size
    write_all(1, os.pread(file, MOST, max(int(from_byte), size - MOST)))


def log_of(root: Path, unit: str) -> Path:
    return root / "logs" / f"{unit}.log"


VERBS = {"size": Verb(tell_size, UNIT), "read": Verb(read, f"{UNIT}\0[0-9]{{1,18}}")}
