"""A folder in memory for what a job may not leave behind: it is gone with the last process that sees it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bakery.helper.files import make_folder, remove_tree
from bakery.helper.libc import LIBC
from bakery.helper.processes import began_at

CLONE_NEWNS, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND = 0x20000, 2, 4, 8, 0x1000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MEMORY = Path("/dev/shm")  # noqa: S108 - of others there only those who may read all of ours see into a folder of ours


class Private:
    def __init__(self, path: Path, *, mounts: bool) -> None:
        self.path, self.mounts = path, mounts

    def show(self, name: str, folder: Path) -> Path:
        """A way to a folder for who may not be let through what lies above it."""
        here = self.path / name
        if self.mounts:
            here.mkdir()
            mount(str(folder), str(here), None, MS_BIND, "")
        else:
            here.symlink_to(folder)
        return here


@contextlib.contextmanager
def private_folder(place: Path, *, size: str) -> Iterator[Private]:
    """Root's others may pass through. Who has no mounts gets a folder that goes with a job that is not killed."""
    if os.geteuid() == 0 and has_mounts():
        make_folder(place.parent, 0o755)
        make_folder(place, 0o700)
        mount("none", "/", None, MS_REC | MS_PRIVATE, "")
        mount("tmpfs", str(place), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, f"mode=0711,size={size}")
        yield Private(place, mounts=True)
        return
    place = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    forget_the_dead(place)
    folder = Path(tempfile.mkdtemp(prefix=f"bakery-{os.getpid()}-", dir=place))
    try:
        if os.geteuid() == 0:
            folder.chmod(0o711)
        yield Private(folder, mounts=False)
    finally:
        remove_tree(folder)


def forget_the_dead(place: Path) -> None:
    """What those left who were killed."""
    for folder in place.glob("bakery-*-*"):
        whose = folder.name.split("-")[1]
        with contextlib.suppress(FileNotFoundError):
            if whose.isdigit() and folder.lstat().st_uid == os.geteuid() and began_at(int(whose)) is None:
                remove_tree(folder)


def has_mounts() -> bool:
    """From now on we have mounts of our own, unless the kernel denies them even to root, as in some containers."""
    if LIBC.unshare(CLONE_NEWNS) == 0:
        return True
    if ctypes.get_errno() != errno.EPERM:
        raise OSError(ctypes.get_errno(), "the kernel gives no mounts of our own")
    return False


def mount(source: str, target: str, kind: str | None, flags: int, options: str) -> None:
    words = (source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), options.encode())
    if LIBC.mount(*words):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), target)
