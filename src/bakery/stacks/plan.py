"""The answer: how a repository is built and started, and why so."""

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from bakery.model.app_commands import AppCommand
from bakery.model.names import Port, ProcessName
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.model.unit import Limits
from bakery.model.variables import VariableName
from bakery.stacks.app_settings import DeploySettings, HealthSettings, Volume

THE_DEFAULT = "the default"


class ToolVersion(Struct, frozen=True):
    """What is used of a language or a tool. `source`: the file that asks for it, or “the default”."""

    tool: str
    version: str
    source: str


class ProposedVariable(Struct, frozen=True):
    """A variable that the app will need, as far as its files tell; what it is set to is a person's matter."""

    name: VariableName
    why: str


class Commands(Struct, frozen=True):
    """All run in the app's base folder. `start` is the process that gets a port; `processes` are the others."""

    install: AppCommand | None = None
    build: AppCommand | None = None
    test: AppCommand | None = None
    start: AppCommand | None = None
    processes: Mapping[ProcessName, AppCommand] = field(default_factory=dict)
    release: AppCommand | None = None  # before the switch, such as migrations
    before: AppCommand | None = None  # hooks around a deployment
    after: AppCommand | None = None


class DockerfileAt(Struct, frozen=True):
    """One of the repository's own. Its path is from the top, and so is the folder that it is built from."""

    path: RepositoryPath
    context: RepositoryPath


class GeneratedDockerfile(Struct, frozen=True):
    """Variables for the build are mounted as the secret `variables`: lines of `NAME='value'` that a shell reads.
    `without_mounts` is for a builder that knows no mounts.
    """

    text: str
    without_mounts: str
    ignore: str  # of the .dockerignore beside it
    test_stage: str | None  # built for the test; a failure is the test's
    holds_only_files: bool = False  # what nginx will serve, and nothing that could be started
    context: RepositoryPath | None = None  # the folder that it is built from, where that is not the base folder


class Alternative(Struct, frozen=True):
    """What else this could be: asked for with `detect(tree, base=…, runtime=…)`."""

    stack: str
    runtime: Runtime
    base: RepositoryPath
    why: str


class BuildPlan(Struct, frozen=True):
    """`port`: where it listens in a container; as a process it is told. `paths`: folders below the base whose programs
    its commands may name. `missing`: what a person has to say before it can be deployed. `system_packages`: Debian's,
    which a generated Dockerfile installs and a node without Docker has to have.
    """

    stack: str
    runtime: Runtime
    base: RepositoryPath
    commands: Commands
    why: tuple[str, ...]
    alternatives: tuple[Alternative, ...] = ()
    missing: tuple[str, ...] = ()
    framework: str | None = None
    versions: tuple[ToolVersion, ...] = ()
    variables: tuple[ProposedVariable, ...] = ()
    system_packages: tuple[str, ...] = ()
    port: Port | None = None
    static_folder: RepositoryPath | None = None  # below the base; empty: the base itself
    dockerfile: DockerfileAt | GeneratedDockerfile | None = None
    build_args: Mapping[VariableName, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    volumes: tuple[Volume, ...] = ()
    health: HealthSettings = field(default_factory=HealthSettings)
    limits: Limits = field(default_factory=Limits)
    deploy: DeploySettings = field(default_factory=DeploySettings)


class Undetected(Struct, frozen=True):
    """Nothing that would be more than a guess. `alternatives`: the apps to choose from, where there are several."""

    message: str
    hint: str
    why: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


Detected = BuildPlan | Undetected


class Said(Struct, frozen=True):
    """What a person, `bakery.toml` or a Procfile said before a stack is asked. Paths are below the base folder."""

    starts: bool = False  # it is said how the app is started
    dockerfile: RepositoryPath | None = None
    context: RepositoryPath | None = None


WriteDockerfile = Callable[[Commands, tuple[VariableName, ...]], GeneratedDockerfile]


class Found(Struct, frozen=True):
    """What one stack makes of a folder, before it is known what else was said. `runtimes`: the first choice first."""

    runtimes: tuple[Runtime, ...]
    commands: Commands
    why: tuple[str, ...]
    missing: tuple[str, ...] = ()
    framework: str | None = None  # as its makers write it: “Next.js”
    versions: tuple[ToolVersion, ...] = ()
    variables: tuple[ProposedVariable, ...] = ()  # by its dependencies; what examples and code name is added for all
    system_packages: tuple[str, ...] = ()
    port: Port | None = None
    static_folder: RepositoryPath | None = None
    dockerfile: DockerfileAt | None = None
    write_dockerfile: WriteDockerfile | None = None
    paths: tuple[str, ...] = ()
    # A pattern of what a Procfile may say that only the machines of somebody else have: the start above counts then.
    foreign_start: str | None = None

    @property
    def is_complete(self) -> bool:
        return not self.missing
