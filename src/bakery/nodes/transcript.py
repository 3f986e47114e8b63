"""Every command that is run on a node, written down: what, when, how long, how it ended, and what caused it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from bakery.commands.command import Command
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, CommandFailed, Unavailable
from bakery.model.names import Port
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.nodes.transport import Finished, Running, Transport
from bakery.store.queue import request_id
from bakery.store.rows import Page, typed
from bakery.store.store import Store

PAGE = 50
_KEPT_OF_COMMAND = 2000
_KEPT_OF_OUTPUT = 2000
_MOST_WAITING = 10_000
_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """One command. A command's text shows dots for secrets, and what it read from its input is not part of it."""

    node_id: int
    at: datetime
    seconds: float
    command: str
    exit_status: int | None
    output: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Run:
    """A line of a transcript, as it is shown."""

    id: int
    at: datetime
    seconds: float
    command: str
    exit_status: int | None
    output: str
    request_id: str


class Transcript:
    """Lines on their way to the database, in batches. A database that is away delays them; a flood drops the oldest."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._waiting: list[Line] = []
        self._has_some = asyncio.Event()

    def add(self, node_id: int, command: str, *, began: float, exit_status: int | None, output: str = "") -> None:
        seconds = time.monotonic() - began
        self._waiting.append(
            Line(
                node_id,
                self._now() - timedelta(seconds=seconds),
                seconds,
                _kept(command, _KEPT_OF_COMMAND),
                exit_status,
                _kept(output[-_KEPT_OF_OUTPUT:], _KEPT_OF_OUTPUT),
                request_id(),
            )
        )
        del self._waiting[:-_MOST_WAITING]
        self._has_some.set()

    async def run(self) -> None:
        while True:
            await self._has_some.wait()
            await asyncio.sleep(_PAUSE)
            self._has_some.clear()
            try:
                await self.flush()
            except Unavailable:
                self._has_some.set()

    async def flush(self) -> None:
        """A node that was removed meanwhile takes its lines with it."""
        lines = self._waiting[:]
        if not lines:
            return
        async with self._store.connection() as connection, connection.transaction():
            cursor = await connection.execute("SELECT id FROM nodes FOR KEY SHARE")
            known = {node for (node,) in await cursor.fetchall()}
            async with connection.cursor() as writer:
                await writer.executemany(
                    """
                    INSERT INTO transcripts (node_id, at, seconds, command, exit_status, output, request_id)
                    VALUES (%s, %s, %s, %s, %s, %s, %s)
                    """,
                    [
                        (
                            line.node_id,
                            line.at,
                            line.seconds,
                            line.command,
                            line.exit_status,
                            line.output,
                            line.request_id,
                        )
                        for line in lines
                        if line.node_id in known
                    ],
                )
        sent = set(map(id, lines))
        self._waiting = [line for line in self._waiting if id(line) not in sent]


class RecordingTransport:
    """A transport that writes down what passes through it."""

    def __init__(self, inner: Transport, node_id: int, transcript: Transcript) -> None:
        self._inner = inner
        self._node_id = node_id
        self._transcript = transcript

    @property
    def python(self) -> str:
        return self._inner.python

    async def run(self, command: Command) -> Finished:
        if command.is_routine:
            return await self._inner.run(command)
        async with self._noted(str(command)) as told:
            finished = await self._inner.run(command)
            told(finished.exit_status, ("" if command.is_private else finished.output) + finished.errors)
            return finished

    async def stream(self, command: Command) -> AsyncGenerator[bytes, None]:
        async with self._noted(str(command)) as told, contextlib.aclosing(self._inner.stream(command)) as arriving:
            async for chunk in arriving:
                yield chunk
            told(0, "")

    @contextlib.asynccontextmanager
    async def open(self, command: Command) -> AsyncIterator[Running]:
        if command.is_routine:
            async with self._inner.open(command) as running:
                yield running
            return
        async with self._noted(str(command)) as told, self._inner.open(command) as running:
            yield running
            told(None, "")

    def tunnel(self, port: Port) -> AbstractAsyncContextManager[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        return self._inner.tunnel(port)

    async def put(self, path: PurePosixPath, content: bytes | Secret, *, mode: int = 0o644) -> None:
        async with self._noted(f"(write {path})") as told:
            await self._inner.put(path, content, mode=mode)
            told(0, "")

    async def get(self, path: PurePosixPath) -> bytes | None:
        async with self._noted(f"(read {path})") as told:
            content = await self._inner.get(path)
            told(0, "")
            return content

    async def names_in(self, folder: PurePosixPath) -> tuple[str, ...]:
        async with self._noted(f"(list {folder})") as told:
            names = await self._inner.names_in(folder)
            told(0, "")
            return names

    async def remove(self, path: PurePosixPath) -> None:
        async with self._noted(f"(remove {path})") as told:
            await self._inner.remove(path)
            told(0, "")

    @contextlib.asynccontextmanager
    async def _noted(self, command: str) -> AsyncIterator[Callable[[int | None, str], None]]:
        """What does not come to its end is noted with the reason."""
        began = time.monotonic()
        ended: list[tuple[int | None, str]] = []
        try:
            yield lambda exit_status, output: ended.append((exit_status, output))
        except BakeryError as error:
            status = error.exit_status if isinstance(error, CommandFailed) else None
            ended = [(status, error.message)]
            raise
        finally:
            exit_status, output = ended[0] if ended else (None, "It was given up.")
            self._transcript.add(self._node_id, command, began=began, exit_status=exit_status, output=output)


async def read_transcript(
    store: Store, node_id: int, *, before: int | None = None, request: str = "", actor: Actor
) -> Page[Run]:
    """The newest first."""
    actor.require(Permission.MANAGE_NODES)
    async with store.connection() as connection, connection.cursor(row_factory=typed(Run)) as cursor:
        await cursor.execute(
            """
            SELECT id, at, seconds, command, exit_status, output, request_id FROM transcripts
            WHERE node_id = %(node)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
            AND (%(request)s = '' OR request_id = %(request)s)
            ORDER BY id DESC LIMIT %(size)s
            """,
            {"node": node_id, "before": before, "request": request, "size": PAGE + 1},
        )
        return Page.cut(await cursor.fetchall(), PAGE, lambda run: str(run.id))


async def forget_transcripts(store: Store, *, older_than: timedelta) -> None:
    async with store.connection() as connection:
        await connection.execute("DELETE FROM transcripts WHERE at < now() - %s", (older_than,))


def _kept(text: str, most: int) -> str:
    """PostgreSQL's text holds no NUL."""
    return text.replace("\0", "␀")[:most]
