"""Whom the helper runs things as: never root."""

from __future__ import annotations

import os
import pwd
import re
import sys

from bakery.helper.processes import run

AGENT = "bakery-agent"
ACCOUNT = re.compile(f"{AGENT}|bk-[0-9a-f]{{16}}")


def account_of(name: object) -> pwd.struct_passwd:
    """Root runs nothing as root, nor as anybody who is not Bakery's. Others have only themselves for all of those."""
    if os.geteuid() != 0:
        account = pwd.getpwuid(os.geteuid())
        if name not in (None, account.pw_name) and not (isinstance(name, str) and ACCOUNT.fullmatch(name)):
            sys.exit("Only root can run a job as another user.")
        return account
    name = AGENT if name is None else name
    if not isinstance(name, str) or not ACCOUNT.fullmatch(name):
        sys.exit("A job can only run as an account of Bakery's.")
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        sys.exit(f"There is no account {name} here.")
    if account.pw_uid == 0:
        sys.exit("No job runs as root.")
    return account


def become(account: pwd.struct_passwd) -> None:
    import ctypes  # noqa: PLC0415 - most verbs become nobody, and it takes long to load

    from bakery.helper.libc import LIBC, PR_SET_NO_NEW_PRIVS  # noqa: PLC0415 - for the same reason

    if os.geteuid() == 0:
        os.initgroups(account.pw_name, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel does not forbid new privileges")


def ensure_account(name: str) -> None:
    """Makes the system user unless it is there. Who is not root has only himself."""
    if os.geteuid() == 0 and not is_there(name):
        run(
            "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
            "--shell", "/usr/sbin/nologin", name,
        )  # fmt: skip


def remove_account(name: str) -> None:
    """Refused while something runs as it: nobody else is to get its number meanwhile."""
    if os.geteuid() == 0 and is_there(name):
        run("userdel", name)


def is_there(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
