"""What running a command means on any machine: the time that it has, and what is kept of what it writes."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator

from bakery.commands.command import Command
from bakery.model.errors import CommandFailed, Unavailable
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.transport import ending

KEPT_OF_OUTPUT = 1024 * 1024
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


@contextlib.asynccontextmanager
async def in_time(command: Command) -> AsyncIterator[None]:
    """Raises CommandFailed when the block takes longer than the command may."""
    try:
        async with asyncio.timeout(command.timeout) as limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        message = f"`{command}` did not end within {command.timeout:g} s and was stopped."
        raise CommandFailed(message, exit_status=-signal.SIGKILL) from error


class Tail:
    """The end of what a command wrote."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def add(self, chunk: bytes) -> None:
        self._kept += chunk
        del self._kept[:-KEPT_OF_OUTPUT]

    def __str__(self) -> str:
        return self._kept.decode(errors="replace")


class Head:
    """The beginning of what a command wrote: what has no end would take all memory."""

    def __init__(self, at_most: int) -> None:
        self.kept = bytearray()
        self.is_too_large = False
        self._at_most = at_most

    def add(self, chunk: bytes) -> None:
        room = self._at_most - len(self.kept)
        self.kept += chunk[:room]
        self.is_too_large = self.is_too_large or len(chunk) > room


def did_not_start(command: Command, why: str) -> CommandFailed:
    return CommandFailed(f"`{command}` could not start: {why}.", exit_status=127)


def ended_badly(command: Command, exit_status: int) -> CommandFailed:
    return CommandFailed(f"`{command}` {ending(exit_status)}.", exit_status=exit_status)


def nothing_listens(port: Port) -> Unavailable:
    return Unavailable(f"Nothing answers on port {port} there.")


def as_bytes(content: bytes | Secret) -> bytes:
    return content if isinstance(content, bytes) else content.reveal().encode()


def as_text(value: str | Secret) -> str:
    return value if isinstance(value, str) else value.reveal()
