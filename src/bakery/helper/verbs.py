"""A verb: what the helper does, and the form of the words that it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

ROOTS_FOLDER = Path("/var/lib/bakery/node")


class Verb:
    """`act` is called with the node's folder and the words; `words` is their pattern, with NUL between them.

    Nobody calls an inner one through sudo: it is the helper's own way of calling itself.
    """

    def __init__(self, act: Callable[..., None], words: str = "", *, is_inner: bool = False) -> None:
        self.act, self.words, self.is_inner = act, words, is_inner
