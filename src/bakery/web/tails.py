"""What a page shows of an app's log: a log stream that is written for as long as somebody has it open."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg

from bakery.delivery.app_logs import AppLog, Wanted
from bakery.model.errors import BakeryError
from bakery.nodes.follow import Waiting
from bakery.store import logs
from bakery.store.ending import end_tasks
from bakery.store.events import EventHub
from bakery.store.store import Store

MOST_BYTES = 32 * 1024 * 1024  # of one page's log
MOST_TAILS = 100
MOST_OF_APP = 20  # that are kept; of more the oldest go
ARE_KEPT = timedelta(hours=6)  # for pages that are read after they were closed
_FIRST_LOOK = 0.4  # seconds that a page waits for the lines that are there already
_BATCH = 0.2
_LOOK_AGAIN = 30.0  # a page that was just made is not connected yet
_TOO_LONG = b"[Bakery: this page holds no more. Open it again to go on.]\n"


@dataclass(slots=True)
class _Tail:
    stream: int
    task: asyncio.Task[None]


@dataclass(slots=True)
class Tails:
    """One for each choice of an app's programs, whoever looks."""

    store: Store
    hub: EventHub
    _tails: dict[tuple[int, Wanted], _Tail] = field(default_factory=dict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, log: AppLog) -> int:
        """The stream, with what was written until now. When there are too many, the oldest ends."""
        key = (log.environment_id, log.wanted)
        async with self._opening:
            known = self._tails.get(key)
            if known is not None and not known.task.done():
                return known.stream
            self._tails = {one: tail for one, tail in self._tails.items() if not tail.task.done()}
            while len(self._tails) >= MOST_TAILS:
                await end_tasks(self._tails.pop(next(iter(self._tails))).task)
            stream = await self._new_stream(log.app_id)
            task = asyncio.create_task(self._write(log, stream))
            self._tails[key] = _Tail(stream, task)
        await asyncio.wait({task}, timeout=_FIRST_LOOK)
        return stream

    async def close(self) -> None:
        await end_tasks(*(tail.task for tail in self._tails.values()))

    async def _new_stream(self, app_id: int) -> int:
        async with self.store.transaction() as tx:
            stream = await logs.open_stream(tx.connection)
            await tx.connection.execute("INSERT INTO log_tails (stream_id, app_id) VALUES (%s, %s)", (stream, app_id))
            await tx.connection.execute(
                """
                DELETE FROM log_streams WHERE id IN (
                    SELECT stream_id FROM log_tails WHERE app_id = %s ORDER BY stream_id DESC OFFSET %s)
                """,
                (app_id, MOST_OF_APP),
            )
        return stream

    async def _write(self, log: AppLog, stream: int) -> None:
        """A database or a node that is away ends it, or an app that goes: whoever looks again begins anew."""
        try:
            with contextlib.suppress(BakeryError, psycopg.OperationalError, LookupError):
                await self._copy(log, stream)
        finally:
            with contextlib.suppress(BakeryError, psycopg.Error):
                async with self.store.transaction() as tx:
                    await logs.close_stream(tx.connection, stream)

    async def _copy(self, log: AppLog, stream: int) -> None:
        """What is not written in time waits on its node."""
        waiting, following = Waiting(logs.LARGEST_CHUNK), log.follow()
        reading = asyncio.create_task(waiting.fill(following))
        written, clock = 0, asyncio.get_running_loop().time
        seen = clock()
        try:
            while not reading.done() and written < MOST_BYTES and clock() - seen < _LOOK_AGAIN:
                await asyncio.sleep(_BATCH)
                if waiting.has_some:
                    piece = await waiting.take()
                    await logs.append(self.store, stream, piece)
                    written += len(piece)
                if self.hub.is_followed(stream):
                    seen = clock()
            if written >= MOST_BYTES:
                await logs.append(self.store, stream, _TOO_LONG)
        finally:
            await end_tasks(reading)
            await following.aclose()


async def forget_tails(store: Store) -> None:
    """Their streams, when nobody reads them any more."""
    async with store.connection() as connection:
        await connection.execute(
            "DELETE FROM log_streams WHERE id IN (SELECT stream_id FROM log_tails WHERE began_at < now() - %s)",
            (ARE_KEPT,),
        )
