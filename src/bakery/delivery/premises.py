"""Where an environment of an app lives on its node: names and paths, made from typed names alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bakery.helper.names import account_name
from bakery.model.apps import Runtime
from bakery.model.names import (
    AppName,
    Colour,
    EnvironmentName,
    HostName,
    Port,
    SiteName,
    UnitName,
    site_name,
    unit_name,
)
from bakery.model.secret import Secret
from bakery.model.unit import UnitSpec
from bakery.nodes.folders import NodeFolders
from bakery.nodes.homes import Place
from bakery.nodes.ingress import ProxySite, StaticSite

# The first word of a start command is found as in a shell: on the PATH, or below the release when it has a slash.
_FINDS_PROGRAMS = "/usr/bin/env"


@dataclass(frozen=True, slots=True)
class Release:
    """What runs: files of its own below the node's folder, and settings that never change.

    `files_of` is the release whose files it starts from, when it is no new build. `variables` are as it was made.
    """

    id: int
    number: int
    runtime: Runtime
    command: tuple[str, ...]
    health_path: str | None
    files_of: int | None = None
    variables: Mapping[str, Secret] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Premises:
    app: AppName
    environment: EnvironmentName
    host: HostName
    folders: NodeFolders
    is_isolated: bool  # apps run as users of their own

    @property
    def place(self) -> Place:
        return Place(self.app, self.environment)

    @property
    def account(self) -> str | None:
        return account_name(self.folders.root, self.app, self.environment) if self.is_isolated else None

    @property
    def site(self) -> SiteName:
        return site_name(self.app, self.environment)

    def release_folder(self, number: int) -> PurePosixPath:
        return self.folders.releases(self.app, self.environment) / str(number)

    def unit(self, colour: Colour) -> UnitName:
        return unit_name(self.app, self.environment, colour)

    def log_file(self, colour: Colour) -> PurePosixPath:
        return self.folders.unit_log(self.unit(colour))

    def describe_unit(self, release: Release, colour: Colour, port: Port) -> UnitSpec:
        folder = self.release_folder(release.number)
        return UnitSpec(
            name=self.unit(colour),
            argv=(_FINDS_PROGRAMS, "--", *release.command),
            folder=folder,
            log_file=self.log_file(colour),
            environment=_variables(release, port),
            account=self.account,
            writable=(folder,),
        )

    def describe_site(
        self, release: Release, port: Port | None, *, generation: int = 0, slot: Colour | None = None
    ) -> ProxySite | StaticSite:
        """`generation` is the number of the deployment that switches, also when it goes back to an older release."""
        if port is None:
            folder = self.release_folder(release.number)
            return StaticSite(self.site, (self.host,), folder, generation, release.number, slot)
        return ProxySite(self.site, (self.host,), port, generation, release.number, slot)


def _variables(release: Release, port: Port) -> Mapping[str, Secret]:
    """Ours win: the app is looked for on the port that we chose."""
    return {**release.variables, "PORT": Secret(str(port))}
