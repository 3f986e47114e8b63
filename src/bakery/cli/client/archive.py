"""A folder as a tar.gz: the same files give the same bytes, whoever packs them."""

import gzip
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from bakery.cli.client.ignore import ALWAYS, IgnoreRules
from bakery.model.errors import BadInput


def files_to_send(folder: Path) -> list[str]:
    """What git would keep, where the folder is in a repository; else what the ignore files and common sense leave."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder.", field="--dir")
    found = _files_of_git(folder)
    names = sorted(_files_below(folder) if found is None else found)
    rules = IgnoreRules(_lines(folder / ".dockerignore"), from_root=True)
    kept = [name for name in names if not _is_ignored(name, rules)]
    if not kept:
        raise BadInput(f"There is nothing to send in {folder}.", field="--dir", hint="Do ignore files name all of it?")
    return kept


def pack(folder: Path, names: list[str], target: IO[bytes]) -> None:
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in names:
            try:
                _add(archive, folder / name, name)
            except OSError as error:
                raise BadInput(f"{folder / name} cannot be read: {error.strerror or error}.", field="--dir") from error


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """Whose file it is and when it was made says nothing about what it is, so neither is sent."""
    found = path.lstat()
    entry = tarfile.TarInfo(name)
    if stat.S_ISLNK(found.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
        archive.addfile(entry)
    elif stat.S_ISREG(found.st_mode):
        entry.size, entry.mode = found.st_size, 0o755 if found.st_mode & 0o100 else 0o644
        with path.open("rb") as file:
            archive.addfile(entry, file)
    else:
        raise BadInput(f"{path} is not a file.", field="--dir", hint="Name it in .dockerignore or .gitignore.")


def _files_of_git(folder: Path) -> list[str] | None:
    """Tracked or new, and not ignored; None where there is no repository, or no git."""
    argv = ["git", "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(argv, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    if listed.returncode:
        return None
    names = {os.fsdecode(name) for name in listed.stdout.split(b"\0") if name}
    return [name for name in names if (folder / name).is_symlink() or (folder / name).is_file()]


def _files_below(folder: Path) -> Iterator[str]:
    rules = IgnoreRules([*ALWAYS, *_lines(folder / ".gitignore")], from_root=False)
    for where, folders, files in os.walk(folder):
        below = Path(where).relative_to(folder)
        folders[:] = [name for name in folders if not rules.ignores((below / name).as_posix(), is_folder=True)]
        linked = [name for name in folders if (Path(where) / name).is_symlink()]
        for name in (*files, *linked):
            path = (below / name).as_posix()
            if not rules.ignores(path, is_folder=False):
                yield path


def _is_ignored(name: str, rules: IgnoreRules) -> bool:
    """By a rule for the file, or for a folder that it is in; the innermost decides."""
    parts = name.split("/")
    ignored = False
    for depth in range(1, len(parts) + 1):
        path, is_folder = "/".join(parts[:depth]), depth < len(parts)
        verdict = rules.verdict(path, is_folder=is_folder)
        ignored = ignored if verdict is None else verdict
    return ignored


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
