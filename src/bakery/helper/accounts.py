"""Whom the helper runs things as: never root."""

from __future__ import annotations

import os
import pwd
import re
import sys

AGENT = "bakery-agent"
ACCOUNT = re.compile(f"{AGENT}|bk-[0-9a-f]{{16}}")


def account_of(name: object) -> pwd.struct_passwd:
    """Root runs nothing as root, nor as anybody who is not Bakery's. Others can only be themselves."""
    if os.geteuid() != 0:
        account = pwd.getpwuid(os.geteuid())
        if name not in (None, account.pw_name):
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
