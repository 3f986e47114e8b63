"""Where an environment of an app lives on its node: names and paths, made from typed names alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from bakery.delivery.recipe import Recipe
from bakery.helper.names import account_name
from bakery.model.container import ContainerSpec, image_name
from bakery.model.names import (
    AppName,
    Colour,
    EnvironmentName,
    HostName,
    Port,
    ProcessName,
    SiteName,
    UnitName,
    site_name,
    unit_name,
)
from bakery.model.processes import Instance, usual_count
from bakery.model.repository_paths import TOP, RepositoryPath, joined
from bakery.model.runtimes import Runtime
from bakery.model.secret import Secret
from bakery.model.terms import NOTHING, USUAL, Said, Terms, terms_of
from bakery.model.unit import Limits, UnitSpec
from bakery.nodes.folders import NodeFolders
from bakery.nodes.homes import Place
from bakery.nodes.ingress import ProxySite, StaticSite

# The first word of a start command is found as in a shell: on the PATH, or below the release when it has a slash.
_FINDS_PROGRAMS = "/usr/bin/env"
_USUAL_PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NO_PORT = Port(0)
_USUAL_PORT = 8080  # in a container that says nothing of it

Program = UnitSpec | ContainerSpec


@dataclass(frozen=True, slots=True)
class Release:
    """What runs: files of its own below the node's folder, or an image; and settings that never change.

    `said_…` is what a person said; where that is nothing the `recipe` of its build says it, else `defaults`, which are
    the installation's.
    `files_of` is the release whose files it starts from, when it is no new build. `variables` are as it was made.
    """

    id: int
    number: int
    runtime: Runtime
    said_command: tuple[str, ...]
    said_health_path: str | None
    files_of: int | None = None
    variables: Mapping[str, Secret] = field(default_factory=dict, compare=False)
    build: int = 0
    recipe: Recipe | None = field(default=None, compare=False)
    source_base: RepositoryPath = TOP  # the folder of its source that is the app
    counts: Mapping[ProcessName, int] = field(default_factory=dict, compare=False)  # what a person said, today
    said_limits: Limits = field(default_factory=Limits)
    said_terms: Said = field(default=NOTHING, compare=False)
    defaults: Said = field(default=NOTHING, compare=False)
    said_volumes: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def is_built(self) -> bool:
        """Something has to be made of its source before it can be started, and Bakery finds out what."""
        return self.runtime is not Runtime.PROCESS or not self.said_command

    @property
    def command(self) -> tuple[str, ...]:
        """None for an image that has its own, as that of a Dockerfile has that we wrote."""
        has_its_own = self.runtime is Runtime.DOCKER and self.recipe is not None and self.recipe.dockerfile_text
        if self.said_command or self.recipe is None or has_its_own:
            return self.said_command
        return self.recipe.start

    @property
    def health_path(self) -> str | None:
        return self.said_health_path or (self.recipe.health_path if self.recipe else None)

    @property
    def limits(self) -> Limits:
        """Of each of its programs."""
        return self.terms().limits

    def terms(self, usual: Said = USUAL) -> Terms:
        """How it is checked, takes over, and what it may use. `usual` is what nobody says."""
        said = replace(
            self.said_terms,
            path=self.said_health_path,
            memory_bytes=self.said_limits.memory_bytes,
            cpu_percent=self.said_limits.cpu_percent,
        )
        return terms_of(said, self.recipe.said if self.recipe else NOTHING, self.defaults, usual)

    @property
    def volumes(self) -> Mapping[str, str]:
        """Where each is found. What a person named comes before what has its name, or its path."""
        found = self.recipe.volumes if self.recipe else {}
        taken = set(self.said_volumes.values())
        return {**{name: path for name, path in found.items() if path not in taken}, **self.said_volumes}

    @property
    def processes(self) -> Mapping[ProcessName, tuple[str, ...]]:
        """Those beside the one with the port."""
        return self.recipe.processes if self.recipe else {}

    @property
    def instances(self) -> tuple[Instance, ...]:
        """What is to run of them."""
        return tuple(
            Instance(process, number)
            for process in sorted(self.processes)
            for number in range(1, self.counts.get(process, usual_count(process)) + 1)
        )

    @property
    def served(self) -> str:
        """Where below its files those for visitors are."""
        return joined(self.base, (self.recipe and self.recipe.static_folder) or "")

    @property
    def base(self) -> str:
        """Where below its files it runs."""
        return self.recipe.base if self.recipe else self.source_base


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
        return self.job_account if self.is_isolated else None

    @property
    def job_account(self) -> str:
        """Whose files the releases are. Where a node has no accounts, the helper takes the only one that there is."""
        return account_name(self.folders.root, self.app, self.environment)

    @property
    def site(self) -> SiteName:
        return site_name(self.app, self.environment)

    def release_folder(self, number: int) -> PurePosixPath:
        return self.folders.releases(self.app, self.environment) / str(number)

    def volume_folder(self, name: str) -> PurePosixPath:
        """Of a process: its release has a link to it."""
        return self.folders.volumes(self.app, self.environment) / name

    def unit(self, colour: Colour, instance: Instance | None = None) -> UnitName:
        if instance is None:
            return unit_name(self.app, self.environment, colour)
        return unit_name(self.app, self.environment, colour, instance.process, instance.number)

    def log_file(self, colour: Colour) -> PurePosixPath:
        return self.folders.unit_log(self.unit(colour))

    def programs(self, release: Release, colour: Colour, port: Port | None) -> tuple[Program, ...]:
        """All that is to run in a slot, first what has the port."""
        web = () if port is None else (self.describe_program(release, colour, port),)
        return (*web, *self.workers(release, colour).values())

    def workers(self, release: Release, colour: Colour) -> Mapping[Instance, Program]:
        """What is to run beside it."""
        return {instance: self._describe_worker(release, colour, instance) for instance in release.instances}

    def _describe_worker(self, release: Release, colour: Colour, instance: Instance) -> Program:
        """As the program with the port, with another command and without a port."""
        name, argv = self.unit(colour, instance), release.processes[instance.process]
        served = self.describe_program(release, colour, _NO_PORT)
        if isinstance(served, ContainerSpec):
            variables = dict(release.variables)
            return replace(served, name=name, host_port=None, port=None, environment=variables, command=argv)
        return replace(
            served,
            name=name,
            argv=(_FINDS_PROGRAMS, "--", *argv),
            log_file=self.folders.unit_log(name),
            environment=self.process_variables(release),
        )

    def describe_program(self, release: Release, colour: Colour, port: Port) -> Program:
        """What keeps a release running that is not files alone."""
        if release.runtime is Runtime.DOCKER:
            return self.describe_container(release, colour, port)
        return self.describe_unit(release, colour, port)

    def describe_container(self, release: Release, colour: Colour, port: Port) -> ContainerSpec:
        inside = Port(release.recipe.port if release.recipe and release.recipe.port else _USUAL_PORT)
        return ContainerSpec(
            name=self.unit(colour),
            image=image_name(self.app, release.build),
            build=release.build,
            host_port=port,
            port=inside,
            environment={**release.variables, "PORT": Secret(str(inside))},
            command=release.command or None,
            limits=release.limits,
            volumes={name: PurePosixPath(path) for name, path in release.volumes.items()},
        )

    def describe_once(self, release: Release, key: str, argv: tuple[str, ...]) -> ContainerSpec:
        """A command in the release's image, with what the release itself finds there; nobody reaches it."""
        served = self.describe_container(release, Colour.BLUE, _NO_PORT)
        return replace(served, name=UnitName(f"bakery-{key}"), host_port=None, port=None, command=argv)

    def describe_unit(self, release: Release, colour: Colour, port: Port) -> UnitSpec:
        folder = self.release_folder(release.number)
        return UnitSpec(
            name=self.unit(colour),
            argv=(_FINDS_PROGRAMS, "--", *release.command),
            folder=folder / release.base,
            log_file=self.log_file(colour),
            environment=self.process_variables(release, port),
            account=self.account,
            writable=(folder, *(self.volume_folder(name) for name in sorted(release.volumes))),
            limits=release.limits,
        )

    def process_variables(self, release: Release, port: Port | None = None) -> Mapping[str, Secret]:
        """What a release finds that runs without a container, or a command in it."""
        found = dict(release.variables)
        if release.recipe is not None:
            found.setdefault("HOST", Secret("127.0.0.1"))
        if release.recipe is not None and release.recipe.paths:
            below = self.release_folder(release.number) / release.recipe.base
            paths = [str(below / path) for path in release.recipe.paths]
            found["PATH"] = Secret(":".join([*paths, found["PATH"].reveal() if "PATH" in found else _USUAL_PATHS]))
        return found if port is None else {**found, "PORT": Secret(str(port))}

    def describe_site(
        self, release: Release, port: Port | None, *, generation: int, slot: Colour | None
    ) -> ProxySite | StaticSite:
        """`generation` is that of the deployment that switches, or puts back; later of the last one that began."""
        if port is None:
            folder = self.release_folder(release.number) / release.served
            return StaticSite(self.site, (self.host,), folder, generation, release.number, slot)
        return ProxySite(self.site, (self.host,), port, generation, release.number, slot)
