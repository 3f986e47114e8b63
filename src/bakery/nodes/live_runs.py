"""Commands on a node that somebody watches, through its helper: a conversation, which ends with whoever holds it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from bakery.commands.command import Command
from bakery.model.container import ContainerSpec
from bakery.model.errors import NodeUnreachable, NotUnderstood, TooMany
from bakery.nodes.containers import described
from bakery.nodes.helper_calls import Helper, refusal, understood
from bakery.nodes.homes import Place
from bakery.nodes.jobs import JobKey, JobLimits, JobSpec, described_job
from bakery.nodes.transport import Running, Transport

LARGEST_INPUT = 64 * 1024
_HEADER = 5
_MOST_WAITING = 16  # times that it is told something
_LARGEST_FRAME = 1024 * 1024
_OUTPUT, _ERRORS, _EXIT = b"o", b"e", b"x"
_INPUT, _END, _WINDOW = b"i", b"e", b"w"


@dataclass(frozen=True, slots=True)
class Window:
    """How large somebody's terminal is, in characters."""

    columns: int
    rows: int

    @property
    def told(self) -> list[int]:
        return [self.columns, self.rows]


class Said(StrEnum):
    OUTPUT = "output"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class Written:
    """By the program. With a terminal all of it is output."""

    where: Said
    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """Negative: the signal that ended it."""

    exit_status: int
    reason: str


class Conversation:
    """With a command that runs: what is told to it, and what it says until it has ended."""

    def __init__(self, said: Command, running: Running) -> None:
        self._said = said
        self._running = running
        self._telling = asyncio.Lock()
        self._waiting = 0

    async def write(self, data: bytes) -> None:
        for at in range(0, len(data), LARGEST_INPUT):
            await self._tell(_INPUT, data[at : at + LARGEST_INPUT])

    async def end_input(self) -> None:
        await self._tell(_END, b"")

    async def resize(self, window: Window) -> None:
        await self._tell(_WINDOW, msgspec.json.encode(window.told))

    async def hear(self) -> AsyncGenerator[Written | Ended, None]:
        """Its end comes last. Raises CommandFailed when the node refuses it, NodeUnreachable when the way breaks."""
        arrived = bytearray()
        async with contextlib.aclosing(self._running.output()) as output:
            async for chunk in output:
                arrived += chunk
                while (frame := _take_frame(arrived)) is not None:
                    yield frame
                    if isinstance(frame, Ended):
                        return
        finished = await self._running.end()
        if finished.exit_status > 0:
            raise refusal(self._said, finished)
        raise NodeUnreachable("The connection ended in the middle of a command.")

    async def _tell(self, kind: bytes, what: bytes) -> None:
        """In the order in which it is told. What waits for a command that does not read is held here."""
        if self._waiting >= _MOST_WAITING:
            raise TooMany("The command does not read what it is told.", retry_after=1, hint="Tell it less at once.")
        self._waiting += 1
        try:
            async with self._telling:
                await self._running.send(kind + len(what).to_bytes(4, "big") + what)
        finally:
            self._waiting -= 1


class LiveRuns:
    def __init__(self, transport: Transport, helper: Helper) -> None:
        self._transport = transport
        self._helper = helper

    def program(self, spec: JobSpec, window: Window | None) -> contextlib.AbstractAsyncContextManager[Conversation]:
        """Leaving the block ends it with all that came of it."""
        limits = spec.limits
        words = (spec.key, str(limits.memory_bytes or 0), str(limits.cpu_percent or 0))
        told = {"job": described_job(spec), "terminal": window and window.told}
        return self._talk(self._helper.call("run-program", *words, told=told))

    def container(
        self, key: JobKey, place: Place, spec: ContainerSpec, limits: JobLimits, window: Window | None
    ) -> contextlib.AbstractAsyncContextManager[Conversation]:
        """Likewise, and the container is gone then."""
        told = {
            "app": place.app,
            "environment": place.environment,
            "container": described(spec),
            "seconds": limits.seconds,
            "terminal": window and window.told,
        }
        return self._talk(self._helper.call("run-container", key, told=told))

    @contextlib.asynccontextmanager
    async def _talk(self, said: Command) -> AsyncIterator[Conversation]:
        async with self._transport.open(said) as running:
            yield Conversation(said, running)


class _End(msgspec.Struct, forbid_unknown_fields=True):
    exit_status: Annotated[int, Meta(ge=-64, le=255)]
    reason: Annotated[str, Meta(max_length=1000, pattern=r"\A[^\x00]*\Z")]


def _take_frame(arrived: bytearray) -> Written | Ended | None:
    """The first one, if it is whole."""
    if len(arrived) < _HEADER:
        return None
    kind, size = bytes(arrived[:1]), int.from_bytes(arrived[1:_HEADER], "big")
    if kind not in {_OUTPUT, _ERRORS, _EXIT} or size > _LARGEST_FRAME:
        raise NotUnderstood("The node told of its command in words that Bakery does not understand.")
    if len(arrived) < _HEADER + size:
        return None
    told = bytes(arrived[_HEADER : _HEADER + size])
    del arrived[: _HEADER + size]
    if kind == _EXIT:
        end = understood(told, _End)
        return Ended(end.exit_status, end.reason)
    return Written(Said.OUTPUT if kind == _OUTPUT else Said.ERRORS, told)
