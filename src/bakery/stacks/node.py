"""Node: package.json, with npm, pnpm or yarn."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bakery.model.app_commands import AppCommand, Words, words
from bakery.model.apps import Runtime
from bakery.model.names import Port
from bakery.model.variables import VariableName
from bakery.stacks import dockerfile_text as lines
from bakery.stacks.package_json import FILE, Package, read_package
from bakery.stacks.plan import Commands, Found, GeneratedDockerfile, Said
from bakery.stacks.tree import Folder
from bakery.stacks.vite import StaticOutput, static_output

READS = (".nvmrc", ".node-version")
PROGRAMS = ("server.js", "server.mjs", "index.js", "index.mjs", "app.js", "main.js")
PORT = Port(3000)
_MAJORS = range(16, 41)
_USUAL_MAJOR = 22


@dataclass(frozen=True, slots=True)
class Manager:
    """How a package manager is called. `prune`: leaves what is needed at run time."""

    name: str
    locks: tuple[str, ...]
    install: Words
    install_locked: Words
    prune: Words
    cache: str
    brought_by: Words | None = None  # into an image that has only npm
    beside: tuple[str, ...] = ()  # files that it reads besides

    def script(self, name: str) -> Words:
        return words(self.name, "run", name)


NPM = Manager(
    name="npm",
    locks=("package-lock.json", "npm-shrinkwrap.json"),
    install=words("npm", "install"),
    install_locked=words("npm", "ci"),
    prune=words("npm", "prune", "--omit=dev"),
    cache="/root/.npm",
    beside=(".npmrc",),
)
PNPM = Manager(
    name="pnpm",
    locks=("pnpm-lock.yaml",),
    install=words("pnpm", "install"),
    install_locked=words("pnpm", "install", "--frozen-lockfile"),
    # Without the variable it asks before it removes anything.
    prune=words("env", "CI=true", "pnpm", "prune", "--prod", "--ignore-scripts"),
    cache="/root/.local/share/pnpm/store",
    brought_by=words("npm", "install", "--global", "pnpm"),
    beside=(".npmrc", "pnpm-workspace.yaml"),
)
YARN_CLASSIC = Manager(
    name="yarn",
    locks=("yarn.lock",),
    install=words("yarn", "install"),
    install_locked=words("yarn", "install", "--frozen-lockfile"),
    prune=words("yarn", "install", "--frozen-lockfile", "--production", "--ignore-scripts", "--prefer-offline"),
    cache="/usr/local/share/.cache/yarn",
    beside=(".npmrc", ".yarnrc"),
)
YARN = Manager(
    name="yarn",
    locks=("yarn.lock",),
    install=words("yarn", "install"),
    install_locked=words("yarn", "install", "--immutable"),
    prune=words("yarn", "workspaces", "focus", "--production"),
    cache="/root/.yarn/berry/cache",
    brought_by=words("corepack", "enable"),
    beside=(".npmrc", ".yarnrc.yml"),
)


@dataclass(frozen=True, slots=True)
class _Project:
    folder: Folder
    package: Package
    manager: Manager
    lock: str | None
    major: int
    static: StaticOutput | None


def find_node_app(folder: Folder, said: Said) -> Found | None:
    package = read_package(folder)
    if package is None:
        return None
    manager, lock, why = _manager(folder, package)
    major, reason = _major(folder, package)
    static = None if said.starts else static_output(folder, package)
    project = _Project(folder, package, manager, lock, major, static)
    start, started = (None, static.why) if static else _start(folder, package, manager)
    commands = Commands(
        install=manager.install_locked if lock else manager.install,
        build=manager.script("build") if "build" in package.scripts else None,
        test=manager.script("test") if package.test else None,
        start=start,
    )
    named = [f"“{name}”" for name in ("build", "test") if getattr(commands, name)]
    if named:
        why.append(f"{package.shown} has {'scripts' if len(named) > 1 else 'a script'} {' and '.join(named)}.")
    return Found(
        runtimes=(Runtime.STATIC,) if static else (Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=(*why, *([started] if start or static else []), *reason),
        missing=() if start or static else (started,),
        port=None if static else PORT,
        static_folder=static.folder if static else None,
        write_dockerfile=lambda final, names: _write_dockerfile(project, final, names),
        paths=("node_modules/.bin",),
    )


def _manager(folder: Folder, package: Package) -> tuple[Manager, str | None, list[str]]:
    """What package.json names; else what has left its lock file."""
    why = [f"{package.shown} is here, so this is for Node."]
    if package.is_broken:
        why = [f"{package.shown} cannot be read as JSON, so nothing that it says counts."]
    locked = [(one, lock) for one in (PNPM, _yarn(folder, package), NPM) for lock in folder.present(*one.locks)]
    named = next((one for one in (PNPM, _yarn(folder, package), NPM) if _is_named(one, package)), None)
    manager = named or (locked[0][0] if locked else NPM)
    lock = next((lock for one, lock in locked if one is manager), None)
    others = [other for _, other in locked if other != lock]
    if named:
        why.append(f"{package.shown} names {manager.name} as its package manager.")
    elif lock:
        why.append(f"{folder.shown(lock)} was left by {manager.name}.")
    if others:
        why.append(f"{_shown_all(folder, others)} contradicts that, and does not count.")
    if not lock:
        why.append(f"{manager.name} has left no lock file, so every build may get other versions.")
    return manager, lock, why


def _shown_all(folder: Folder, names: Sequence[str]) -> str:
    return " and ".join(folder.shown(name) for name in names)


def _is_named(manager: Manager, package: Package) -> bool:
    return (package.manager or "").partition("@")[0] == manager.name


def _yarn(folder: Folder, package: Package) -> Manager:
    version = (package.manager or "").partition("@")[2]
    if re.match(r"[2-9]", version) or folder.has(".yarnrc.yml"):
        return YARN
    return YARN_CLASSIC


def _start(folder: Folder, package: Package, manager: Manager) -> tuple[AppCommand | None, str]:
    """The command, and the sentence for it; or what is missing."""
    if "start" in package.scripts:
        return manager.script("start"), f"{package.shown} has a script “start”."
    if package.main and package.main.endswith((".js", ".mjs", ".cjs")):
        return words("node", package.main), f"{package.shown} names {package.main} as its program."
    if program := folder.first(*PROGRAMS):
        return words("node", program), f"{folder.shown(program)} is where Node programs usually begin."
    return None, f"{package.shown} has no script “start”, and none of {', '.join(PROGRAMS)} is beside it."


def _major(folder: Folder, package: Package) -> tuple[int, list[str]]:
    for name in (".nvmrc", ".node-version"):
        text = (folder.text(name) or "").strip()[:40]
        if (found := re.fullmatch(r"v?([0-9]{1,2})(?:\.[0-9x*]+){0,2}", text)) and int(found[1]) in _MAJORS:
            return int(found[1]), [f"{folder.shown(name)} asks for Node {found[1]}."]
    found = re.match(r"(>=|\^|~|>)?\s*v?([0-9]{1,2})\b", (package.node or "").strip()[:40])
    if found and int(found[2]) in _MAJORS:
        major = (
            max(int(found[2]), _USUAL_MAJOR)
            if found[1] in {">=", ">"} and "<" not in (package.node or "")
            else int(found[2])
        )
        return major, [f"{package.shown} wants a Node that Node {major} is."]
    return _USUAL_MAJOR, []


def _brought_by(manager: Manager, package: Package) -> Words:
    """In the version that package.json names."""
    *before, last = manager.brought_by.argv if manager.brought_by else ()
    version = re.fullmatch(rf"{manager.name}@([0-9]+(?:\.[0-9]+){{0,2}})(?:\+.*)?", (package.manager or "")[:200])
    return words(*before, f"{last}@{version[1]}" if version and last == manager.name else last)


def _write_dockerfile(project: _Project, commands: Commands, names: tuple[VariableName, ...]) -> GeneratedDockerfile:
    package, manager = project.package, project.manager
    first = [name for name in (FILE, project.lock, *project.folder.present(*manager.beside)) if name]
    needs_sources = (
        package.runs_scripts_on_install
        or package.has_workspaces
        or manager is YARN
        or not isinstance(commands.install, Words)
    )
    text = lines.heading([name for name in (FILE, project.lock) if name])
    text += f"FROM node:{project.major}-slim AS base\nWORKDIR /app\n"
    text += lines.run(_brought_by(manager, package)) if manager.brought_by else ""
    text += "\nFROM base AS build\n" + lines.arguments(names)
    if needs_sources:
        text += "# Installing may need the sources, so they come first.\nCOPY . .\n"
        text += lines.run(commands.install, cache=manager.cache) if commands.install else ""
    else:
        text += "# Before the sources: installed anew only when these files change.\n"
        text += f"COPY {' '.join(first)} ./\n"
        text += lines.run(commands.install, cache=manager.cache) if commands.install else ""
        text += "COPY . .\n"
    text += lines.for_build(commands.build)
    text += lines.for_test(commands.test)
    if project.static:
        text += lines.only_files(project.static.folder)
        return lines.dockerfile(text, has_test=commands.test is not None, holds_only_files=True)
    source = "build"
    if commands.install and package.needs_to_build and not package.starts_with_build_tool:
        text += f"\nFROM build AS pruned\n{lines.run(manager.prune, cache=manager.cache)}"
        source = "pruned"
    text += lines.server(commands.start, source=source, user="node", port=PORT, variables="NODE_ENV=production")
    return lines.dockerfile(text, has_test=commands.test is not None)
