"""The files of a release, as who finds out what is in a repository sees them: within bounds, and as its account.

tree-names APP ENVIRONMENT NUMBER   prints the path and the size of each file, and the paths of links apart
tree-read APP ENVIRONMENT NUMBER    takes paths as a line of JSON ({"names": […]}), and prints what stands in them,
                                    in Base64; null for one that cannot be read
"""

from __future__ import annotations

import json
import os
import sys
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from bakery.helper.names import PLACE, RELEASE, Premises
from bakery.helper.releases import as_account
from bakery.helper.verbs import Verb
from bakery.helper.words import is_text, told_object, write_all

MOST_NAMES = 50_000
MOST_LINKS = 200
MOST_READ = 200
LARGEST_FILE = 256 * 1024
LARGEST_TOTAL = 4 * 1024 * 1024
LONGEST_NAMES = 8 * 1024 * 1024  # bytes of all, as JSON writes them
LONGEST_ANSWER = 16 * 1024 * 1024
SKIPPED = {".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".next", ".cache"}


def tell_names(root: Path, app: str, environment: str, number: str) -> None:
    answer(root, app, environment, number, lambda: json.dumps(names()))


def tell_texts(root: Path, app: str, environment: str, number: str) -> None:
    names = told_object({"names"}, what="What to read")["names"]
    if not isinstance(names, list) or len(names) > MOST_READ or not all(map(is_path_below, names)):
        sys.exit(f"names has to be a list of at most {MOST_READ} paths below the release.")
    answer(root, app, environment, number, lambda: json.dumps({"texts": texts(names)}))


def answer(root: Path, app: str, environment: str, number: str, look: Callable[[], str]) -> None:
    premises = Premises(root, app, environment)
    folder = premises.releases / number
    if not folder.is_dir():
        sys.exit(f"Release #{number} is not on this machine.")
    said = as_account(premises.account, folder, look, most=LONGEST_ANSWER)
    write_all(1, said.encode() + b"\n")


def names() -> dict[str, object]:
    """Of the folder that we are in. What lies deepest is left out where there is too much."""
    sizes: dict[str, int] = {}
    links: list[str] = []
    left = LONGEST_NAMES
    for name, size in files():
        left -= len(json.dumps(name))
        if len(sizes) == MOST_NAMES or left < 0:
            break
        if size is not None:
            sizes[name] = size
        elif len(links) < MOST_LINKS:
            links.append(name)
    return {"sizes": sizes, "links": links}


def files() -> Iterator[tuple[str, int | None]]:
    """The upper folders first; a link has no size."""
    waiting = deque([""])
    while waiting:
        here = waiting.popleft()
        try:
            with os.scandir(here or ".") as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError:
            continue  # its owner may not look into it
        for entry in entries:
            path = f"{here}/{entry.name}" if here else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED:
                    waiting.append(path)
            elif entry.is_file(follow_symlinks=False) and is_text(path):
                yield path, entry.stat(follow_symlinks=False).st_size
            elif entry.is_symlink() and is_text(path):
                yield path, None


def texts(names: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    left = LARGEST_TOTAL
    for name in names:
        content = text(name) if left > 0 else None
        left -= len(content or b"")
        found[name] = None if content is None else b64encode(content).decode()
    return found


def text(name: str) -> bytes | None:
    """Not through a link that took the file's place, and not waiting for a pipe."""
    try:
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(opened, "rb") as file:  # noqa: PTH123 - it is open already
            return file.read(LARGEST_FILE)
    except OSError:
        return None


def is_path_below(name: object) -> bool:
    if not isinstance(name, str) or not is_text(name):
        return False
    return bool(name) and not name.startswith("/") and ".." not in name.split("/")


VERBS = {"names": Verb(tell_names, f"{PLACE}\0{RELEASE}"), "read": Verb(tell_texts, f"{PLACE}\0{RELEASE}")}
