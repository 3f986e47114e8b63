"""A repository as detection sees it: the names of its files, and what stands in the few that were asked for.

The tree may lie on a far node, so nothing here opens a file. Whoever can, fetches what `wanted_files` names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bakery.model.repository_paths import TOP, RepositoryPath, joined

LARGEST_FILE = 256 * 1024
LARGEST_TOTAL = 2 * 1024 * 1024
MOST_FILES = 120
_MARK_OF_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")


@dataclass(frozen=True, slots=True)
class FileTree:
    """`sizes`: every file's path, from the top and with “/” between its parts, and its bytes. Links are left out.

    `contents`: of the files that were read; None for one that could not be.
    """

    sizes: Mapping[str, int]
    contents: Mapping[str, bytes | None] = field(default_factory=dict)

    def with_contents(self, contents: Mapping[str, bytes | None]) -> "FileTree":
        return replace(self, contents={**self.contents, **contents})


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of a tree; names are relative to it."""

    tree: FileTree
    path: RepositoryPath = TOP

    @property
    def is_there(self) -> bool:
        return not self.path or any(name.startswith(f"{self.path}/") for name in self.tree.sizes)

    def has(self, name: str) -> bool:
        return joined(self.path, name) in self.tree.sizes

    def first(self, *names: str) -> str | None:
        """The first of these that is here."""
        return next((name for name in names if self.has(name)), None)

    def present(self, *names: str) -> tuple[str, ...]:
        return tuple(name for name in names if self.has(name))

    def holds_any(self, prefix: str) -> bool:
        """Is there a file whose path begins so?"""
        whole = joined(self.path, prefix)
        return any(name.startswith(whole) for name in self.tree.sizes)

    def text(self, name: str) -> str | None:
        """What stands in a file; None when it is not here, was not read, or is no text."""
        content = self.tree.contents.get(joined(self.path, name))
        return None if content is None else _decoded(content[:LARGEST_FILE])

    def shown(self, name: str) -> str:
        """How sentences name a file of this folder."""
        return joined(self.path, name)


def is_plain_path(text: str) -> bool:
    """Of letters, digits, dots, hyphens and underscores only, and below its folder: safe wherever it is written."""
    return _PLAIN_PATH.fullmatch(text) is not None and ".." not in text.split("/")


def _decoded(content: bytes) -> str | None:
    encoding = "utf-16" if content.startswith(_MARK_OF_UTF16) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
