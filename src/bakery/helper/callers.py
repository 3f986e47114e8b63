"""A conversation with who called us: frames on our input and on our output, a letter, a length of four bytes, and that.

    they say    i what the program reads      e that there comes no more of it      w how large their terminal is
    we say      o what it writes              e what it complains of                x how it ended, as JSON

When their end of the input closes, they are gone. That is how we learn it on any way that leads here, for over some
of them nobody can send us a signal. What is talked to lives in a session of its own, which such a signal misses.
"""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Callable

from bakery.helper.words import LONGEST_INPUT, sentence, write_all

INPUT, END, WINDOW = b"i", b"e", b"w"
OUTPUT, ERRORS, EXIT = b"o", b"e", b"x"
HEADER = 5
LARGEST = 1024 * 1024
MOST_WAITING = 256 * 1024  # bytes that the program has not read yet
CHUNK = 64 * 1024
SIDES = (1, 10_000)  # of a terminal, in characters


class Caller:
    """What they said so far: `waiting` is for the program, `has_ended` that nothing follows it."""

    def __init__(self) -> None:
        self.arrived, self.waiting = bytearray(), bytearray()
        self.has_ended = self.is_gone = False
        self.window: tuple[int, int] | None = None  # columns and rows that nobody has seen to yet

    def line(self) -> bytes:
        """What comes before all frames."""
        while b"\n" not in self.arrived and len(self.arrived) < LONGEST_INPUT:
            chunk = os.read(0, CHUNK)
            if not chunk:
                break
            self.arrived += chunk
        line, _, rest = bytes(self.arrived).partition(b"\n")
        self.arrived = bytearray(rest)
        self.take_frames()
        return line

    def register(self, poll: select.poll) -> None:
        """That they are gone is reported unasked."""
        if not self.is_gone:
            poll.register(0, select.POLLIN if self.has_room() else 0)

    def has_room(self) -> bool:
        return len(self.waiting) < MOST_WAITING

    def read(self) -> None:
        chunk = os.read(0, CHUNK) if self.has_room() else b""
        self.is_gone = self.is_gone or not chunk
        self.arrived += chunk
        self.take_frames()

    def take_frames(self) -> None:
        """One that is no frame of ours ends the conversation."""
        while len(self.arrived) >= HEADER and not self.is_gone:
            kind, size = bytes(self.arrived[:1]), int.from_bytes(self.arrived[1:HEADER], "big")
            if size > LARGEST or kind not in (INPUT, END, WINDOW):
                self.is_gone = True
            elif len(self.arrived) < HEADER + size:
                return
            else:
                self.take(kind, bytes(self.arrived[HEADER : HEADER + size]))
                del self.arrived[: HEADER + size]

    def take(self, kind: bytes, told: bytes) -> None:
        if kind == INPUT and not self.has_ended:
            self.waiting += told
        elif kind == END:
            self.has_ended = True
        elif kind == WINDOW:
            self.window = window_in(told) or self.window

    def say(self, kind: bytes, what: bytes) -> None:
        """They are gone when they cannot hear it."""
        if not self.is_gone:
            try:
                write_all(1, kind + len(what).to_bytes(4, "big") + what)
            except OSError:
                self.is_gone = True

    def say_end(self, exit_status: int, reason: str) -> None:
        self.say(EXIT, json.dumps({"exit_status": exit_status, "reason": reason[:300]}).encode())


def window_in(told: bytes) -> tuple[int, int] | None:
    try:
        window = json.loads(told)
    except (ValueError, RecursionError):
        return None
    return (window[0], window[1]) if is_window(window) else None


def is_window(value: object) -> bool:
    """Columns and rows."""
    return (
        isinstance(value, list)
        and len(value) == len(SIDES)
        and all(isinstance(side, int) and not isinstance(side, bool) and SIDES[0] <= side <= SIDES[1] for side in value)
    )


def apart(talk: Callable[[], None]) -> None:
    """In a session of its own. Never returns; who is ended leaves the one who talks to find out."""
    child = os.fork()
    if child:
        _, how = os.waitpid(child, 0)
        os._exit(1 if how else 0)
    status = 1
    try:
        os.setsid()
        talk()
        status = 0
    except (SystemExit, OSError) as refused:
        sys.stderr.write(f"{sentence(refused)}\n")
        sys.stderr.flush()
    finally:
        os._exit(status)
