"""The server's folders, each held open.

The server gets them as open descriptors and names them `/proc/self/fd/N`. So the service account reaches its folders
below a parent that is closed to it, such as a home of mode 0700, and nobody has to open that parent. It also makes
spaces, quotes and the length of a path no matter.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bakery.model.errors import NotReady
from bakery.store.embedded.accounts import Account


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that is held open. `path` works here and in a child that got `fd`; `shown` is for people."""

    fd: int
    shown: Path

    @property
    def path(self) -> Path:
        return Path(f"/proc/self/fd/{self.fd}")

    def is_cwd_of(self, pid: int) -> bool:
        try:
            return os.path.samestat(Path(f"/proc/{pid}/cwd").stat(), os.fstat(self.fd))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return False

    def make(self, name: str) -> None:
        """Makes a folder in this one, closed to others, unless it is there."""
        with suppress(FileExistsError):
            (self.path / name).mkdir(mode=0o700)

    @contextmanager
    def opened(self, name: str, *, owner: Account, mode: int = 0o700) -> Iterator["Folder"]:
        """Holds a folder in this one. It belongs to `owner`, or is refused."""
        with opened(self.path / name, shown=self.shown / name) as folder:
            folder.give_to(owner)
            os.fchmod(folder.fd, mode)
            yield folder

    def give_to(self, owner: Account) -> None:
        current = os.fstat(self.fd).st_uid
        if current == owner.uid:
            return
        if current != os.geteuid():
            raise NotReady(
                f"{self.shown} does not belong to {owner.name}, as whom its database runs.",
                hint=f"Was it copied here? Then: chown -R {owner.name}: '{self.shown}'",
            )
        os.fchown(self.fd, owner.uid, owner.gid)


@contextmanager
def opened(path: Path, *, shown: Path) -> Iterator[Folder]:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield Folder(fd, shown)
    finally:
        os.close(fd)
