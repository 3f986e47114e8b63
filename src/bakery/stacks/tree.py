"""A repository as detection sees it: the names of its files, and what stands in the few that were asked for.

The tree may lie on a far node, so nothing here opens a file. Whoever can, fetches what `wanted_files` names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property

from msgspec import Struct

from bakery.model.repository_paths import TOP, RepositoryPath, joined

LARGEST_FILE = 256 * 1024
LARGEST_TOTAL = 2 * 1024 * 1024
MOST_LINKS = 200
MOST_FILES = 120
MOST_MATCHES = 12
_MARK_OF_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PLAIN_PATH = r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}"


class Listing(Struct):
    """What lies in one folder. `marks`: its names, and “*.cs” for one that ends so: many are compared at once."""

    names: list[str] = []
    folders: list[str] = []
    marks: set[str] = set()


@dataclass(frozen=True)
class FileTree:
    """`sizes`: every file's path, from the top and with “/” between its parts, and its bytes. Links are left out.

    `contents`: of the files that were read; None for one that could not be. `links`: the paths of those left out.
    """

    sizes: Mapping[str, int]
    contents: Mapping[str, bytes | None] = field(default_factory=dict)
    links: tuple[str, ...] = ()

    def with_contents(self, contents: Mapping[str, bytes | None]) -> "FileTree":
        more = replace(self, contents={**self.contents, **contents})
        more.__dict__["listings"] = self.listings  # its names are the same, and may be many
        return more

    @cached_property
    def listings(self) -> Mapping[str, Listing]:
        """Every folder that holds something, by its path."""
        found: dict[str, Listing] = {"": Listing()}
        here, listing = "", found[""]
        for path in self.sizes:
            folder, _, name = path.rpartition("/")
            if folder != here:  # a folder's files mostly follow each other
                here, listing = folder, found.get(folder) or _enlisted(found, folder)
            listing.names.append(name)
        for listing in found.values():
            listing.marks.update(listing.names)
            # Of a name without a dot: all of it.
            endings = {name.rpartition(".")[2] for name in listing.names}
            listing.marks.update(f"*.{ending}" for ending in endings)
        return found


class Folder(Struct, frozen=True):
    """One folder of a tree; names are relative to it, and may be paths."""

    tree: FileTree
    path: RepositoryPath = TOP

    @property
    def is_there(self) -> bool:
        return self.path in self.tree.listings

    @property
    def above(self) -> "Folder | None":
        """The folder that this one lies in; None of the top."""
        return Folder(self.tree, RepositoryPath(self.path.rpartition("/")[0])) if self.path else None

    @property
    def and_above(self) -> "Iterator[Folder]":
        """This folder, and those it lies in up to the top."""
        here: Folder | None = self
        while here is not None:
            yield here
            here = here.above

    @property
    def names(self) -> tuple[str, ...]:
        """Of the files that lie in it, not below."""
        return tuple(self._listing.names)

    @property
    def folders(self) -> tuple[str, ...]:
        """Of those that hold something, by their names."""
        return tuple(self._listing.folders)

    @property
    def links(self) -> tuple[str, ...]:
        """Here and below: no link is followed, wherever it leads."""
        begin = f"{self.path}/" if self.path else ""
        return tuple(one[len(begin) :] for one in self.tree.links if one.startswith(begin))

    def has(self, name: str) -> bool:
        return joined(self.path, name) in self.tree.sizes

    def first(self, *names: str) -> str | None:
        """The first of these that is here. A name may be a pattern."""
        return next((found for name in names for found in self.matching(name)), None)

    def present(self, *names: str) -> tuple[str, ...]:
        return tuple(name for name in names if self.has(name))

    def matching(self, pattern: str) -> tuple[str, ...]:
        """The first few files, by name, of a pattern such as “*.csproj” or “cmd/*/main.go”; “*” stays in its folder."""
        if "*" not in pattern:
            return (pattern,) if self.has(pattern) else ()
        *folders, last = pattern.split("/")
        found = [""]
        for part in folders:
            found = [joined(one, name) for one in found[:MOST_MATCHES] for name in self._folders_in(one, part)]
        return tuple(joined(one, name) for one in found[:MOST_MATCHES] for name in sorted(self._files_in(one, last)))[
            :MOST_MATCHES
        ]

    def below(self, pattern: str, *, deepest: int = 3) -> Iterator[str]:
        """Files whose own name matches, here or at most so many folders down; the upper ones first."""
        level = [""]
        for _ in range(deepest + 1):
            for folder in level:
                yield from (joined(folder, name) for name in sorted(self._files_in(folder, pattern)))
            level = [joined(folder, name) for folder in level for name in self._folders_in(folder, "*")]

    def holds_any(self, prefix: str) -> bool:
        """Is there a file whose path begins so?"""
        folder, _, start = prefix.rpartition("/")
        listing = self.tree.listings.get(joined(self.path, folder))
        if listing is None:
            return False
        return any(name.startswith(start) for name in (*listing.names, *listing.folders))

    def text(self, name: str) -> str | None:
        """What stands in a file; None when it is not here, was not read, or is no text."""
        content = self.tree.contents.get(joined(self.path, name))
        return None if content is None else _decoded(content[:LARGEST_FILE])

    def shown(self, name: str) -> str:
        """How sentences name a file of this folder."""
        return joined(self.path, name)

    @property
    def _listing(self) -> Listing:
        return self.tree.listings.get(self.path) or Listing()

    def _folders_in(self, folder: str, pattern: str) -> list[str]:
        listing = self.tree.listings.get(joined(self.path, folder))
        return sorted(name for name in listing.folders if fnmatchcase(name, pattern)) if listing else []

    def _files_in(self, folder: str, pattern: str) -> list[str]:
        listing = self.tree.listings.get(joined(self.path, folder))
        if listing is None or (pattern.startswith("*.") and pattern.count(".") == 1 and pattern not in listing.marks):
            return []
        return [name for name in listing.names if fnmatchcase(name, pattern)]


def is_plain_path(text: str) -> bool:
    """Of letters, digits, dots, hyphens and underscores only, and below its folder: safe wherever it is written."""
    return re.fullmatch(_PLAIN_PATH, text) is not None and ".." not in text.split("/")


def _enlisted(listings: dict[str, Listing], folder: str) -> Listing:
    """A folder's listing, with those above it."""
    made = listings[folder] = Listing()
    while folder:
        folder, _, name = folder.rpartition("/")
        above = listings.get(folder)
        if above is not None:
            above.folders.append(name)
            break
        listings[folder] = Listing(folders=[name])
    return made


def _decoded(content: bytes) -> str | None:
    encoding = "utf-16" if content.startswith(_MARK_OF_UTF16) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
