"""Children of ours: one with less power than we have, whose words are heard, and one that is a program of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from bakery.helper.words import sentence, write_all


class Child:
    """At work beside us.

    What it needs is loaded before, for an account may not be let to where our Python lies.
    """

    def __init__(self, work: Callable[[], str], *, most: int) -> None:
        self.most = most
        self.heard, said = os.pipe()
        self.process = os.fork()
        if not self.process:
            tell(work, said, most)
        os.close(said)

    def words(self, otherwise: str) -> str:
        """What the work said, to so many bytes. Its refusal becomes ours; `otherwise` is that of one without words."""
        with os.fdopen(self.heard, "rb") as hearing:
            words = hearing.read(self.most).decode(errors="replace")
        if os.waitpid(self.process, 0)[1]:
            sys.exit(words or otherwise)
        return words

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.heard)


def words_of_child(work: Callable[[], str], *, most: int, otherwise: str) -> str:
    return Child(work, most=most).words(otherwise)


def tell(work: Callable[[], str], said: int, most: int) -> None:
    """Never returns."""
    status, words = 1, ""
    try:
        words = work()
        status = 0
    except SystemExit as refused:
        words = str(refused)
    except OSError as error:
        words = sentence(error)
    finally:
        write_all(said, words.encode(errors="replace")[:most])
        os._exit(status)


def status_of(act: Callable[[], None]) -> int:
    """The exit status of a child that does this and nothing else, as Python would end a program of it."""
    try:
        act()
        status: object = None
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - nothing of a child's gets into its parent's part of the program
        import traceback  # noqa: PLC0415 - it takes long to load

        traceback.print_exc()
        status = 1
    if isinstance(status, str):
        sys.stderr.write(f"{status}\n")
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status if isinstance(status, int) else 0
