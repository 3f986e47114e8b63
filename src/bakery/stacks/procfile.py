"""Procfile: a line for each process, `name: command`, with the command as its author wrote it."""

import re
from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from bakery.model.app_commands import AppCommand, parse_app_command
from bakery.model.errors import BadInput
from bakery.model.labels import shown_part
from bakery.model.names import ProcessName, parse_process_name
from bakery.model.runtimes import Runtime
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

FILE = "Procfile"
MOST_PROCESSES = 20
_MOST_SENTENCES = 40
_LONGEST_FOREIGN = 300
_LINE = re.compile(r"([A-Za-z0-9_-]{1,64})[ \t]*:[ \t]*(\S.*)")


class Procfile(Struct, frozen=True):
    """`why` also tells what was left out."""

    web: AppCommand | None = None
    release: AppCommand | None = None
    processes: Mapping[ProcessName, AppCommand] = field(default_factory=dict)
    why: tuple[str, ...] = ()


def read_procfile(folder: Folder) -> Procfile:
    """Empty when there is none."""
    text = folder.text(FILE)
    return Procfile() if text is None else parse_procfile(text, shown=folder.shown(FILE))


def parse_procfile(text: str, *, shown: str = FILE) -> Procfile:
    """Never refuses: a line that cannot be used is told and left out."""
    named: dict[str, AppCommand] = {}
    why: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            name, command = _parse_line(line.strip())
        except BadInput as error:
            why.append(f"{shown}, line {number} is left out: {error.message}")
            continue
        if name in named:
            why.append(f"{shown}, line {number} is left out: there is a process {name} before it.")
        elif len(named) == MOST_PROCESSES:
            why.append(f"{shown} is read up to line {number - 1}: an app has at most {MOST_PROCESSES} processes.")
            break
        else:
            named[name] = command
            why.append(_told(name, shown))
    web, release = named.pop("web", None), named.pop("release", None)
    processes = {ProcessName(name): command for name, command in named.items()}
    return Procfile(web, release, processes, tuple(why[:_MOST_SENTENCES]))


def without_foreign_start(read: Procfile, pattern: str | None, *, shown: str) -> Procfile:
    """Without a start that names what only a buildpack brings."""
    if read.web is None or pattern is None or not re.fullmatch(pattern, str(read.web)[:_LONGEST_FOREIGN]):
        return read
    told = _told("web", shown)
    instead = f"{shown} starts it with what only a buildpack brings, so that does not count."
    return replace(read, web=None, why=tuple(instead if sentence == told else sentence for sentence in read.why))


def find_procfile_app(folder: Folder, _: Said) -> Found | None:
    """For a folder of which nothing else is known: its programs have to be on the machine."""
    read = read_procfile(folder)
    if read.web is None and not read.processes:
        return None
    # Its commands are taken from there for every stack.
    return Found((Runtime.PROCESS,), Commands(), ("What its commands need has to be installed on the node.",))


def _parse_line(line: str) -> tuple[str, AppCommand]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise BadInput("this is not “name: command”.")
    name = re.sub(r"[^a-z0-9]", "", found[1].lower())
    try:
        return parse_process_name(name), parse_app_command(found[2])
    except BadInput as error:
        raise BadInput(f"“{shown_part(found[1], at_most=40)}”: {error.message}") from None


def _told(name: str, shown: str) -> str:
    return f"{shown} says how {_what_runs(name)}."


def _what_runs(name: str) -> str:
    match name:
        case "web":
            return "the app is started"
        case "release":
            return "a release is prepared"
        case _:
            return f"the process {name} is started"


STACK = Stack("procfile", find_procfile_app, (FILE,), (FILE,), looks_for=(FILE,), is_last_resort=True)
