"""Whose files these are, and as whom the server runs: PostgreSQL refuses to be root, and so do we."""

import os
import pwd
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bakery.model.errors import NotReady
from bakery.store.embedded import programs

SERVICE_ACCOUNT = "bakery-postgres"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        return self.uid != os.geteuid()

    @classmethod
    def of(cls, uid: int) -> "Account":
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            raise NotReady(
                f"User id {uid} has no name on this machine, and PostgreSQL needs one.",
                hint="Run Bakery as a user that /etc/passwd lists, or set DATABASE_URL.",
            ) from None
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)


def keeper_of(data_dir: Path) -> Account:
    """Who keeps the files: ourselves. Only root may act for another user, whose folder it then is."""
    us = os.geteuid()
    return Account.of(data_dir.stat().st_uid if us == 0 else us)


def bound_to_us(argv: Sequence[str], account: Account) -> list[str]:
    """The same command as the account, interrupted by the kernel when the thread that starts it is gone.

    setpriv arranges the latter last: a change of user would undo it.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NotReady(
            "The program setpriv is missing, with which the embedded PostgreSQL is started.",
            hint="Install the package util-linux, or set DATABASE_URL.",
        )
    demoted = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"] if account.is_other else []
    return [setpriv, *demoted, "--no-new-privs", "--pdeathsig=INT", "--", *argv]


async def runner_for(keeper: Account) -> Account:
    """As whom the server runs: the keeper, or the service account in place of root."""
    if keeper.uid != 0:
        return keeper
    if not _exists(SERVICE_ACCOUNT):
        await _create(SERVICE_ACCOUNT)
    return Account.of(pwd.getpwnam(SERVICE_ACCOUNT).pw_uid)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


async def _create(name: str) -> None:
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    argv = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    outcome = await programs.run([*argv, "--shell", "/usr/sbin/nologin", name])
    if not _exists(name):  # another Bakery may have been quicker, then useradd fails and all is well
        raise NotReady(
            f"Bakery runs as root, PostgreSQL must not, and the user {name} could not be created: {outcome.last_words}",
            hint=f"Create it by hand (useradd --system {name}), run Bakery as an ordinary user, or set DATABASE_URL.",
        )
