"""The Dockerfile of a project with a package.json, for Node and for Bun. A workspace's is built from its top."""

import re
from collections.abc import Callable

from msgspec import Struct

from bakery.model.app_commands import words
from bakery.model.repository_paths import joined
from bakery.model.variables import VariableName
from bakery.stacks.image_text import FOLDER, ImageText
from bakery.stacks.listening import started
from bakery.stacks.node_app import App
from bakery.stacks.node_managers import YARN, bringing, install_command, pruning
from bakery.stacks.node_packages import SystemNeeds, needs_playwright
from bakery.stacks.node_project import Project
from bakery.stacks.node_workspace import manifests_of
from bakery.stacks.package_json import FILE
from bakery.stacks.plan import Commands, GeneratedDockerfile, ToolVersion
from bakery.stacks.tree import Folder

_IGNORES = (".next", ".nuxt", ".output", ".svelte-kit", ".turbo", ".nx", ".cache", "coverage", "dist", "build")


class Base(Struct, frozen=True):
    """`user`: who is not root there."""

    image: str
    user: str
    node: ToolVersion | None


def write_dockerfile(
    project: Project, base: Base, needs: SystemNeeds, app: App
) -> Callable[[Commands, tuple[VariableName, ...]], GeneratedDockerfile]:
    return lambda commands, names: _written(project, base, needs, app, commands, names)


def _written(
    project: Project,
    base: Base,
    needs: SystemNeeds,
    app: App,
    commands: Commands,
    names: tuple[VariableName, ...],
) -> GeneratedDockerfile:
    workspace, managed, files = project.workspace, project.managed, app.files
    top = workspace.folder if workspace else project.folder
    below = workspace.path if workspace else ""
    sources = [joined(below, FILE), *([managed.lock] if managed.lock else [])]
    if project.package.is_absent:
        sources = list(project.folder.present("bunfig.toml"))
    text = ImageText(sources, ignores=_ignored(project, files), context=top.path if workspace else None)
    is_bare = not (commands.install or commands.build or commands.test)
    text.stage("" if is_bare else "base", base.image)
    commands_of_manager, variables = bringing(managed, base.node) if base.node else ((), {})
    if variables or needs.variables:
        text.env(**variables, **needs.variables)
    text.packages(*needs.run)
    for command in commands_of_manager:
        text.run(command)
    if base.node and project.package.starts_with_bun:
        text.comment("The script “start” calls Bun.")
        text.run(words("npm", "install", "--global", "bun"))
    if is_bare:
        _serve(text, project, base, app, commands)
        return text.done()
    text.stage("build", "base")
    text.packages(*needs.build)
    text.arguments(names)
    _install(text, project, commands, top)
    if needs_playwright(project.package):
        text.run(managed.manager.program("playwright", "install", "chromium"))
    if below:
        text.folder(f"{FOLDER}/{below}")
    text.build(commands.build)
    text.test(commands.test)
    if files:
        text.only_files(joined(below, files))
        return text.done()
    source = _prune(text, project, commands)
    text.stage("", "base")
    _serve(text, project, base, app, commands, source=source)
    return text.done()


def _serve(
    text: ImageText, project: Project, base: Base, app: App, commands: Commands, *, source: str | None = None
) -> None:
    """`source`: the stage that has what is started; None where it is as it lies in the repository."""
    is_deaf = _is_deaf(commands)
    text.packages(*(["tini"] if is_deaf else []))
    if source:
        text.copy_built(FOLDER, source=source, owner=base.user)
    else:
        text.copy(".", owner=base.user)
    if project.workspace:
        text.folder(f"{FOLDER}/{project.workspace.path}")
    if is_deaf:
        text.below_tini()
    text.serve(started(commands), port=app.port, user=base.user, NODE_ENV="production")


def _is_deaf(commands: Commands) -> bool:
    """Node and Bun hear no signal as a first process. Package managers do, and hand it on."""
    return re.match(r"(?:.*\bexec )?(?:node|bun (?!run ))", str(started(commands) or "")) is not None


def _install(text: ImageText, project: Project, commands: Commands, top: Folder) -> None:
    first, manager = _first(project, commands, top), project.managed.manager
    if first is None:
        text.copy(".", comment="Installing may need the sources, so they come first.")
    else:
        text.comment("Before the sources: installed anew only when these files change.")
        for folder, names in first.items():
            text.copy(*(joined(folder, name) for name in names), to=f"./{folder}/" if folder else "./")
    command = commands.install
    if _is_ours(project, commands):
        command = (
            project.managed.manager.install_locked if project.managed.is_locked else project.managed.manager.install
        )
    elif project.workspace and commands.install:
        text.folder(f"{FOLDER}/{project.workspace.path}")
    text.run(command, caches=(manager.cache,))
    if first is not None:
        text.copy(".")


def _is_ours(project: Project, commands: Commands) -> bool:
    """The way of installing, or did a person say another?"""
    ours = install_command(project.managed, project.folder, project.workspace)
    return commands.install is not None and commands.install == ours


def _first(project: Project, commands: Commands, top: Folder) -> dict[str, list[str]] | None:
    """By folder, what decides what is installed; None where that may need anything else."""
    managed, workspace = project.managed, project.workspace
    speaker = workspace.package if workspace else project.package
    if not _is_ours(project, commands) or top.holds_any("patches/"):
        return None
    if speaker.runs_scripts_on_install or project.package.runs_scripts_on_install or managed.manager is YARN:
        return None
    if any(asked.startswith(("file:", "link:", "portal:")) for asked in project.package.asks.values()):
        return None
    found = {"": [FILE, *([managed.lock] if managed.lock else []), *top.present(*managed.manager.beside)]}
    if workspace or project.package.has_workspaces:
        manifests = manifests_of(top, speaker)
        if manifests is None:
            return None
        found |= {path.rpartition("/")[0]: [FILE] for path in manifests}
    return found


def _prune(text: ImageText, project: Project, commands: Commands) -> str:
    """The stage whose files are kept."""
    package = project.package
    called = [word for command in (commands.release, commands.start) if command for word in str(command).split()]
    needs_all = package.starts_with_build_tool or any(word in package.needs_to_build for word in called)
    if not commands.install or needs_all or not (package.needs_to_build or project.workspace):
        return "build"
    if not project.managed.can_prune:
        return "build"
    if "@prisma/client" in package.needs and project.managed.manager.name != "npm":
        return "build"  # its client is made, and may be taken for something left over
    text.stage("pruned", "build")
    if project.workspace:
        text.folder(FOLDER)
    text.comment("What only the build needed stays behind.")
    for command in pruning(project.managed, is_workspace=project.workspace is not None):
        text.run(command, caches=() if command.argv[0] == "rm" else (project.managed.manager.cache,))
    return "pruned"


def _ignored(project: Project, files: str | None) -> tuple[str, ...]:
    """What a build leaves, where it is not a part of the repository."""
    kept = {name for name in _IGNORES if project.folder.holds_any(f"{name}/")}
    return ("node_modules", "**/node_modules", *(name for name in _IGNORES if name not in kept), *_if(files, kept))


def _if(files: str | None, kept: set[str]) -> tuple[str, ...]:
    return (files,) if files and files not in _IGNORES and files not in kept else ()


def image_of_node(version: ToolVersion) -> Base:
    return Base(f"node:{version.version}-slim", "node", version)


def image_of_bun(version: ToolVersion) -> Base:
    return Base(f"oven/bun:{version.version}", "bun", None)
