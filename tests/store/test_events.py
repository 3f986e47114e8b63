import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bakery.store import logs
from bakery.store.events import Changed, EventHub, Position, Subscription, forget_events
from bakery.store.logs import Piece
from bakery.store.store import Store
from tests.support.waiting import until


def encode(what: Changed | Piece) -> bytes:
    return what.topic.encode() if isinstance(what, Changed) else what.bytes


@contextlib.asynccontextmanager
async def running(hub: EventHub) -> AsyncIterator[None]:
    task = asyncio.create_task(hub.run())
    try:
        yield
    finally:
        hub.end()
        task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait({task})


@pytest.fixture
async def hub(store: Store) -> AsyncIterator[EventHub]:
    hub = EventHub(store, encode)
    async with running(hub):
        await hub.is_listening.wait()
        yield hub


async def publish(store: Store, *topics: str) -> None:
    async with store.transaction() as tx:
        tx.publish(*topics)


async def a_stream(store: Store) -> int:
    async with store.transaction() as tx:
        return await logs.open_stream(tx.connection)


async def take(subscription: Subscription, count: int) -> list[bytes]:
    taken = []
    async with asyncio.timeout(10):
        async for item in subscription.items():
            taken.append(item.encoded)
            if len(taken) == count:
                break
    return taken


async def take_bytes(subscription: Subscription, length: int) -> bytes:
    taken = b""
    async with asyncio.timeout(20):
        async for item in subscription.items():
            taken += item.encoded
            if len(taken) >= length:
                break
    return taken


async def test_a_watcher_hears_of_its_topics_only(store: Store, hub: EventHub) -> None:
    async with hub.subscribe({"apps", "app:shop"}, (), None) as subscription:
        await publish(store, "app:blog")
        await publish(store, "app:shop")
        await publish(store, "people", "apps")
        assert await take(subscription, 2) == [b"app:shop", b"apps"]


async def test_what_nobody_watches_is_read_once_too(store: Store, hub: EventHub) -> None:
    """A page that is opened now is newer than that, and looks at nothing again."""
    async with hub.subscribe({"apps"}, (), None):
        await publish(store, "app:blog")
        newest = await hub.newest_event()

        async def is_known() -> bool:
            return hub.position == newest

        await until(is_known, what="the hub knows of the change")


async def test_what_is_rolled_back_is_not_told(store: Store, hub: EventHub) -> None:
    async with hub.subscribe({"apps", "nodes"}, (), None) as subscription:
        with contextlib.suppress(RuntimeError):
            async with store.transaction() as tx:
                tx.publish("apps")
                raise RuntimeError
        await publish(store, "nodes")
        assert await take(subscription, 1) == [b"nodes"]


async def test_a_watcher_that_comes_back_hears_what_it_missed_once(store: Store, hub: EventHub) -> None:
    async with hub.subscribe({"apps", "nodes"}, (), None) as subscription:
        await publish(store, "apps")
        await take(subscription, 1)
        position = Position.parse(str(subscription.position))
    await publish(store, "apps")
    await publish(store, "nodes")
    await publish(store, "apps")
    async with hub.subscribe({"apps", "nodes"}, (), position) as again:
        assert await take(again, 2) == [b"nodes", b"apps"]


async def test_after_a_long_absence_everything_counts_as_changed(store: Store, hub: EventHub) -> None:
    await publish(store, "apps")
    await publish(store, "apps")
    async with store.connection() as connection:
        await connection.execute("UPDATE events SET at = now() - interval '1 day'")
    await publish(store, "people")
    await forget_events(store, older_than=timedelta(hours=6))
    async with hub.subscribe({"apps", "nodes"}, (), Position(1)) as again:
        assert sorted(await take(again, 2)) == [b"apps", b"nodes"]


async def test_a_log_arrives_whole_from_the_beginning_and_while_it_grows(store: Store, hub: EventHub) -> None:
    stream = await a_stream(store)
    await logs.append(store, stream, b"before\n")
    async with hub.subscribe((), {stream}, None) as subscription:
        reader = asyncio.create_task(take_bytes(subscription, 7 + 50 * 8))
        for number in range(50):
            await logs.append(store, stream, b"line %02d\n" % number)
        expected = b"before\n" + b"".join(b"line %02d\n" % number for number in range(50))
        assert await reader == expected


async def test_a_log_goes_on_at_the_offset_of_the_last_event_id(store: Store, hub: EventHub) -> None:
    stream = await a_stream(store)
    await logs.append(store, stream, b"0123456789")
    async with hub.subscribe((), {stream}, Position(0, {stream: 4})) as subscription:
        assert await take_bytes(subscription, 6) == b"456789"
        assert str(subscription.position) == f"e=0&{stream}=10"


