"""Node: package.json, with npm, pnpm or yarn."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bakery.model.app_commands import AppCommand, Words, words
from bakery.model.apps import Runtime
from bakery.model.names import Port
from bakery.model.variables import VariableName
from bakery.stacks.image_text import ImageText
from bakery.stacks.node_packages import CLIENTS, packages_for
from bakery.stacks.package_json import FILE, Package, read_package
from bakery.stacks.plan import Commands, Found, GeneratedDockerfile, Said, ToolVersion
from bakery.stacks.proposals import for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder
from bakery.stacks.version_ranges import nearest_allowed
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series
from bakery.stacks.vite import CONFIGS, StaticOutput, static_output

READS_ABOVE = (".nvmrc", ".node-version")
PROGRAMS = ("server.js", "server.mjs", "index.js", "index.mjs", "app.js", "main.js")
PORT = Port(3000)
IGNORES = ("node_modules", "npm-debug.log*", ".next", ".nuxt", ".output", ".turbo", "coverage")
_MAJORS = tuple(str(major) for major in range(14, 41))
_KNOWN = ("16", "18", "20", "22", "24")  # of ranges; what is asked for by name may be newer
_USUAL_MAJOR = "22"
_LTS = {
    "argon": "4", "boron": "6", "carbon": "8", "dubnium": "10", "erbium": "12", "fermium": "14", "gallium": "16",
    "hydrogen": "18", "iron": "20", "jod": "22", "krypton": "24",
}  # fmt: skip
_ALWAYS_NEWEST = frozenset({"*", "node", "latest", "stable", "current", "lts", "lts/*", "lts/-0"})


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
    node: ToolVersion
    static: StaticOutput | None
    packages: tuple[str, ...]


def find_node_app(folder: Folder, said: Said) -> Found | None:
    package = read_package(folder)
    if package is None:
        return None
    manager, lock, why = _manager(folder, package)
    version, reason = node_version(folder, package)
    static = None if said.starts else static_output(folder, package)
    packages, because = packages_for(package)
    project = _Project(folder, package, manager, lock, version, static, packages)
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
        why=(*why, *([started] if start or static else []), *reason, *because),
        missing=() if start or static else (started,),
        versions=(version,),
        variables=for_clients(package.needs, CLIENTS, source=package.shown),
        system_packages=packages,
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


def node_version(folder: Folder, package: Package) -> tuple[ToolVersion, tuple[str, ...]]:
    """nvm's file before the others, and what an engine only has to fit last."""
    asked = [
        line_in(folder, ".nvmrc"),
        line_in(folder, ".node-version"),
        in_tool_versions(folder, "nodejs", "node"),
        in_mise(folder, "node", "nodejs"),
        Asked(package.node, package.shown) if package.node else None,
    ]
    return chosen_version("Node", asked, read=_major, usual=_USUAL_MAJOR)


def _major(written: str) -> str | None:
    """The images have a tag for each."""
    text = written.lower()
    if text in _ALWAYS_NEWEST:
        return _USUAL_MAJOR
    named = _LTS.get(text.removeprefix("lts/"))
    found = named or series(text, 1, prefixes="node-") or nearest_allowed(text, _KNOWN, usual=_USUAL_MAJOR)
    return found if found in _MAJORS else None


def _brought_by(manager: Manager, package: Package) -> Words:
    """In the version that package.json names."""
    *before, last = manager.brought_by.argv if manager.brought_by else ()
    version = re.fullmatch(rf"{manager.name}@([0-9]+(?:\.[0-9]+){{0,2}})(?:\+.*)?", (package.manager or "")[:200])
    return words(*before, f"{last}@{version[1]}" if version and last == manager.name else last)


def _write_dockerfile(project: _Project, commands: Commands, names: tuple[VariableName, ...]) -> GeneratedDockerfile:
    package, manager = project.package, project.manager
    text = ImageText([name for name in (FILE, project.lock) if name], ignores=IGNORES)
    text.stage("base", f"node:{project.node.version}-slim")
    text.packages(*project.packages)
    text.run(_brought_by(manager, package) if manager.brought_by else None)
    text.stage("build", "base")
    text.arguments(names)
    _install(text, project, commands)
    text.build(commands.build)
    text.test(commands.test)
    if project.static:
        text.only_files(project.static.folder)
        return text.done()
    source = "build"
    if commands.install and package.needs_to_build and not package.starts_with_build_tool:
        source = "pruned"
        text.stage(source, "build")
        text.run(manager.prune, caches=(manager.cache,))
    text.stage("", "base")
    text.copy_built("/app", source=source, owner="node")
    text.serve(commands.start, port=PORT, user="node", NODE_ENV="production")
    return text.done()


def _install(text: ImageText, project: _Project, commands: Commands) -> None:
    package, manager = project.package, project.manager
    needs_sources = (
        package.runs_scripts_on_install
        or package.has_workspaces
        or manager is YARN
        or not isinstance(commands.install, Words)
    )
    if needs_sources:
        text.copy(".", comment="Installing may need the sources, so they come first.")
        text.run(commands.install, caches=(manager.cache,))
    else:
        first = [name for name in (FILE, project.lock, *project.folder.present(*manager.beside)) if name]
        text.copy(*first, comment="Before the sources: installed anew only when these files change.")
        text.run(commands.install, caches=(manager.cache,))
        text.copy(".")


STACK = Stack("node", find_node_app, marks=(FILE,), reads=(FILE, *CONFIGS), reads_above=READS_ABOVE, looks_for=(FILE,))
