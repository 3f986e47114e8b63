"""Images on a node, through its helper."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bakery.commands.command import Command
from bakery.model.names import AppName
from bakery.model.secret import Secret
from bakery.nodes.helper_calls import Helper
from bakery.nodes.homes import Place
from bakery.nodes.jobs import JobKey, JobLimits


@dataclass(frozen=True, slots=True)
class ImageBuild:
    """What is built from a folder of the app's: with its own `dockerfile`, or with a text that is in no repository."""

    key: JobKey
    place: Place
    build: int
    folder: PurePosixPath
    dockerfile: str | None = None
    dockerfile_text: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    target: str | None = None
    limits: JobLimits = field(default_factory=JobLimits)


class Images:
    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    def building(self, build: ImageBuild) -> Command:
        """The call that begins the job and goes on with its log."""
        return self._helper.call("image-build", build.key, "--follow")

    async def remove(self, app: AppName, build: int) -> None:
        """Harmless when it is not there."""
        await self._helper.say("image-remove", app, str(build))
