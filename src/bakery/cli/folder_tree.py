"""A folder of this machine as detection sees it: within bounds, and never through a link out of it."""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from bakery.model.errors import BadInput
from bakery.stacks.tree import LARGEST_FILE, MOST_LINKS, FileTree

MOST_NAMES = 100_000
_SKIPPED = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".next", ".cache"})


def tree_of(folder: Path, *, most: int = MOST_NAMES) -> FileTree:
    """Names and sizes. What lies deepest is left out where there is too much."""
    sizes: dict[str, int] = {}
    links: list[str] = []
    for name, size in _files(folder):
        if len(sizes) == most:
            break
        if size is not None:
            sizes[name] = size
        elif len(links) < MOST_LINKS:
            links.append(name)
    return FileTree(sizes, links=tuple(links))


def read_files(folder: Path, names: tuple[str, ...]) -> dict[str, bytes | None]:
    """What stands in these, which `tree_of` has named; None for one that cannot be read."""
    return {name: _read(folder / name) for name in names}


def _files(folder: Path) -> Iterator[tuple[str, int | None]]:
    """The upper folders first; a link has no size. Text all the way: an object for each path would take most of the
    time.
    """
    waiting = deque([""])
    while waiting:
        below = waiting.popleft()
        try:
            with os.scandir(folder / below) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            if not below:
                raise BadInput(f"{folder} cannot be read: {error.strerror}.", field="DIR") from error
            continue  # somebody else's
        for entry in entries:
            name = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    waiting.append(f"{name}/")
            elif entry.is_file(follow_symlinks=False) and _is_text(entry.name):
                yield name, entry.stat(follow_symlinks=False).st_size
            elif entry.is_symlink() and _is_text(entry.name):
                yield name, None


def _is_text(name: str) -> bool:
    """Names that are no UTF-8 are none that anything looks for."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read(path: Path) -> bytes | None:
    try:
        # Not through a link that took the file's place since it was listed, and not waiting for a pipe.
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(opened, "rb") as file:  # noqa: PTH123 - it is open already
            return file.read(LARGEST_FILE)
    except OSError:
        return None
