"""Docker on a node, by its helper: images are built and pulled by durable jobs, containers run from them."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

import msgspec

from bakery.commands.command import Command
from bakery.model.names import AppName, Port, UnitName
from bakery.model.secret import Secret
from bakery.model.unit import Limits
from bakery.nodes.helper_calls import Helper
from bakery.nodes.homes import Place
from bakery.nodes.jobs import Following, JobKey, JobLimits, Jobs

MOST_LINES = 2000
_WITHIN = 120.0  # Docker may be away for a minute while it is updated
_REMOVE_WITHIN = 600.0


class BuildNetwork(StrEnum):
    """Which network the steps of a build see. The machine's own is none of them."""

    DEFAULT = "default"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """`host` as it stands in references: registry.example:5000; for Docker's own, https://index.docker.io/v1/."""

    host: str
    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class ImageBuild:
    """What to make `bakery/APP:NUMBER` from. `folder` lies below the environment's home.

    Either `dockerfile`, relative to the folder, or `dockerfile_text`. Memory and CPU hold for each step; for steps that
    run side by side memory holds for all together.
    """

    key: JobKey
    place: Place
    number: int
    folder: PurePosixPath
    dockerfile: PurePosixPath | None = None
    dockerfile_text: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    registries: tuple[RegistryLogin, ...] = ()
    target: str | None = None
    network: BuildNetwork = BuildNetwork.DEFAULT
    uses_cache: bool = True
    limits: JobLimits = JobLimits()


@dataclass(frozen=True, slots=True)
class ImagePull:
    """What to fetch, and then to call `bakery/APP:NUMBER` too."""

    key: JobKey
    place: Place
    number: int
    reference: str
    login: RegistryLogin | None = None
    limits: JobLimits = JobLimits()


