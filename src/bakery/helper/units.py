"""Units: programs that systemd keeps running, one or more in each slot.

    unit-start UNIT     takes the unit as a line of JSON (see ToldUnit), and returns when its program runs
    unit-stop UNIT      ends all its processes, by force when its stop_seconds are over; nor does it start at boot
    unit-state UNIT …   prints how they are
    unit-remove UNIT    stops and forgets it; its log stays

A unit is two files: FOLDER/units/UNIT.env, its variables, for root alone; and its unit file. What runs is always what
they say: the new waits beside them, safe on the disk, so a full one stops nothing; then the old ends, then both take
their places, and only then does it start. Who removes takes the variables away last. So whoever says the same again,
after somebody was killed, ends what was begun.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bakery.helper.accounts import is_there
from bakery.helper.files import make_folder, make_open_folder, sync_folder, write_beside
from bakery.helper.names import UNIT, UNITS, premises_of_unit
from bakery.helper.systemd import LONGEST_STOP, begin, end, expect_systemd, forget, is_kept, states, unit_file
from bakery.helper.told_unit import FIELDS, ToldUnit
from bakery.helper.turns import wait_for_turn
from bakery.helper.verbs import Verb
from bakery.helper.words import say, told_object

LONGEST_TURN = LONGEST_STOP + 30.0


class Unit:
    """The files of one unit, and what of them lies there."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.premises = premises_of_unit(root, name)
        self.folder = root / "units"
        self.file = unit_file(name)
        self.environment = self.folder / f"{name}.env"
        self.lock = self.folder / f"{name}.lock"
        self.log = root / "logs" / f"{name}.log"
        self.unfinished = [file.with_name(f"{file.name}.new") for file in (self.environment, self.file)]

    def is_written(self, text: str, environment: str) -> bool:
        try:
            written = self.file.read_bytes(), self.environment.read_bytes()
        except FileNotFoundError:
            return False
        return written == (text.encode(), environment.encode())

    def write_new(self, text: str, environment: str) -> None:
        write_beside(self.environment, environment, mode=0o600)
        write_beside(self.file, text)

    def put_new(self) -> None:
        for aside, file in zip(self.unfinished, (self.environment, self.file)):  # noqa: B905 - Python 3.9 knows no strict
            aside.replace(file)
            sync_folder(file.parent)

    def drop_unfinished(self) -> None:
        for path in self.unfinished:
            path.unlink(missing_ok=True)

    def has_left_something(self) -> bool:
        return any(path.exists() for path in (self.file, self.environment, self.lock, *self.unfinished))


# The verbs.


def start(root: Path, name: str) -> None:
    expect_systemd(root)
    unit = Unit(root, name)
    told = ToldUnit(unit.premises, told_object(FIELDS, what="The unit"))
    wanted = told.texts(name, environment_file=unit.environment, log_file=unit.log)
    if os.geteuid() == 0 and not is_there(unit.premises.account):
        sys.exit(f"There is no account {unit.premises.account} here, as which {name} would run.")
    make_open_folder(unit.log.parent)
    with taking_turns(unit):
        unit.drop_unfinished()
        if not unit.is_written(*wanted):
            unit.write_new(*wanted)
            end(name)
            unit.put_new()
        elif is_kept(name):
            return
        begin(name)


def stop(root: Path, name: str) -> None:
    expect_systemd(root)
    unit = Unit(root, name)
    if unit.has_left_something():  # also of a first start that has written nothing yet
        with taking_turns(unit):
            end(name)


def tell_states(root: Path, *names: str) -> None:
    expect_systemd(root)
    say({"units": states(*names)})


def remove(root: Path, name: str) -> None:
    expect_systemd(root)
    unit = Unit(root, name)
    if not unit.has_left_something():
        return
    with taking_turns(unit):
        end(name)
        unit.drop_unfinished()
        unit.file.unlink(missing_ok=True)
        sync_folder(unit.file.parent)
        forget(name)
        unit.environment.unlink(missing_ok=True)
        unit.lock.unlink()


# One changes a unit at a time: a caller that was cut off may still be at it.


@contextlib.contextmanager
def taking_turns(unit: Unit) -> Iterator[None]:
    """The lock is handed on to `systemctl`, which may outlive us when we are killed."""
    make_folder(unit.folder, 0o700)
    lock = wait_for_turn(unit.lock, within=LONGEST_TURN)
    os.set_inheritable(lock, True)  # noqa: FBT003 - so it is called
    try:
        yield
    finally:
        os.close(lock)


VERBS = {
    "start": Verb(start, UNIT),
    "stop": Verb(stop, UNIT),
    "state": Verb(tell_states, UNITS),
    "remove": Verb(remove, UNIT),
}