async def test_a_watcher_that_is_too_slow_loses_nothing_and_holds_nobody_up(store: Store, hub: EventHub) -> None:
    stream = await a_stream(store)
    total = b"".join(b"%07d\n" % number for number in range(3000))
    async with hub.subscribe((), {stream}, None) as slow, hub.subscribe((), {stream}, None) as quick:
        first = slow.items()
        await logs.append(store, stream, total[:8])
        assert (await anext(first)).encoded == total[:8]  # then it reads nothing more for a while
        reader = asyncio.create_task(take_bytes(quick, len(total)))
        for start in range(8, len(total), 8 * 5):
            await logs.append(store, stream, total[start : start + 8 * 5])
        assert await reader == total
        rest = b""
        async with asyncio.timeout(10):
            while len(rest) < len(total) - 8:
                rest += (await anext(first)).encoded
        assert rest == total[8:]


async def test_a_watcher_that_reads_nothing_holds_little_of_a_flood(store: Store, hub: EventHub) -> None:
    stream = await a_stream(store)
    flood = 12 * 1024 * 1024
    async with hub.subscribe((), {stream}, None) as slow, hub.subscribe((), {stream}, None) as quick:
        first = slow.items()
        await logs.append(store, stream, b"x")
        await anext(first)
        reader = asyncio.create_task(take_bytes(quick, flood + 1))
        for _ in range(12):
            await logs.append(store, stream, bytes(1024 * 1024))
        assert len(await reader) == flood + 1
        assert slow.queued_bytes <= 4 * 1024 * 1024
        rest = 0
        async with asyncio.timeout(10):
            while rest < flood:
                rest += len((await anext(first)).encoded)
        assert rest == flood


async def test_the_listener_comes_back_after_its_connection_was_cut(store: Store, hub: EventHub) -> None:
    async with hub.subscribe({"apps"}, (), None) as subscription:
        await publish(store, "apps")
        await take(subscription, 1)
        async with store.connection() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            )
        await publish(store, "apps")
        assert await take(subscription, 1) == [b"apps"]


class CommitInBetween(EventHub):
    """When it asks for the newest event, all subscribers have read what they missed, and one more change commits."""

    reading = 0

    async def changes_after(self, event: int, topics: frozenset[str]) -> list[Changed]:
        self.reading += 1
        changes = await super().changes_after(event, topics)
        self.reading -= 1
        return changes

    async def newest_event(self) -> int:
        if self.subscribers and not self.is_listening.is_set():
            while self.reading or any(subscription.is_behind for subscription in self._subscriptions):
                await asyncio.sleep(0)  # it is their turn
            await publish(self.store, "apps")
        return await super().newest_event()


async def test_a_change_that_commits_while_the_listener_comes_back_is_told(store: Store) -> None:
    hub = CommitInBetween(store, encode)
    async with hub.subscribe({"apps"}, (), None) as subscription:
        reader = asyncio.create_task(take(subscription, 1))
        async with running(hub):
            assert await reader == [b"apps"]


@pytest.mark.parametrize("text", ["", "e", "e=", "e=x", "1=2", "e=1&a=2", "e=1&&", "e=-1", "e=" + "9" * 40, "e=1&2=٣"])
def test_a_position_that_we_did_not_write_is_none(text: str) -> None:
    assert Position.parse(text) is None


async def test_audit_rows_and_events_are_in_the_order_of_their_commits(store: Store) -> None:
    """A slow transaction that published early must not get an id below one that readers have already passed."""
    early = asyncio.Event()
    late = asyncio.Event()

    async def slow() -> None:
        async with store.transaction() as tx:
            tx.publish("slow")
            early.set()
            await late.wait()

    task = asyncio.create_task(slow())
    await early.wait()
    await publish(store, "quick")
    late.set()
    await task
    async with store.connection() as connection:
        rows = await (await connection.execute("SELECT topic FROM events ORDER BY id")).fetchall()
    assert rows == [("quick",), ("slow",)]


async def test_a_position_from_before_a_restore_counts_everything_as_changed(store: Store, hub: EventHub) -> None:
    await publish(store, "apps")
    async with hub.subscribe({"apps", "nodes"}, (), Position(1_000_000)) as again:
        assert sorted(await take(again, 2)) == [b"apps", b"nodes"]
        await publish(store, "nodes")
        assert await take(again, 1) == [b"nodes"]
