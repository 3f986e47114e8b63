"""What a framework of JavaScript is to detection: its packages, and what it makes of a project."""

import re
from collections.abc import Callable

from msgspec import Struct

from bakery.stacks.package_json import Package
from bakery.stacks.tree import Folder


class Output(Struct, frozen=True):
    """`files`: a folder that any web server can hand out. `start`: a program of a package with its arguments, or “node”
    with its own; `$HOST` and `$PORT` stand for where it listens. Neither: a script has to say how it is started.
    """

    why: str
    files: str | None = None
    start: tuple[str, ...] = ()
    missing: str = ""
    instead_of: str = ""  # a script “start” that is right only within what was built
    within: str = ""  # the folder to start it in, below the app's
    release: tuple[str, ...] = ()  # before a release, likewise


class Framework(Struct, frozen=True):
    """`packages`: any of these makes it one, where a script fits the pattern `said`. `build`: what builds it where no
    script does.
    """

    name: str
    packages: tuple[str, ...]
    output: Callable[[Folder, Package], Output | None]
    build: tuple[str, ...] = ()
    said: str = ""

    def is_of(self, package: Package) -> bool:
        named = any(name in package.all_needs for name in self.packages)
        return named and re.search(self.said, package.every_script) is not None


LISTENING = ("--host", "$HOST", "--port", "$PORT")


def files(what: str, out: str) -> Callable[[Folder, Package], Output]:
    """Always files alone, in this folder."""
    return lambda _, package: Output(f"{package.shown} needs {what}, whose build is files alone.", files=out)


def server(what: str, *start: str) -> Callable[[Folder, Package], Output]:
    """Always a server, started so."""
    return lambda _, package: Output(f"{package.shown} needs {what}, which answers requests itself.", start=start)
