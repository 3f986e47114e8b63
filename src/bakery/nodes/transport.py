"""What reaches a machine: a few verbs, the same for this machine and for one far away."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from bakery.commands.command import Command
from bakery.model.errors import CommandFailed
from bakery.model.secret import Secret

SHOWN_OF_OUTPUT = 2000


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended. Of a long output the end is kept."""

    exit_status: int  # negative: the signal that ended it
    output: str
    errors: str

    @property
    def succeeded(self) -> bool:
        return self.exit_status == 0


class Transport(Protocol):
    """A machine, reached. A command that takes too long, or whose caller goes away, ends with all its children."""

    @property
    def python(self) -> str:
        """The interpreter there that runs our own small programs."""

    async def run(self, command: Command) -> Finished:
        """Raises CommandFailed when the command cannot start or does not end in time; any exit status is an answer."""

    def stream(self, command: Command) -> AsyncGenerator[bytes, None]:
        """The output and errors in order, as they come. Raises CommandFailed at the end unless it exits with 0."""

    async def put(self, path: PurePosixPath, content: bytes | Secret, *, mode: int = 0o644) -> None:
        """Writes the whole file or nothing: readers see the old content until the new one is safe on the disk."""

    async def get(self, path: PurePosixPath) -> bytes | None:
        """The file's content; None when there is none."""

    async def names_in(self, folder: PurePosixPath) -> tuple[str, ...]:
        """What the folder holds; nothing when there is no such folder."""

    async def remove(self, path: PurePosixPath) -> None:
        """Removes a file. Harmless when there is none."""


async def run_or_fail(transport: Transport, command: Command, *, hint: str = "") -> Finished:
    """For commands of which only success is an answer."""
    finished = await transport.run(command)
    if finished.succeeded:
        return finished
    said = (finished.errors.strip() or finished.output.strip())[-SHOWN_OF_OUTPUT:]
    raise CommandFailed(
        f"`{command}` {ending(finished.exit_status)}" + (f": {said}" if said else "."),
        exit_status=finished.exit_status,
        output=finished.output + finished.errors,
        hint=hint,
    )


def ending(exit_status: int) -> str:
    return f"was ended by signal {-exit_status}" if exit_status < 0 else f"ended with status {exit_status}"
