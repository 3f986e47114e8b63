"""What the login shell of a node is given to run a command: the one place where words become shell text.

The shell becomes the command. Before that it tells its process id, and when it cannot become the command it says so,
each with a mark that nobody else knows. Secrets come to it on its input, a line each; the rest of the input is the
command's own.
"""

import base64
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from bakery.commands.command import Command
from bakery.model.errors import BadInput
from bakery.model.secret import Secret
from bakery.nodes.running import ENVIRONMENT, as_bytes

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class ShellText:
    """`stdin` is what must be sent first to what `text` starts."""

    text: str
    stdin: bytes


def shell_text(command: Command, mark: str, *, mixes_errors: bool = False) -> ShellText:
    """The mark is one word. Where errors are mixed into the output, what keeps the command from starting is, too."""
    secrets = {name: value for name, value in command.env.items() if isinstance(value, Secret)}
    plain = ENVIRONMENT | {name: value for name, value in command.env.items() if isinstance(value, str)}
    text = "\n".join(_lines(command, mark, plain, list(secrets), mixes_errors=mixes_errors))
    if "\0" in text:
        raise BadInput("A command cannot hold a NUL character.", field="command")
    lines = b"".join(base64.b64encode(as_bytes(value)) + b"\n" for value in secrets.values())
    return ShellText(text, lines + as_bytes(command.stdin or b""))


def end_text(process: int) -> str:
    """Ends a command and its children by the process id that its shell told."""
    return f"kill -s KILL -- -{process}"


def _lines(
    command: Command, mark: str, plain: dict[str, str], secrets: list[str], *, mixes_errors: bool
) -> Iterator[str]:
    yield f"echo {mark} $$ >&2"
    trap = f"trap 'echo {mark} >&2' EXIT"
    if not mixes_errors:
        yield "${BASH_VERSION:+shopt -s execfail}"  # else bash forgets its trap when it cannot become the command
        yield trap
    yield "export " + " ".join(f"{_checked(name)}={shlex.quote(value)}" for name, value in plain.items())
    steps = [_take_secret(_checked(name)) for name in secrets]
    if command.cwd is not None:
        steps.append(f"cd -- {shlex.quote(str(command.cwd))}")
    steps.append(f"exec {shlex.join(command.argv)}" + (" 2>&1" if mixes_errors else ""))
    yield " && ".join(steps)
    if not mixes_errors:
        yield f"status=$?; {trap}; exit $status"


def _take_secret(name: str) -> str:
    """The dot keeps line ends, which `$()` would cut off; printf belongs to the shell, so nothing shows in `ps`."""
    return (
        f'IFS= read -r {name} && {name}=$(printf %s "${name}" | base64 -d && printf .) '
        f"&& {name}=${{{name}%.}} && export {name}"
    )


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadInput("A variable's name has letters, digits and underscores only.", field="command")
    return name
