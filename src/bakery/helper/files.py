"""Files that are whole or not there, and folders that only those see who may."""

from __future__ import annotations

import contextlib
import grp
import os
from pathlib import Path

from bakery.helper.accounts import AGENT
from bakery.helper.processes import run
from bakery.helper.words import write_all


def make_folder(folder: Path, mode: int) -> None:
    """A user's are closed to others. What is above root's can be passed through."""
    if not folder.parent.exists():
        make_folder(folder.parent, 0o711)
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
    folder.chmod(mode if os.geteuid() == 0 else 0o700)


def let_agent_read(path: Path, mode: int) -> None:
    with contextlib.suppress(KeyError):
        agent = grp.getgrnam(AGENT).gr_gid
        if os.geteuid() == 0:
            os.chown(path, -1, agent)
            path.chmod(mode)


def let_group_read(path: Path, group: str) -> None:
    """And nobody else but its owner."""
    os.chown(path, -1, grp.getgrnam(group).gr_gid)
    path.chmod(0o640)


def write_over(path: Path, content: bytes) -> None:
    """In place, and safe on the disk."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        write_all(file, content)
        os.ftruncate(file, len(content))
        os.fsync(file)
    finally:
        os.close(file)


def write_whole(path: Path, text: str) -> None:
    """Readers see the old or the new."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.write_text(text)
    aside.replace(path)


def replace_with(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Readers see the old until the new is safe on the disk. One at a time does this to a file."""
    write_beside(path, text, mode=mode).replace(path)


def write_beside(path: Path, text: str, *, mode: int = 0o644) -> Path:
    """Where the new waits, safe on the disk, until it takes the place of the old."""
    aside = path.with_name(f"{path.name}.new")
    write_over(aside, text.encode())
    aside.chmod(mode)
    return aside


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)


def empty(folder: Path) -> None:
    if folder.exists():
        for entry in folder.iterdir():
            entry.unlink()
        folder.rmdir()


def make_open_folder(folder: Path) -> None:
    """Everybody may pass through it; only its owner, who runs the helper, may write there."""
    if not folder.parent.exists():
        make_open_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o755)


def remove_tree(folder: Path) -> None:
    """Stays on its file system, so that what is mounted there is not emptied."""
    if folder.exists() or folder.is_symlink():
        run("rm", "--recursive", "--force", "--one-file-system", "--", str(folder))
