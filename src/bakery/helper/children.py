"""A child of ours that does something with less power than we have, and says in words what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from bakery.helper.words import sentence, write_all


def words_of_child(work: Callable[[], str], *, most: int, otherwise: str) -> str:
    """What the work said, up to so many bytes. Its refusal becomes ours; `otherwise` is that of one without words.

    What it needs is loaded before, for an account may not be let to where our Python lies.
    """
    heard, said = os.pipe()
    child = os.fork()
    if not child:
        tell(work, said, most)
    os.close(said)
    with os.fdopen(heard, "rb") as hearing:
        words = hearing.read(most).decode(errors="replace")
    if os.waitpid(child, 0)[1]:
        sys.exit(words or otherwise)
    return words


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
