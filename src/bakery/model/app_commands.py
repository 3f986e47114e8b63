"""How an app's own commands are written down: a program with its arguments, or a line for a shell.

Both end as an argument list. What a person wrote as a line is one argument of a shell that runs in the app's own
sandbox, and never becomes a part of a command of ours.
"""

import shlex
from collections.abc import Sequence

from msgspec import Struct

from bakery.model.errors import BadInput

LONGEST_COMMAND = 4000


class Words(Struct, frozen=True):
    """A program and its arguments: no shell is in between."""

    argv: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(self.argv)


class ShellText(Struct, frozen=True):
    """A line as somebody wrote it, with variables, pipes and what else a shell knows."""

    text: str

    @property
    def argv(self) -> tuple[str, ...]:
        return ("sh", "-c", self.text)

    def __str__(self) -> str:
        return self.text


AppCommand = Words | ShellText


def words(*argv: str) -> Words:
    return Words(argv)


def parse_app_command(value: str | Sequence[str], *, field: str = "command") -> AppCommand:
    """A text is for a shell; a list is a program with its arguments."""
    if isinstance(value, str):
        return ShellText(_checked(value.strip(), field))
    if not value or not value[0]:
        raise BadInput("A command begins with a program.", field=field, hint='Like ["node", "server.js"].')
    if value[0].startswith("-"):
        raise BadInput("A command begins with a program, not with an option.", field=field)
    _checked("".join(value), field)
    return Words(tuple(value))


def _checked(text: str, field: str) -> str:
    if not text:
        raise BadInput("This command is empty.", field=field)
    if len(text) > LONGEST_COMMAND:
        raise BadInput(f"A command has at most {LONGEST_COMMAND} characters.", field=field)
    if "\0" in text or (not text.isascii() and _has_half_characters(text)):
        raise BadInput("A command cannot hold a NUL or half a character.", field=field)
    return text


def _has_half_characters(text: str) -> bool:
    return any(0xD800 <= ord(character) <= 0xDFFF for character in text)
