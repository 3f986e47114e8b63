"""What `bakery.toml` says, or what a person set in its place: typed, and nothing where nothing was said."""

from collections.abc import Mapping
from enum import Enum
from pathlib import PurePosixPath
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from bakery.model.app_commands import AppCommand
from bakery.model.health_kinds import HealthKind, Statuses
from bakery.model.names import Port, ProcessName
from bakery.model.repository_paths import TOP, RepositoryPath
from bakery.model.strategies import Strategy
from bakery.model.unit import Limits
from bakery.model.variables import VariableName


class Off(Enum):
    """Said to be left out, which is not the same as not being said."""

    OFF = False


CommandSetting = AppCommand | Off | None


class HealthSettings(Struct, frozen=True):
    """How it is asked whether a release is well. Times are in seconds."""

    kind: HealthKind | None = None
    path: str | None = None
    status: Statuses | None = None
    command: AppCommand | None = None
    interval: float | None = None
    timeout: float | None = None  # of one try
    threshold: int | None = None  # this many failures in a row mean that it is not well
    successes: int | None = None  # this many in a row mean that it is
    grace: float | None = None  # after its start


class DeploySettings(Struct, frozen=True):
    """How a release takes over. Times are in seconds."""

    strategy: Strategy | None = None
    drain: float | None = None
    bake: float | None = None
    warm: float | None = None
    auto_rollback: bool | None = None


class Volume(Struct, frozen=True):
    """Files that outlive releases. A relative path is below the app's folder."""

    name: str
    path: PurePosixPath


class AppSettings(Struct, frozen=True):
    """`base` is where the app lies in its repository; the paths after it are below that folder."""

    base: RepositoryPath = TOP
    dockerfile: RepositoryPath | None = None
    context: RepositoryPath | None = None
    build_args: Mapping[VariableName, str] = field(default_factory=dict)
    install: CommandSetting = None
    build: CommandSetting = None
    test: CommandSetting = None
    watch: tuple[str, ...] = ()
    start: AppCommand | None = None
    port: Port | None = None
    processes: Mapping[ProcessName, AppCommand] = field(default_factory=dict)
    release: CommandSetting = None
    volumes: tuple[Volume, ...] = ()
    before: AppCommand | None = None
    after: AppCommand | None = None
    health: HealthSettings = field(default_factory=HealthSettings)
    limits: Limits = field(default_factory=Limits)
    deploy: DeploySettings = field(default_factory=DeploySettings)

    def over(self, other: "AppSettings") -> "AppSettings":
        """This where it says something, else the other; name by name where both say something of many."""
        return replace(
            _over(self, other),
            build_args={**other.build_args, **self.build_args},
            processes={**other.processes, **self.processes},
            health=_over(self.health, other.health),
            limits=self.limits.over(other.limits),
            deploy=_over(self.deploy, other.deploy),
        )


NOTHING_SAID = AppSettings()
S = TypeVar("S", AppSettings, HealthSettings, DeploySettings)


def _over(one: S, other: S) -> S:
    said = {name: getattr(one, name) for name in one.__struct_fields__}
    return replace(other, **{name: value for name, value in said.items() if value not in (None, "", ())})
