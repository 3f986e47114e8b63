"""The commands as they are, for tests and for the documentation."""

from collections.abc import Iterator

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from bakery.cli.program import program

OF_THE_REST = {
    "serve", "up", "migrate", "doctor", "keys", "admin", "audit", "login", "whoami", "tasks", "nodes", "users",
    "invites", "token", "github", "dns-providers", "own-site", "defaults",
}  # fmt: skip


def commands() -> Iterator[tuple[str, TyperCommand]]:
    """Each with its whole name, like `apps create`."""
    yield from _below(typer.main.get_group(program), ())


def _below(group: TyperGroup, names: tuple[str, ...]) -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _below(command, (*names, name))
        else:
            assert isinstance(command, TyperCommand)
            yield " ".join((*names, name)), command


def reference(*, of_apps: bool) -> str:
    """The list of commands in docs/commands.md, or of the others in docs/commands-server.md."""
    listed = [one for one in commands() if (one[0].partition(" ")[0] not in OF_THE_REST) is of_apps]
    return "\n\n".join(_described(name, command) for name, command in listed)


def _described(name: str, command: TyperCommand) -> str:
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    options = [one for one in command.params if isinstance(one, TyperOption)]
    words = [(one.metavar or one.name.upper()) if one.required else f"[{one.metavar}]" for one in arguments]
    lines = [f"### `{' '.join(['bakery', name, *words])}`", "", command.help or ""]
    if options:
        lines += ["", *(f"- `{_shape(option)}`: {option.help}" for option in options)]
    return "\n".join(lines)


def _shape(option: TyperOption) -> str:
    names = "/".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.metavar or option.name.upper()}"
