"""Bun: its lock file or its settings beside package.json."""

import re

from bakery.model.app_commands import AppCommand, Words, words
from bakery.model.apps import Runtime
from bakery.model.names import Port
from bakery.model.variables import VariableName
from bakery.stacks.image_text import ImageText
from bakery.stacks.package_json import FILE, Package, read_package
from bakery.stacks.plan import Commands, Found, GeneratedDockerfile, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder
from bakery.stacks.vite import CONFIGS, StaticOutput, static_output

LOCKS = ("bun.lock", "bun.lockb")
MARKS = (*LOCKS, "bunfig.toml")
PROGRAMS = ("index.ts", "server.ts", "src/index.ts", "src/server.ts", "index.js", "server.js", "app.ts", "main.ts")
PORT = Port(3000)
_CACHE = "/root/.bun/install/cache"


def find_bun_app(folder: Folder, said: Said) -> Found | None:
    package = read_package(folder)
    mark = _mark(folder, package)
    if mark is None:
        return None
    package = package or Package(folder.shown(FILE))
    lock = folder.first(*LOCKS)
    static = None if said.starts else static_output(folder, package)
    start, started = (None, static.why) if static else _start(folder, package)
    commands = Commands(
        install=_install(lock, has_package=folder.has(FILE)),
        build=words("bun", "run", "build") if "build" in package.scripts else None,
        test=words("bun", "run", "test") if package.test else None,
        start=start,
    )
    return Found(
        runtimes=(Runtime.STATIC,) if static else (Runtime.DOCKER, Runtime.PROCESS),
        commands=commands,
        why=(mark, *([started] if start or static else [])),
        missing=() if start or static else (started,),
        port=None if static else PORT,
        static_folder=static.folder if static else None,
        write_dockerfile=lambda final, names: _write_dockerfile(folder, package, lock, static, final, names),
        paths=("node_modules/.bin",),
    )


def _mark(folder: Folder, package: Package | None) -> str | None:
    """What package.json names comes before what a Bun of somebody left behind."""
    manager = (package.manager or "").partition("@")[0] if package else ""
    if manager == "bun" and package:
        return f"{package.shown} names bun as its package manager."
    if manager:
        return None
    if mark := folder.first(*MARKS):
        return f"{folder.shown(mark)} is Bun's."
    is_started = package is not None and re.match(r"bun\s", package.scripts.get("start", ""))
    return f"{folder.shown(FILE)} has a script “start” for bun." if is_started else None


def _install(lock: str | None, *, has_package: bool) -> Words | None:
    if not has_package:
        return None
    return words("bun", "install", "--frozen-lockfile") if lock else words("bun", "install")


def _start(folder: Folder, package: Package) -> tuple[AppCommand | None, str]:
    if "start" in package.scripts:
        return words("bun", "run", "start"), f"{package.shown} has a script “start”."
    if package.main:
        return words("bun", package.main), f"{package.shown} names {package.main} as its program."
    if program := folder.first(*PROGRAMS):
        return words("bun", program), f"{folder.shown(program)} is where Bun programs usually begin."
    return None, f"{package.shown} has no script “start”, and none of {', '.join(PROGRAMS)} is here."


def _write_dockerfile(
    folder: Folder,
    package: Package,
    lock: str | None,
    static: StaticOutput | None,
    commands: Commands,
    names: tuple[VariableName, ...],
) -> GeneratedDockerfile:
    first = folder.present(FILE, *([lock] if lock else []), "bunfig.toml")
    text = ImageText(first)
    text.stage("base", "oven/bun:1")
    text.stage("build", "base")
    text.arguments(names)
    if package.runs_scripts_on_install or package.has_workspaces or not isinstance(commands.install, Words):
        text.copy(".", comment="Installing may need the sources, so they come first.")
        text.run(commands.install, caches=(_CACHE,))
    else:
        text.copy(*first, comment="Before the sources: installed anew only when these files change.")
        text.run(commands.install, caches=(_CACHE,))
        text.copy(".")
    text.build(commands.build)
    text.test(commands.test)
    if static:
        text.only_files(static.folder)
        return text.done()
    source = "build"
    if isinstance(commands.install, Words) and package.needs_to_build and not package.starts_with_build_tool:
        source = "pruned"
        text.stage(source, "build")
        text.run(words("rm", "-rf", "node_modules"))
        text.run(words(*commands.install.argv, "--production", "--ignore-scripts"), caches=(_CACHE,))
    text.stage("", "base")
    text.copy_built("/app", source=source, owner="bun")
    text.serve(commands.start, port=PORT, user="bun", NODE_ENV="production")
    return text.done()


STACK = Stack("bun", find_bun_app, marks=LOCKS, reads=(FILE, *CONFIGS), looks_for=LOCKS)
