"""What nginx says of its configuration, understood."""

from __future__ import annotations

import re
from pathlib import PurePath

_LISTEN = re.compile(r"(?:^|[\s{;])listen\s+([^;]+);")


def foreign_default_servers(dump: str, *, port: int, ours: PurePath) -> list[str]:
    """The files outside `ours` in which `nginx -T` shows a default server for this port."""
    found, current = {}, ""
    for line in dump.splitlines():
        file = re.fullmatch(r"# configuration file (.+):", line)
        if file:
            current = file[1]
        elif any(_is_default_for(listen.split(), port) for listen in _LISTEN.findall(line.partition("#")[0])):
            found[current] = True
    return [file for file in found if PurePath(file).parent != ours]


def has_server(dump: str, *, port: int) -> bool:
    """Whether nginx listens there already, for anybody."""
    lines = (line.partition("#")[0] for line in dump.splitlines())
    return any(_port_of(listen.split()[0]) == str(port) for line in lines for listen in _LISTEN.findall(line))


def files_read(dump: str) -> set[str]:
    """The files that nginx read, as `nginx -T` names them."""
    return set(re.findall(r"^# configuration file (.+):$", dump, flags=re.MULTILINE))


def complaint_in(output: str) -> str:
    """What nginx found wrong, with the file and the line, without the marks that it puts before."""
    lines: list[str] = re.findall(r"\[emerg\](?: \d+#\d+:)? (.+)", output)
    return lines[0] if lines else output.strip()


def _is_default_for(words: list[str], port: int) -> bool:
    address, *options = words
    return ("default_server" in options or "default" in options) and _port_of(address) == str(port)


def _port_of(address: str) -> str:
    return address.rpartition(":")[2] if ":" in address.rpartition("]")[2] else address
