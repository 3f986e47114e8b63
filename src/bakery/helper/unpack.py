"""Unpacking an archive that was uploaded or that a build made, of which nothing is trusted.

Only files, folders and links that stay inside are made; every file is new, symbolic links are made last so that nothing
is written through one, a hard link is to a file that came before it; what it expands to is bounded. It is done as the
account that the files are for.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tarfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, Literal, NoReturn

from bakery.helper.words import NO_ROOM, refusal

MOST_BYTES = 2 * 1024**3
MOST_ENTRIES = 200_000
MOST_MEMORY = 1024**3  # a header may claim to be as long as it likes
CHUNK = 256 * 1024
MOST_LINKS = 40  # as for the kernel
UPLOADED: Final = "r|gz"
BUILT: Final = "r|"


def unpack(archive: BinaryIO, folder: Path) -> str:
    """Into a folder that is there and empty. What was done, as a sentence."""
    try:
        return unpack_stream(archive, folder, UPLOADED)
    except (tarfile.TarError, EOFError) as error:
        refuse(f"The archive cannot be unpacked: {error}.")


def unpack_stream(archive: BinaryIO, folder: Path, packed: Literal["r|gz", "r|"]) -> str:
    """Likewise; but what is no archive, or no whole one, is an error of tarfile's."""
    os.umask(0o022)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    try:
        files, size = fill(folder, archive, packed)
    except OSError as error:
        refuse(refusal(error) if error.errno in NO_ROOM else f"The archive cannot be unpacked: {error}.")
    except MemoryError:
        refuse("The archive has a header that is far too long.")
    return f"{files} files, {size / 1024:,.0f} kB."


def fill(root: Path, archive: BinaryIO, packed: Literal["r|gz", "r|"]) -> tuple[int, int]:
    files = size = 0
    links: list[tuple[Path, str]] = []
    written: set[str] = set()
    with tarfile.open(fileobj=archive, mode=packed) as tar:
        for entries, member in enumerate(tar, 1):
            if entries > MOST_ENTRIES:
                refuse(f"The archive holds more than {MOST_ENTRIES:,} files.")
            path = inside(root, member.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if member.isdir():
                path.mkdir(exist_ok=True)
            elif member.issym():
                links.append((path, member.linkname))
            elif member.isreg() and not member.issparse():
                files, size = files + 1, size + member.size
                if size > MOST_BYTES:
                    refuse(f"The archive expands to more than {MOST_BYTES // 1024**3} GB.")
                write(path, tar, member)
                written.add(str(path))
            elif member.islnk() and str(inside(root, member.linkname)) in written:
                os.link(inside(root, member.linkname), path, follow_symlinks=False)
            else:
                refuse(f"“{member.name}” is neither a file, nor a folder, nor a link to one in the archive.")
    make_links(root, links)
    return files, size


def inside(root: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    if not name or name.startswith("/") or ".." in parts or "\0" in name:
        refuse(f"“{name}” leads out of the archive.")
    return root.joinpath(*parts)


def write(path: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    content = tar.extractfile(member)
    if content is None:
        refuse(f"“{member.name}” has no content.")
    mode = 0o755 if member.mode & 0o100 else 0o644
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(content, file, CHUNK)


def make_links(root: Path, links: list[tuple[Path, str]]) -> None:
    for path, target in links:
        path.symlink_to(target)
    for path, _ in links:
        if leads_out(root, path.relative_to(root)):
            refuse(f"The link “{path.relative_to(root)}” leads out of the archive.")


def leads_out(root: Path, path: Path) -> bool:
    """Followed link by link from the root on, which may lie where we may not look."""
    waiting = list(reversed(path.parts))
    inside_root: list[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part == "..":
            if not inside_root:
                return True
            inside_root.pop()
            continue
        place = root.joinpath(*inside_root, part)
        if not place.is_symlink():
            inside_root.append(part)
            continue
        target, links = str(place.readlink()), links + 1
        if target.startswith("/") or links > MOST_LINKS:
            return True
        waiting.extend(reversed(PurePosixPath(target).parts))
    return False


def refuse(sentence: str) -> NoReturn:
    sys.exit(sentence)
