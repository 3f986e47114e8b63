"""A unit: a program that a node keeps running under one name, whoever keeps it: systemd or our own supervisor."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bakery.model.errors import BadInput
from bakery.model.names import UnitName
from bakery.model.secret import Secret

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a unit may use at most. None: as much as there is."""

    memory_bytes: int | None = None
    cpu_percent: int | None = None  # of one CPU: 150 is one and a half

    def over(self, other: "Limits") -> "Limits":
        """This where it says something, else the other."""
        return Limits(
            other.memory_bytes if self.memory_bytes is None else self.memory_bytes,
            other.cpu_percent if self.cpu_percent is None else self.cpu_percent,
        )


@dataclass(frozen=True, slots=True)
class UnitSpec:
    """What to run, as whom, where, and what it may write to. `account` None: as the user that Bakery runs as."""

    name: UnitName
    argv: tuple[str, ...]
    folder: PurePosixPath
    log_file: PurePosixPath
    environment: Mapping[str, Secret] = field(default_factory=dict)
    account: str | None = None
    writable: tuple[PurePosixPath, ...] = ()
    limits: Limits = Limits()
    stop_seconds: int = 10  # between asking it to end and ending it

    def __post_init__(self) -> None:
        if not self.argv or not self.argv[0].startswith("/"):
            raise BadInput("A unit's command begins with the absolute path of a program.", field="command")
        if any("\0" in word for word in self.argv):
            raise BadInput("A command cannot hold a NUL character.", field="command")
        for name, value in self.environment.items():
            if not _VARIABLE.fullmatch(name):
                raise BadInput(
                    f"“{name}” is no name for a variable: use letters, digits and underscores, and no digit in front.",
                    field="environment",
                )
            if "\0" in value.reveal():
                raise BadInput(f"The value of {name} cannot hold a NUL character.", field="environment")
