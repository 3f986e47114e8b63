"""A log in a file that nobody rotates: it forgets its oldest part when it has grown large."""

import fcntl
import io
import os
import stat
from pathlib import Path
from typing import TextIO

LARGEST = 8 * 1024 * 1024
KEPT = 1024 * 1024


class BoundedFile:
    """Writes to a stream. Only what others append to as well is cut: a terminal or a pipe is left alone."""

    def __init__(self, stream: TextIO, *, largest: int = LARGEST, kept: int = KEPT) -> None:
        self._stream = stream
        self._largest = largest
        self._kept = kept
        self._grows = _is_appended_file(stream)

    def write(self, text: str) -> int:
        if self._grows and os.fstat(self._stream.fileno()).st_size > self._largest:
            self._forget()
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def _forget(self) -> None:
        """The newest lines stay, each whole."""
        fd = self._stream.fileno()
        with Path(f"/proc/self/fd/{fd}").open("rb") as file:
            file.seek(-self._kept, os.SEEK_END)
            file.readline()
            newest = file.read()
        os.ftruncate(fd, 0)
        os.write(fd, newest)


def _is_appended_file(stream: TextIO) -> bool:
    try:
        fd = stream.fileno()
    except io.UnsupportedOperation:  # it is in memory
        return False
    return stat.S_ISREG(os.fstat(fd).st_mode) and bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND)
