"""What a repository turned out to need, as its build keeps it: enough to make, start and check each release of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bakery.model.app_commands import AppCommand
from bakery.model.errors import BadInput
from bakery.model.names import ProcessName
from bakery.model.repository_paths import RepositoryPath, joined
from bakery.model.strategies import Strategy
from bakery.model.terms import NOTHING, Said
from bakery.model.unit import Limits
from bakery.model.volumes import expect_apart, expect_mountable
from bakery.stacks.answer import told
from bakery.stacks.plan import BuildPlan, DockerfileAt, GeneratedDockerfile, ToolVersion

Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Commands run in `base`, a folder below the source's top; an empty one: there is nothing to do. `folder` and
    `dockerfile` are for an image: what it is built from, and the file in it; a `dockerfile_text` is in no repository.
    """

    stack: str
    why: tuple[str, ...]
    base: str = ""
    install: Argv = ()
    build: Argv = ()
    test: Argv = ()
    start: Argv = ()  # an image may have its own
    processes: Mapping[ProcessName, Argv] = field(default_factory=dict)  # beside the one with the port
    release: Argv = ()
    before: Argv = ()  # its start, in what was built
    after: Argv = ()  # its switch
    paths: tuple[str, ...] = ()  # below the base, with programs that the commands name
    port: int | None = None  # in its container
    health_path: str | None = None
    static_folder: str | None = None  # below the base
    folder: str = ""
    dockerfile: str | None = None
    dockerfile_text: str | None = None
    test_stage: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)  # where a person sets none
    volumes: Mapping[str, str] = field(default_factory=dict)  # beside those that a person names
    strategy: Strategy | None = None  # where a person says none
    framework: str | None = None
    versions: tuple[ToolVersion, ...] = ()
    terms: Said = NOTHING  # all else that its bakery.toml says of how it is checked, and takes over

    @property
    def output(self) -> str | None:
        """Where the files for visitors lie, below the folder that is built from; None where that is all of it."""
        place = joined(RepositoryPath(self.base), self.static_folder or "")
        below = place[len(self.folder) + 1 :] if self.folder else place
        return below or None

    @property
    def said(self) -> Said:
        """All that it says of that, with the page that is asked for, and the limits."""
        limits = self.limits
        return replace(
            self.terms, path=self.health_path, memory_bytes=limits.memory_bytes, cpu_percent=limits.cpu_percent
        )


def recipe_of_files(base: RepositoryPath, why: str) -> Recipe:
    """For visitors, as they lie there: no more is known of them, and nothing has to be."""
    return Recipe("static", (f"{why} So its files are served as they are.",), base=base)


def recipe_of(plan: BuildPlan) -> Recipe:
    commands = plan.commands
    volumes = {volume.name: str(volume.path) for volume in plan.volumes}
    expect_apart((volume.name, volume.path) for volume in plan.volumes)
    expect_mountable(volumes, runtime=plan.runtime)
    known = Recipe(
        stack=plan.stack,
        why=told(plan),
        base=plan.base,
        install=_argv(commands.install),
        build=_argv(commands.build),
        test=_argv(commands.test),
        start=_argv(commands.start),
        processes={name: _argv(command) for name, command in commands.processes.items()},
        release=_argv(commands.release),
        before=_argv(commands.before),
        after=_argv(commands.after),
        paths=plan.paths,
        port=plan.port,
        health_path=plan.health.path,
        static_folder=plan.static_folder,
        build_args={str(name): value for name, value in plan.build_args.items()},
        limits=plan.limits,
        terms=_terms(plan),
        volumes=volumes,
        strategy=plan.deploy.strategy,
        framework=plan.framework,
        versions=plan.versions,
    )
    match plan.dockerfile:
        case DockerfileAt(path, context):
            return replace(known, folder=context, dockerfile=_below(path, context))
        case GeneratedDockerfile() as made:
            return replace(known, folder=_context(plan, made), dockerfile_text=made.text, test_stage=made.test_stage)
        case None:
            return known


def _terms(plan: BuildPlan) -> Said:
    health, deploy = plan.health, plan.deploy
    return Said(
        kind=health.kind,
        status=health.status,
        command=_argv(health.command) or None,
        interval=health.interval,
        timeout=health.timeout,
        threshold=health.threshold,
        successes=health.successes,
        grace=health.grace,
        drain=deploy.drain,
        bake=deploy.bake,
        warm=deploy.warm,
        auto_rollback=deploy.auto_rollback,
    )


def _argv(command: AppCommand | None) -> Argv:
    return command.argv if command else ()


def _context(plan: BuildPlan, made: GeneratedDockerfile) -> RepositoryPath:
    return plan.base if made.context is None else made.context


def _below(path: RepositoryPath, folder: RepositoryPath) -> str:
    """Docker's client takes a Dockerfile from the folder that it sends."""
    if folder and not path.startswith(f"{folder}/"):
        raise BadInput(
            f"{path} does not lie in {folder}, the folder that the image is built from.",
            field="build.context",
            hint="Leave [build] context away, or name a folder that holds the Dockerfile.",
        )
    return path[len(folder) + 1 :] if folder else path
