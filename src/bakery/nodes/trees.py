"""What is in a release's folder, as detection sees it: all names, and the few files that it reads."""

import binascii
from base64 import b64decode
from typing import Annotated

import msgspec
from msgspec import Meta

from bakery.model.errors import NotUnderstood
from bakery.model.repository_paths import TOP, RepositoryPath
from bakery.nodes.helper_calls import Helper
from bakery.nodes.homes import Place
from bakery.stacks.detect import wanted_files
from bakery.stacks.tree import FileTree

_LONGEST_ANSWER = 16 * 1024 * 1024  # bytes
_MOST_ROUNDS = 4  # bakery.toml may move the base folder once


class Trees:
    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    async def names(self, place: Place, number: int) -> FileTree:
        """Without what stands in any of them."""
        words = (place.app, place.environment, str(number))
        there = await self._helper.read(_Names, "tree-names", *words, most=_LONGEST_ANSWER)
        return FileTree(there.sizes, links=tuple(there.links))

    async def tree(self, place: Place, number: int, base: RepositoryPath = TOP) -> FileTree:
        words = (place.app, place.environment, str(number))
        tree = await self.names(place, number)
        for _ in range(_MOST_ROUNDS):
            names = wanted_files(tree, base=base)
            if not names:
                break
            told = {"names": list(names)}
            found = await self._helper.read(_Texts, "tree-read", *words, told=told, most=_LONGEST_ANSWER)
            tree = tree.with_contents({name: _opened(found.texts.get(name)) for name in names})
        return tree


class _Names(msgspec.Struct, forbid_unknown_fields=True):
    sizes: dict[str, Annotated[int, Meta(ge=0)]]
    links: list[str] = []


class _Texts(msgspec.Struct, forbid_unknown_fields=True):
    texts: dict[str, str | None]


def _opened(text: str | None) -> bytes | None:
    try:
        return None if text is None else b64decode(text, validate=True)
    except binascii.Error as error:
        raise NotUnderstood("The helper on the node answered in words that Bakery does not understand.") from error
