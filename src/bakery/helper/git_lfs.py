"""Files that a repository keeps in Git LFS: it holds pointers, and the server has the files (see git_lfs_server).

Each file is the one that its pointer names, or none.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from bakery.helper.git_fetch import Fetched, tree_of
from bakery.helper.git_program import Git
from bakery.helper.words import write_all

POINTER = re.compile(
    rb"version https://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/v1\n(?:ext-[^\n]*\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,12})\n"
)
LARGEST_POINTER = 1024
FILE = ("100644", "100755")
AT_ONCE = 500  # objects that one call is about
CHUNK = 1024 * 1024
FOLDER = "lfs"  # among the objects


class Pointer:
    """`path` is below the release."""

    def __init__(self, path: str, oid: str, size: int) -> None:
        self.path, self.oid, self.size = path, oid, size


def find_pointers(git: Git, tree: Fetched) -> list[Pointer]:
    entries = tree_of(git, tree.commit)
    if not any(Path(path).name == ".gitattributes" for _, _, _, path in entries):
        return []
    small = [one for one in entries if one[0] in FILE and int(one[2]) <= LARGEST_POINTER]
    found = []
    for begin in range(0, len(small), AT_ONCE):
        some = small[begin : begin + AT_ONCE]
        asked = "".join(f"{name}\n" for _, name, _, _ in some).encode()
        contents = split_batch(git.call("cat-file", "--batch", told=asked).output)
        for (_, _, _, path), content in zip(some, contents):  # noqa: B905 - Python 3.9 knows no `strict`
            pointer = POINTER.fullmatch(content)
            if pointer:
                found.append(Pointer(tree.folder + path, pointer[1].decode(), int(pointer[2])))
    return found


def split_batch(output: bytes) -> list[bytes]:
    """What `cat-file --batch` prints: a line with the size, the content, and a line end."""
    found = []
    while output:
        head, _, output = output.partition(b"\n")
        size = int(head.split()[-1])
        found.append(output[:size])
        output = output[size + 1 :]
    return found


# As the account, where the files are written.


def place_files(objects: Path, pointers: list[Pointer]) -> None:
    """Into the folder that we are in, in place of their pointers."""
    for one in pointers:
        into = os.open(one.path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
        with os.fdopen(into, "wb") as file, open(objects / FOLDER / one.oid, "rb") as source:  # noqa: PTH123 - beside it
            while piece := source.read(CHUNK):
                write_all(file.fileno(), piece)
