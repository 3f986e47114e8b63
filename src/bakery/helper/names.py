"""The names of what Bakery has on a node, checked; and what follows from them: whose it is, and where it lies."""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePath

from bakery.helper.verbs import ROOTS_FOLDER

APP = "[a-z][a-z0-9-]{0,39}"
WORD = "(?!(?:blue|green)(?![a-z0-9]))[a-z][a-z0-9]{0,15}"  # an environment or a process: never named like a slot
COLOUR = "(?:blue|green)"
UNIT = f"bakery-{APP}-{WORD}-{COLOUR}(?:-{WORD}(?:-[1-9][0-9]{{0,2}})?)?"
MOST_AT_ONCE = 200
UNITS = f"{UNIT}(?:\0{UNIT}){{0,{MOST_AT_ONCE - 1}}}"
PLACE = f"{APP}\0{WORD}"
RELEASE = "[1-9][0-9]{0,9}"
_UNIT = re.compile(f"bakery-({APP})-({WORD})-{COLOUR}(?:-{WORD}(?:-[1-9][0-9]{{0,2}})?)?")


class Premises:
    """Where an environment of an app lives on a node, and as whom: nobody who calls us may say another place."""

    def __init__(self, root: Path, app: str, environment: str) -> None:
        self.home = root / "apps" / app / environment
        self.releases = self.home / "releases"
        self.cache = self.home / "cache"
        self.source = self.home / "source"  # what was fetched of it, for the next time
        self.volumes = root / "volumes" / app / environment  # they outlive its home
        self._place = root, app, environment

    @property
    def account(self) -> str:
        return account_name(*self._place)

    def expect_inside(self, path: object, *, what: str) -> Path:
        """The path, which has to be below the environment's home, without a way out."""
        if not isinstance(path, str) or "\0" in path:
            sys.exit(f"{what} has to be a path.")
        found = Path(path)
        if ".." in found.parts or self.home not in found.parents:
            sys.exit(f"{what} has to be below {self.home}.")
        return found


def account_name(root: PurePath, app: str, environment: str) -> str:
    """Stable and short: Linux allows 32 characters, fewer than an app and an environment may need together.

    Two Bakeries on one machine, in folders of their own, never share an account.
    """
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, which takes long

    place = f"{app}/{environment}" if root == ROOTS_FOLDER else f"{root}:{app}/{environment}"
    return f"bk-{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def premises_of_unit(root: Path, name: str) -> Premises:
    """Whose unit it is. Only one app and environment can have a unit of this name."""
    found = _UNIT.fullmatch(name)
    if found is None:
        sys.exit("This is not the name of a unit.")
    return Premises(root, found[1], found[2])
