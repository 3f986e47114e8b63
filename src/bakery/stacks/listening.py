"""Where a program listens, as far as its code says so in plain words; and what is started where nothing listens."""

import re

from bakery.model.app_commands import AppCommand
from bakery.model.errors import BadInput
from bakery.model.names import Port, ProcessName, parse_port
from bakery.stacks.plan import Commands

WORKER = ProcessName("worker")
# A program that asks for PORT is told, and what stands beside it in its code is for other times.
_IS_TOLD = re.compile(r"""["'{(\[ ]PORT\b""")
_WRITTEN = re.compile(
    r"""(?:\b(?:ListenAndServe|Run|Listen|Start|Serve|listen|bind|run|serve)\w*!?\(?[^\n]{0,80}?"""
    r"""(?:["'][^"'\n]{0,60}:([0-9]{2,5})["']|\bport\s*[=:]\s*([0-9]{2,5})\b|\(\s*([0-9]{4,5})\s*[,)]|"""
    r"""["'][\w.:-]{1,60}["']\s*,\s*([0-9]{4,5})\s*\)))"""
)


def port_in_code(text: str) -> Port | None:
    """None where the program is told, or where nothing is written."""
    if _IS_TOLD.search(text):
        return None
    found = _WRITTEN.search(text)
    try:
        return parse_port(next(filter(None, found.groups()))) if found else None
    except BadInput:
        return None


def started(commands: Commands) -> AppCommand | None:
    """What an image does when nothing else is said: the app, or the only process that it has."""
    if commands.start is None and len(commands.processes) == 1:
        return next(iter(commands.processes.values()))
    return commands.start
