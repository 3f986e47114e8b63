"""Who changes the same thing takes turns, by a lock on a file that goes with the thing."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bakery.helper.files import make_folder

LOOK_AGAIN = 10  # ms


@contextlib.contextmanager
def taking_turns(path: Path, *, within: float) -> Iterator[None]:
    """The file goes with the last."""
    make_folder(path.parent, 0o700)
    lock = wait_for_turn(path, within=within)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


def wait_for_turn(path: Path, *, within: float) -> int:
    """The lock, which its closing ends."""
    deadline = time.monotonic() + within
    expect_listener(0)
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        while not is_locked(lock):
            expect_listener(LOOK_AGAIN)
            if time.monotonic() > deadline:
                sys.exit("Somebody else has been changing this for too long.")
        if is_still(path, lock):
            return lock
        os.close(lock)


def expect_listener(milliseconds: int) -> None:
    """For as long. Whoever has gone away wants nothing done any more: others may have said something newer."""
    poll = select.poll()
    poll.register(1, 0)  # that nobody reads any more is reported unasked
    if poll.poll(milliseconds):
        sys.exit("Nobody waits for this any more.")


def is_locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_still(path: Path, lock: int) -> bool:
    """False: it was removed meanwhile, and perhaps made anew."""
    try:
        return path.stat().st_ino == os.fstat(lock).st_ino
    except FileNotFoundError:
        return False
