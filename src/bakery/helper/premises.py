"""Where an environment of an app lives: its account and its folder.

premises-make APP ENVIRONMENT     both; again is harmless
premises-remove APP ENVIRONMENT   both, with all that is in the folder, and what its units and visitors left in logs;
                                  volumes stay, and are root's until the environment has an account again
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
from pathlib import Path

from bakery.helper.accounts import ensure_account, remove_account
from bakery.helper.files import make_folder, make_open_folder, remove_tree
from bakery.helper.names import PLACE, UNIT, Premises, premises_of_unit
from bakery.helper.verbs import Verb


def make(root: Path, app: str, environment: str) -> None:
    premises = Premises(root, app, environment)
    ensure_account(premises.account)
    make_open_folder(premises.releases)
    make_cache(premises)


def make_cache(premises: Premises) -> None:
    """What tools keep between builds, in the account's own folder. It leads nowhere else: what is above is root's."""
    make_folder(premises.cache, 0o700)
    if os.geteuid() == 0:
        owner = pwd.getpwnam(premises.account)
        os.chown(premises.cache, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def remove(root: Path, app: str, environment: str) -> None:
    premises = Premises(root, app, environment)
    remove_logs(root, app, environment)
    keep_from_others(premises)
    remove_tree(premises.home)
    with contextlib.suppress(OSError):  # another environment of the app is there
        premises.home.parent.rmdir()
    remove_account(premises.account)


def keep_from_others(premises: Premises) -> None:
    """Before the account goes: its number may be another's later."""
    if os.geteuid() == 0 and premises.volumes.is_dir():
        for volume in premises.volumes.iterdir():
            os.chown(volume, 0, 0, follow_symlinks=False)


def remove_logs(root: Path, app: str, environment: str) -> None:
    logs, home = root / "logs", Premises(root, app, environment).home
    for log in logs.glob("bakery-*.log") if logs.exists() else ():
        if re.fullmatch(UNIT, log.stem) and premises_of_unit(root, log.stem).home == home:
            log.unlink()
            with contextlib.suppress(FileNotFoundError):
                (logs / "marks" / log.stem).unlink()
    with contextlib.suppress(OSError):  # there are others, or there never was one
        (logs / "marks").rmdir()
    for name in (f"{app}-{environment}.access.json", f"{app}-{environment}.access.json.1"):
        with contextlib.suppress(FileNotFoundError):
            (logs / name).unlink()


VERBS = {"make": Verb(make, PLACE), "remove": Verb(remove, PLACE)}
