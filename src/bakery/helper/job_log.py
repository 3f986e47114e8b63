"""The log of a job on its node: a file that holds what its program wrote, and says what it does not hold."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

PIPE = 1024 * 1024


class Log:
    """The first bytes of what a program writes, up to a size, and a line for each gap. It never fails: it counts."""

    def __init__(self, path: Path, most: int) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.most = self.room = most
        self.left_out = 0  # because the log is long enough
        self.unwritten = 0  # because the disk refused
        self.gap = 0  # those of them that no line tells of yet
        self.trouble = ""
        self.is_in_line = False

    def copy(self, output: int) -> int:
        """As much as there is; 0: nothing will come any more, -1: nothing has come yet."""
        try:
            chunk = os.read(output, PIPE)
        except BlockingIOError:
            return -1
        kept = chunk[: self.room]
        self.room -= len(kept)
        self.left_out += len(chunk) - len(kept)
        self.add(kept)
        return len(chunk)

    def add(self, kept: bytes) -> None:
        if self.gap and self.tell(f"{self.gap} bytes could not be written here: {self.trouble}."):
            self.gap = 0
        missing = len(kept) if self.gap else len(kept) - self.write(kept)
        self.gap += missing
        self.unwritten += missing

    def end(self) -> None:
        self.add(b"")
        if self.left_out:
            self.tell(f"the log was longer than {self.most} bytes; {self.left_out} bytes were left out here.")
        with contextlib.suppress(OSError):
            os.fsync(self.file)

    def tell(self, what: str) -> bool:
        line = ("\n" if self.is_in_line else "") + f"[Bakery: {what}]\n"
        return self.write(line.encode()) == len(line.encode())

    def write(self, text: bytes) -> int:
        done = 0
        try:
            while done < len(text):
                done += os.write(self.file, text[done:])
        except OSError as error:
            self.trouble = error.strerror or "the disk refuses"
        if done:
            self.is_in_line = text[done - 1 : done] != b"\n"
        return done
