"""What reaches a machine: a few verbs, the same for this machine and for one far away."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from bakery.commands.command import Command
from bakery.model.errors import CommandFailed
from bakery.model.names import Port
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


class Running(Protocol):
    """A program on a machine, for as long as the block that opened it: leaving the block ends it."""

    def output(self) -> AsyncGenerator[bytes, None]:
        """What it writes to its standard output, as it comes, until it closes it. Read once."""

    async def send(self, data: bytes) -> None:
        """To its standard input, after what the command itself brings there."""

    async def end(self) -> Finished:
        """Waits until it ends. `output` of the result is empty; `errors` is the end of what it complained of."""


class Transport(Protocol):
    """A machine, reached. A command that takes too long, or whose caller goes away, ends with all its children."""

    @property
    def python(self) -> str:
        """The interpreter there that runs our own small programs."""

    async def run(self, command: Command) -> Finished:
        """Raises CommandFailed when the command cannot start or does not end in time; any exit status is an answer."""

    def stream(self, command: Command) -> AsyncGenerator[bytes, None]:
        """The output and errors in order, as they come. Raises CommandFailed at the end unless it exits with 0."""

    def open(self, command: Command) -> AbstractAsyncContextManager[Running]:
        """For a conversation, or for output that is not mixed with errors. The command's own time limit is not kept."""

    def tunnel(self, port: Port) -> AbstractAsyncContextManager[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to what listens on 127.0.0.1 there."""

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
