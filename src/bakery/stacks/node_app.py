"""What is common to projects with a package.json, whether Node or Bun runs them: a framework, scripts, a release."""

import re
from collections.abc import Sequence

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText, Words, words
from bakery.model.names import Port
from bakery.stacks.listening import WORKER
from bakery.stacks.node_development import folder_handed_out, is_for_development
from bakery.stacks.node_framework import Framework, Output
from bakery.stacks.node_frameworks import find_framework
from bakery.stacks.node_managers import install_command
from bakery.stacks.node_packages import is_bot, migration
from bakery.stacks.node_project import Project
from bakery.stacks.node_start import of_framework, start_of
from bakery.stacks.node_workspace import build_of_member, manifest_at, manifests_of
from bakery.stacks.nx import NxApp, apps_of_nx
from bakery.stacks.package_json import Package
from bakery.stacks.plan import Commands, Said

PORT = Port(3000)
# Beside it, a package.json is for its pages.
DJANGO = ("manage.py",)


# What hosting services run in place of “build”, or besides.
_BUILDS = ("build", "heroku-postbuild", "gcp-build", "vercel-build")


class App(Struct, frozen=True):
    """`files`: a folder that nginx hands out, and nothing is started. `missing`: why it cannot be started. `port`: None
    where nobody asks it anything."""

    commands: Commands
    framework: str | None
    files: str | None
    port: Port | None
    why: tuple[str, ...]
    missing: tuple[str, ...]


def read_app(project: Project, said: Said) -> App:
    package, manager = project.package, project.managed.manager
    nx = () if _starts_for_production(package) else apps_of_nx(project.folder)
    only = nx[0] if len(nx) == 1 and nx[0].output else None
    framework = None if nx else find_framework(package)
    if framework and _is_of_a_member(project, framework):
        framework = None
    output = framework.output(project.folder, package) if framework else only.output if only else None
    if folder := folder_handed_out(package.script("start")):
        output = Output(f"{package.shown} starts what only hands out {folder}: files alone.", files=folder)
    if output and (output.files is None or said.starts or _is_a_server_of_its_own(package)):
        files = None
    else:
        files = output.files if output else None
    if nx and not only:
        start, started = None, _which_of_nx(nx)
    else:
        start, started = (None, "") if files else start_of(project, output)
    build, built = _build(project, framework, output if start is None or output is not None else None)
    if only:
        build = manager.program("nx", "build", only.name)
    release: AppCommand | None
    release, released = migration(project.folder, package, manager.program)
    if output and output.release:
        release = of_framework(project, output.release, output.within)
        released = f"“{' '.join(output.release)}” runs before a release, for its database."
    why: list[str] = []
    named = [f"“{name}”" for name in ("build", "test") if (package.script(name) if name == "build" else package.test)]
    if named:
        why.append(f"{package.shown} has {'scripts' if len(named) > 1 else 'a script'} {' and '.join(named)}.")
    why += [*built, *([output.why] if output and output.why and (files or output.start) else [])]
    why += [started] if start else []
    is_worker = start is not None and framework is None and is_bot(package)
    if is_worker:
        why.append(f"{package.shown} needs a client for chats and no server: a worker without a port.")
    commands = Commands(
        install=install_command(project.managed, project.folder, project.workspace) if not package.is_absent else None,
        build=build,
        test=manager.script("test") if package.test else None,
        start=None if is_worker else start,
        processes={WORKER: start} if start and is_worker else {},
        release=release if start else None,
    )
    return App(
        commands=commands,
        framework=framework.name if framework else None,
        files=files,
        port=None if files or is_worker else PORT,
        why=(*why, *([released] if released and start else [])),
        missing=() if start or files else (started,),
    )


def _is_of_a_member(project: Project, framework: Framework) -> bool:
    """At the top of a workspace stand packages for all its members, and no script there builds with them."""
    package, folder = project.package, project.folder
    if not package.has_workspaces or " ".join(framework.build[:2]) in package.every_script:
        return False
    members = (manifest_at(folder, path) for path in manifests_of(folder, package) or ())
    return any(member.all_needs & set(framework.packages) for member in members)


def _which_of_nx(apps: Sequence[NxApp]) -> str:
    return f"Nx has its apps in {', '.join(one.folder for one in apps)}: say which is built, and how it is started."


def _starts_for_production(package: Package) -> bool:
    start = package.script("start")
    return bool(start) and not is_for_development(start)


def _is_a_server_of_its_own(package: Package) -> bool:
    """A start script that somebody wrote, where the framework's output would be files."""
    start = package.script("start")
    framework = ("next", "nuxt", "gatsby", "astro", "remix-serve", "react-router-serve")
    is_none = is_for_development(start) or folder_handed_out(start) is not None
    return bool(start) and not is_none and not start.startswith(framework)


def _build(project: Project, framework: Framework | None, output: Output | None) -> tuple[AppCommand | None, list[str]]:
    package, manager = project.package, project.managed.manager
    why: list[str] = []
    name = next((one for one in _BUILDS if one in package.scripts), None)
    build: Words | None = manager.script(name) if name else None
    if build is None and framework and (name := _script_that_runs(package, framework.build)):
        build = manager.script(name)
        why.append(f"{package.shown} has a script “{name}”, which builds it.")
    elif build is None and framework and framework.build and output and not output.missing:
        build = manager.program(*framework.build)
        why.append(f"{package.shown} has no script “build”, so it is built as {framework.name} usually is.")
    if project.workspace and (of_member := build_of_member(project.workspace, package, manager.name)):
        argv, source = of_member
        build = words(*argv) if argv[0] == manager.name else manager.program(*argv)
        why.append(f"{source} is there, so what it needs of the workspace is built with it.")
    makes_client = _mentions(package, "prisma generate") or (framework is not None and framework.name == "Keystone")
    if "@prisma/client" in package.all_needs and not makes_client:
        generate = manager.program("prisma", "generate")
        why.append(f"{package.shown} needs Prisma, and no script of it makes its client, so that is done before.")
        return (ShellText(f"{generate} && {build}") if build else generate), why
    return build, why


def _script_that_runs(package: Package, argv: tuple[str, ...]) -> str | None:
    """Not called “build”, such as VitePress's own “docs:build”."""
    begins = " ".join(argv)
    found = (name for name, text in package.scripts.items() if begins and f"{text} ".startswith(f"{begins} "))
    return next((name for name in found if re.fullmatch(r"[A-Za-z0-9:_-]{1,60}", name)), None)


def _mentions(package: Package, words_of_it: str) -> bool:
    return any(words_of_it in package.scripts.get(name, "") for name in ("build", "prebuild", "postinstall", "prepare"))
