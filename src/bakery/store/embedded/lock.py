"""One Bakery at a time on a data folder. The kernel frees the lock when its holder is gone, however it went."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from bakery.model.errors import NotReady
from bakery.store.embedded.accounts import Account
from bakery.store.embedded.folders import Folder


class InUse(NotReady):
    """Another process holds the lock. `holder` is its id, or 0 when it has not yet written it."""

    def __init__(self, home: Folder, holder: int) -> None:
        super().__init__(
            f"Another Bakery (process {holder}) uses the database in {home.shown}.",
            hint="Stop that one, give this one its own BAKERY_DATA_DIR, or let both use a server by DATABASE_URL.",
        )
        self.holder = holder


@contextmanager
def locked(home: Folder, *, owner: Account) -> Iterator[None]:
    fd = os.open(home.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(home, int(os.pread(fd, 20, 0) or b"0")) from None
        if os.fstat(fd).st_uid != owner.uid:
            os.fchown(fd, owner.uid, owner.gid)
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(fd)