@dataclass(frozen=True, slots=True)
class Image:
    """A build that is on a node. Images share layers: their sizes do not add up."""

    build: int
    id: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """`in_use`: builds that had to stay, because there is a container of them."""

    removed: tuple[int, ...]
    in_use: tuple[int, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Published:
    """A port of 127.0.0.1, and the one that the program in the container listens on."""

    host_port: Port
    port: Port


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What to run under a slot's name. `command` and `user` None: as the image says."""

    name: UnitName
    image: str  # its id, or bakery/APP:BUILD
    build: int
    published: Published | None = None
    environment: Mapping[str, Secret] = field(default_factory=dict)
    command: tuple[str, ...] | None = None
    user: str | None = None
    limits: Limits = Limits()
    processes: int = 4096
    volumes: Mapping[str, PurePosixPath] = field(default_factory=dict)
    stop_seconds: int = 10


@dataclass(frozen=True, slots=True)
class ContainerState:
    """`exit_status` and `is_out_of_memory` tell of the last end; Docker forgets the latter at a restart."""

    is_running: bool
    is_restarting: bool
    health: str | None
    restarts: int
    exit_status: int | None
    is_out_of_memory: bool
    process_id: int | None
    error: str
    started_at: str
    image: str
    build: int


class Docker:
    """The verbs. Each may be said twice."""

    def __init__(self, helper: Helper, jobs: Jobs) -> None:
        self._helper = helper
        self._jobs = jobs

    def build(self, build: ImageBuild) -> AbstractAsyncContextManager[Following]:
        """A job like any other from here on: follow, status, cancel and remove are those of jobs, by its key."""
        return self._jobs.followed(self._helper.call("image-build", build.key, "--follow", told=_told_build(build)))

    def pull(self, pull: ImagePull) -> AbstractAsyncContextManager[Following]:
        return self._jobs.followed(self._helper.call("image-pull", pull.key, "--follow", told=_told_pull(pull)))

    async def images(self, app: AppName) -> tuple[Image, ...]:
        return (await self._helper.ask(_Images, "image-list", app, within=_WITHIN)).images

    async def remove_image(self, app: AppName, build: int) -> None:
        await self._helper.say("image-remove", app, str(build), within=_REMOVE_WITHIN)

    async def prune_images(self, app: AppName, keep: tuple[int, ...]) -> Pruned:
        """All but these, and but what containers were made from."""
        return await self._helper.ask(Pruned, "image-prune", app, *map(str, keep), within=_REMOVE_WITHIN)

    async def start(self, spec: ContainerSpec) -> ContainerState:
        """What runs like this goes on; what runs otherwise under this name is replaced."""
        within = _WITHIN + spec.stop_seconds
        return await self._helper.ask(
            ContainerState, "container-start", spec.name, told=_told_container(spec), within=within
        )

    async def stop(self, name: UnitName) -> None:
        await self._helper.say("container-stop", name, within=_REMOVE_WITHIN)

    async def remove(self, name: UnitName) -> None:
        await self._helper.say("container-remove", name, within=_REMOVE_WITHIN)

    async def states(self, *names: UnitName) -> dict[UnitName, ContainerState | None]:
        """None for one that is not there."""
        found = (await self._helper.ask(_States, "container-state", *names, within=_WITHIN)).containers
        return {UnitName(name): state for name, state in found.items()}

    async def containers(self) -> tuple[UnitName, ...]:
        """All that this Bakery has there."""
        found = await self._helper.ask(_Names, "container-list", within=_WITHIN)
        return tuple(UnitName(name) for name in found.containers)

    def logs(
        self, name: UnitName, *, after: str | None = None, lines: int = MOST_LINES, follows: bool = False
    ) -> Command:
        """For a transport to run or to open. Each line stands after its time; `after` is SECONDS.NANOSECONDS."""
        words = (*(("--after", after) if after else ()), "--lines", str(lines), *(("--follow",) if follows else ()))
        return self._helper.call("container-logs", name, *words)


class _Images(msgspec.Struct, forbid_unknown_fields=True):
    images: tuple[Image, ...]


class _States(msgspec.Struct, forbid_unknown_fields=True):
    containers: dict[str, ContainerState | None]


class _Names(msgspec.Struct, forbid_unknown_fields=True):
    containers: tuple[str, ...]


def _told_build(build: ImageBuild) -> dict[str, object]:
    return {
        "app": build.place.app,
        "environment": build.place.environment,
        "build": build.number,
        "folder": str(build.folder),
        "dockerfile": None if build.dockerfile is None else str(build.dockerfile),
        "dockerfile_text": build.dockerfile_text,
        "args": dict(build.args),
        "secrets": _revealed(build.secrets),
        "registries": [
            {"host": one.host, "username": one.username, "password": one.password.reveal()} for one in build.registries
        ],
        "target": build.target,
        "network": build.network,
        "no_cache": not build.uses_cache,
        "memory_bytes": build.limits.memory_bytes,
        "cpu_percent": build.limits.cpu_percent,
        "seconds": build.limits.seconds,
        "log_bytes": build.limits.log_bytes,
    }


def _told_pull(pull: ImagePull) -> dict[str, object]:
    return {
        "app": pull.place.app,
        "environment": pull.place.environment,
        "build": pull.number,
        "reference": pull.reference,
        "username": pull.login and pull.login.username,
        "password": pull.login and pull.login.password.reveal(),
        "seconds": pull.limits.seconds,
        "log_bytes": pull.limits.log_bytes,
    }


def _told_container(spec: ContainerSpec) -> dict[str, object]:
    return {
        "image": spec.image,
        "build": spec.build,
        "host_port": spec.published and spec.published.host_port,
        "port": spec.published and spec.published.port,
        "environment": _revealed(spec.environment),
        "command": spec.command,
        "user": spec.user,
        "memory_bytes": spec.limits.memory_bytes,
        "cpu_percent": spec.limits.cpu_percent,
        "processes": spec.processes,
        "volumes": {name: str(path) for name, path in spec.volumes.items()},
        "stop_seconds": spec.stop_seconds,
    }


def _revealed(values: Mapping[str, Secret]) -> dict[str, str]:
    return {name: value.reveal() for name, value in values.items()}
