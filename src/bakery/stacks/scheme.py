"""Scheme: pages by Haunt, or a program for Guile or CHICKEN."""

import re

from bakery.model.app_commands import words
from bakery.model.names import Port
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.stacks.compiled import DEBIAN, Image, compiled
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

HAUNT = "haunt.scm"
PROGRAMS = ("main.scm", "server.scm", "app.scm", "index.scm", "init.scm")
READS = (HAUNT, *PROGRAMS)
PORT = Port(8080)
_TRIXIE = "debian:trixie-slim"


def find_scheme_app(folder: Folder, _: Said) -> Found | None:
    if folder.has(HAUNT):
        return _haunt(folder)
    program = folder.first(*PROGRAMS)
    if program is None:
        return None
    text, shown = folder.text(program) or "", folder.shown(program)
    is_chicken = (
        re.search(r"\(\s*(?:import|use|require-extension)\s+[^()]{0,200}\(?\s*(?:chicken|scheme|spiffy|srfi-1)\b", text)
        is not None
        and "use-modules" not in text
    )
    name, package, command = (
        ("CHICKEN", "chicken-bin", words("csi", "-script", program))
        if is_chicken
        else ("Guile", "guile-3.0", words("guile", "--no-auto-compile", "-s", program))
    )
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=Commands(start=command),
        why=(f"{shown} is a program in Scheme, for {name}.",),
        port=PORT if re.search(r"\(web server|spiffy|run-server", text) else None,
    )
    image = Image(sources=(program,), build_from=DEBIAN, packages_to_run=(package, "ca-certificates"), is_deaf=True)
    return compiled(found, image)


def _haunt(folder: Folder) -> Found:
    text, shown = folder.text(HAUNT) or "", folder.shown(HAUNT)
    named = re.search(r"#:build-directory\s+\"([A-Za-z0-9_][A-Za-z0-9_-]{0,60})\"", text)
    found = Found(
        runtimes=(Runtime.STATIC,),
        commands=Commands(build=words("haunt", "build")),
        why=(f"{shown} is Haunt's: the build is files.",),
        framework="Haunt",
    )
    image = Image(
        sources=(HAUNT,),
        build_from=_TRIXIE,
        packages_to_build=("haunt",),
        files=RepositoryPath(named[1] if named else "site"),
    )
    return compiled(found, image)


STACK = Stack("scheme", find_scheme_app, marks=(HAUNT,), reads=READS, looks_for=READS)
