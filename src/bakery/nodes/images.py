"""Images on a node, through its helper: built and pulled by durable jobs, whose reason says in words why one failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated

import msgspec
from msgspec import Meta

from bakery.commands.command import Command
from bakery.model.errors import BadInput, CommandFailed
from bakery.model.names import AppName
from bakery.model.secret import Secret
from bakery.nodes.helper_calls import Helper
from bakery.nodes.homes import Place
from bakery.nodes.jobs import JobKey, JobLimits

_WITHIN = 120.0  # Docker may be away for a minute while it is updated
_WITHIN_REMOVAL = 600.0
_WITHIN_REGISTRY = 60.0
_Platform = Annotated[str, Meta(max_length=100)]


class BuildNetwork(StrEnum):
    """What the steps of a build reach. The machine's own network is not to be had."""

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
    """What is built from a folder of the app's: with its own `dockerfile`, or with a text that is in no repository.
    `output`: a folder below that one, where its last stage is left as files; it is no image then.

    Memory and CPU hold for each step; for steps that run side by side memory holds for all together.
    """

    key: JobKey
    place: Place
    build: int
    folder: PurePosixPath
    dockerfile: str | None = None
    dockerfile_text: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    registries: tuple[RegistryLogin, ...] = ()
    target: str | None = None
    output: str | None = None
    network: BuildNetwork = BuildNetwork.DEFAULT
    uses_cache: bool = True
    limits: JobLimits = field(default_factory=JobLimits)


@dataclass(frozen=True, slots=True)
class ImagePull:
    """What is fetched from a registry, and then is a build like any other."""

    key: JobKey
    place: Place
    build: int
    reference: str
    login: RegistryLogin | None = None
    limits: JobLimits = field(default_factory=JobLimits)


class FoundImage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What its registry says of an image. `platforms` are those that it is for, as linux/amd64; none: unknown."""

    digest: Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}$")]
    platforms: Annotated[tuple[_Platform, ...], Meta(max_length=50)]
    machine: _Platform


class ImageFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a build that is there says of itself. `ports` are those that it exposes."""

    id: Annotated[str, Meta(max_length=100)]
    ports: Annotated[tuple[Annotated[int, Meta(ge=1, le=65535)], ...], Meta(max_length=100)]
    platform: _Platform


@dataclass(frozen=True, slots=True)
class BuiltImage:
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


class Images:
    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    def building(self, build: ImageBuild) -> Command:
        """The call that begins the job and goes on with its log."""
        return self._helper.call("image-build", build.key, "--follow", told=_told_build(build))

    def pulling(self, pull: ImagePull) -> Command:
        """Likewise."""
        return self._helper.call("image-pull", pull.key, "--follow", told=_told_pull(pull))

    async def resolve(self, reference: str, login: RegistryLogin | None) -> FoundImage:
        """Asks its registry, from the node. Raises BadInput when that does not show it, and says why."""
        told = {"reference": reference, **_told_login(login)}
        try:
            return await self._helper.ask(FoundImage, "image-resolve", told=told, within=_WITHIN_REGISTRY)
        except CommandFailed as error:
            if error.exit_status != 1:
                raise
            raise BadInput(error.message, field="image", hint=error.hint) from error

    async def look(self, app: AppName, build: int) -> ImageFacts:
        return await self._helper.ask(ImageFacts, "image-look", app, str(build), within=_WITHIN)

    async def builds(self, app: AppName) -> tuple[BuiltImage, ...]:
        """Those that are there, oldest first."""
        return (await self._helper.ask(_Images, "image-list", app, within=_WITHIN)).images

    async def remove(self, app: AppName, build: int) -> None:
        """Harmless when it is not there. Refused while there is a container of it."""
        await self._helper.say("image-remove", app, str(build), within=_WITHIN_REMOVAL)

    async def prune(self, app: AppName, *, keep: tuple[int, ...]) -> Pruned:
        """Removes all but these, and but what containers were made from."""
        return await self._helper.ask(Pruned, "image-prune", app, *map(str, keep), within=_WITHIN_REMOVAL)


class _Images(msgspec.Struct, forbid_unknown_fields=True):
    images: tuple[BuiltImage, ...]


def _told_build(build: ImageBuild) -> dict[str, object]:
    return {
        "app": build.place.app,
        "environment": build.place.environment,
        "build": build.build,
        "folder": str(build.folder),
        "dockerfile": build.dockerfile,
        "dockerfile_text": build.dockerfile_text,
        "args": dict(build.args),
        "secrets": {name: value.reveal() for name, value in build.secrets.items()},
        "registries": [
            {"host": one.host, "username": one.username, "password": one.password.reveal()} for one in build.registries
        ],
        "target": build.target,
        "output": build.output,
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
        "build": pull.build,
        "reference": pull.reference,
        **_told_login(pull.login),
        "seconds": pull.limits.seconds,
        "log_bytes": pull.limits.log_bytes,
    }


def _told_login(login: RegistryLogin | None) -> dict[str, object]:
    return {"username": login and login.username, "password": login and login.password.reveal()}
