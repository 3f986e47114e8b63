"""File locks between the processes that use the lab; the kernel lets go of them when a process is killed."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def together(file: Path, *, last_one_out: Callable[[], None]) -> Iterator[None]:
    """Be one of many; `last_one_out` is called on leaving when nobody else is in, and nobody comes in meanwhile."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            yield
        finally:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # somebody else is in
            else:
                last_one_out()
