"""Changes and log bytes, from the database to everyone who watches.

One connection a process listens. What arrives is read once, encoded once, and handed to all subscribers in bounded
queues; one that is too slow loses its queue and reads from the database what it missed. Nothing is lost or doubled: a
subscriber's position is the id of the last event it knows of, and the offset in each log it follows.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import structlog
from psycopg import sql

from bakery.model.errors import Unavailable
from bakery.store import logs
from bakery.store.logs import LOG_CHANNEL, Piece
from bakery.store.store import Store
from bakery.store.transaction import CHANNEL

log = structlog.get_logger()

_QUEUE = 256  # items that a subscriber may lag behind before it is sent back to the database
_QUEUED_BYTES = 4 * 1024 * 1024  # likewise: one item may hold a megabyte of a log
_BATCH = 0.04  # log bytes that come within this are one item
_LONGEST_PAUSE = 5.0
_LOOK_UP = 1.0


@dataclass(frozen=True, slots=True)
class Changed:
    """Something about a topic is different; look again. `id` is the newest event of it."""

    topic: str
    id: int


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a subscriber knows everything. Written as an SSE event id: `e=120&17=4096`."""

    event: int
    logs: Mapping[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return "&".join([f"e={self.event}", *(f"{stream}={byte}" for stream, byte in self.logs.items())])

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        """None for anything that we did not write."""
        parts = dict(part.partition("=")[::2] for part in text.split("&"))
        numbers = {name: int(value) for name, value in parts.items() if _is_number(value)}
        event = numbers.pop("e", None)
        if event is None or len(numbers) + 1 != len(parts) or not all(_is_number(name) for name in numbers):
            return None
        return cls(event, {int(name): byte for name, byte in numbers.items()})


@dataclass(frozen=True, slots=True)
class Item:
    """What a subscriber gets: where it stands afterwards, what happened, and its encoding, made once for all."""

    what: Changed | Piece
    encoded: bytes


class Subscription:
    """One watcher. `async for item in subscription.items()`; `position` is where it stands after the last item."""

    def __init__(self, hub: "EventHub", topics: frozenset[str], streams: frozenset[int], position: Position) -> None:
        self._hub = hub
        self.topics = topics
        self.streams = streams
        self._event = position.event
        self._bytes = {stream: position.logs.get(stream, 0) for stream in streams}
        self._queue: asyncio.Queue[Item] = asyncio.Queue(_QUEUE)
        self.queued_bytes = 0
        self.is_behind = True

    @property
    def position(self) -> Position:
        return Position(self._event, self._bytes)

    def offer(self, item: Item) -> None:
        """Called by the hub; never waits."""
        if self.is_behind:
            return
        if self._queue.full() or self.queued_bytes + len(item.encoded) > _QUEUED_BYTES:
            self.fall_behind()
        else:
            self._put(item)

    def fall_behind(self) -> None:
        """What is queued is forgotten; the database has it."""
        self.is_behind = True
        while not self._queue.empty():
            self._take(self._queue.get_nowait())
        self._put(Item(Changed("", 0), b""))  # wakes a reader that waits

    def _put(self, item: Item) -> None:
        self._queue.put_nowait(item)
        self.queued_bytes += len(item.encoded)

    def _take(self, item: Item) -> Item:
        self.queued_bytes -= len(item.encoded)
        return item

    async def items(self) -> AsyncIterator[Item]:
        while True:
            while self.is_behind:
                self.is_behind = False  # first, so that what arrives while we read is queued
                async for item in self._missed():
                    yield item
            item = self._take(await self._queue.get())
            if self._hub.is_ending or self._advance(item.what):
                yield item

    def _advance(self, what: Changed | Piece) -> bool:
        """Takes the item into the position. False for what is known already, or comes after a gap."""
        if isinstance(what, Changed):
            is_new = what.id > self._event
            self._event = max(self._event, what.id)
            return is_new
        known = self._bytes[what.stream]
        if what.to_byte <= known:
            return False
        if what.from_byte != known:
            self.fall_behind()
            return False
        self._bytes[what.stream] = what.to_byte
        return True

    async def _missed(self) -> AsyncIterator[Item]:
        changes = await self._hub.changes_after(self._event, self.topics)
        for changed in changes:
            if changed is changes[-1]:  # who leaves in between has not seen them all
                self._event = changed.id
            yield self._hub.encode(changed)
        for stream in self.streams:
            while piece := await logs.read(self._hub.store, stream, self._bytes[stream]):
                self._bytes[stream] = piece.to_byte
                yield self._hub.encode(piece)


class EventHub:
    """The listener of a process."""

    def __init__(self, store: Store, encoder: Callable[[Changed | Piece], bytes]) -> None:
        self.store = store
        self._encoder = encoder
        self._subscriptions: set[Subscription] = set()
        self._event = 0
        self._sent: dict[int, int] = {}  # log bytes handed out, by stream
        self._grown: set[int] = set()
        self._has_grown = asyncio.Event()
        self.is_listening = asyncio.Event()
        self.is_ending = False

    @property
    def subscribers(self) -> int:
        return len(self._subscriptions)

    def is_followed(self, stream: int) -> bool:
        """By somebody whose connection is here."""
        return any(stream in subscription.streams for subscription in self._subscriptions)

    @property
    def position(self) -> int:
        """The newest event that was handed out: what is read from the database now is at least as new."""
        return self._event

    def encode(self, what: Changed | Piece) -> Item:
        return Item(what, self._encoder(what))

    async def newest_event(self) -> int:
        async with self.store.connection() as connection:
            row = await (await connection.execute("SELECT coalesce(max(id), 0) FROM events")).fetchone()
        return int(row[0]) if row else 0

    @contextlib.asynccontextmanager
    async def subscribe(
        self, topics: Iterable[str], streams: Iterable[int], after: Position | None
    ) -> AsyncIterator[Subscription]:
        """From a position on; without one: from now for changes, from the beginning for logs."""
        position = after or Position(await self.newest_event())
        subscription = Subscription(self, frozenset(topics), frozenset(streams), position)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            followed = {stream for other in self._subscriptions for stream in other.streams}
            for stream in subscription.streams - followed:
                self._sent.pop(stream, None)

    async def changes_after(self, event: int, topics: frozenset[str]) -> list[Changed]:
        """The newest event of each topic, in order. Every topic counts as changed when older events are forgotten, or
        when the position is of another life of the database, from before it was restored."""
        async with self.store.connection() as connection:
            cursor = await connection.execute(
                """
                WITH span AS (SELECT coalesce(min(id), 0) AS oldest, coalesce(max(id), 0) AS newest FROM events)
                SELECT topic, max(id) AS id FROM events WHERE id > %(event)s AND topic = ANY(%(topics)s) GROUP BY topic
                UNION ALL
                SELECT unnest(%(topics)s::text[]), newest FROM span
                WHERE oldest > %(event)s + 1 OR newest < %(event)s
                ORDER BY id
                """,
                {"event": event, "topics": list(topics)},
            )
            return [Changed(topic, number) for topic, number in await cursor.fetchall()]

    async def run(self) -> None:
        """Listens until cancelled; comes back by itself after the database was away."""
        pause = 0.1
        was_lost = False
        while not self.is_ending:
            try:
                async with asyncio.TaskGroup() as group:
                    handing_out = group.create_task(self._hand_out_logs())
                    await self._listen(again=was_lost)
                    handing_out.cancel()
            except* (psycopg.OperationalError, Unavailable, OSError) as errors:
                if not was_lost or self.is_listening.is_set():  # told once, however long it is away
                    log.warning("database_lost", error=str(errors.exceptions[0]))
                was_lost = True
            pause = 0.1 if self.is_listening.is_set() else min(pause * 2, _LONGEST_PAUSE)
            self.is_listening.clear()
            await asyncio.sleep(pause)

    def end(self) -> None:
        """Before the process ends: every subscriber gets one more item, empty, and may go."""
        self.is_ending = True
        for subscription in self._subscriptions:
            subscription.fall_behind()
        self._has_grown.set()

    async def _listen(self, *, again: bool) -> None:
        connection = await psycopg.AsyncConnection.connect(self.store.dsn, autocommit=True, connect_timeout=5)
        async with connection:
            for channel in (CHANNEL, LOG_CHANNEL):
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            # From here on nothing is missed. What is newer than this is told when its notice comes; what is not, the
            # subscribers read themselves. They do so after it is known: else what commits in between is in neither.
            self._event = await self.newest_event()
            for subscription in self._subscriptions:
                subscription.fall_behind()
            self.is_listening.set()
            if again:
                log.info("database_found")
            # Before Python 3.12 a cancellation is lost when a notice comes in the same moment: so it looks up at times.
            while not self.is_ending:
                async for notice in connection.notifies(timeout=_LOOK_UP):
                    await self._hear(notice)

    async def _hear(self, notice: psycopg.Notify) -> None:
        if notice.channel == CHANNEL:
            await self._hand_out_changes()
        else:
            self._grown.add(int(notice.payload.partition(":")[0]))
            self._has_grown.set()

    async def _hand_out_changes(self) -> None:
        """All that is new, whoever watches by now: it is read once."""
        async with self.store.connection() as connection:
            cursor = await connection.execute(
                "SELECT topic, max(id) AS id FROM events WHERE id > %s GROUP BY topic ORDER BY id", (self._event,)
            )
            changes = [Changed(topic, number) for topic, number in await cursor.fetchall()]
        self._event = max([self._event, *(changed.id for changed in changes)])
        for changed in changes:
            watchers = [one for one in self._subscriptions if changed.topic in one.topics]
            if watchers:
                item = self.encode(changed)
                for watcher in watchers:
                    watcher.offer(item)

    async def _hand_out_logs(self) -> None:
        while not self.is_ending:
            await self._has_grown.wait()
            self._has_grown.clear()
            grown, self._grown = self._grown, set()
            for stream in grown:
                await self._hand_out(stream)
            await asyncio.sleep(_BATCH)

    async def _hand_out(self, stream: int) -> None:
        watchers = [subscription for subscription in self._subscriptions if stream in subscription.streams]
        if not watchers:
            return
        if stream not in self._sent:  # the first bytes since somebody watches: start at the slowest of them
            self._sent[stream] = min(watcher.position.logs[stream] for watcher in watchers)
        while piece := await logs.read(self.store, stream, self._sent[stream]):
            self._sent[stream] = piece.to_byte
            item = self.encode(piece)
            for watcher in watchers:
                watcher.offer(item)


async def forget_events(store: Store, *, older_than: timedelta) -> None:
    """The newest always stays, so that a position can be told from one of another database."""
    async with store.connection() as connection:
        await connection.execute(
            "DELETE FROM events WHERE at < now() - %s AND id < (SELECT max(id) FROM events)", (older_than,)
        )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
