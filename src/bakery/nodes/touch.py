"""Keeping in touch with the nodes that this process looks after: a kept connection each, with the probe on it.

One miss is nothing; after several a node is unreachable, with the cause. Many nodes that come back at once are met one
after the other: pauses are random, and only so many handshakes are made at a time.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from uuid import UUID, uuid4

import structlog

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BakeryError, NotFound, Unavailable
from bakery.model.nodes import NodeState
from bakery.nodes import tasks
from bakery.nodes.folders import ROOTS_FOLDER
from bakery.nodes.links import Links
from bakery.nodes.login import Cause, Handshake, Unreachable, fingerprint
from bakery.nodes.vitals import watch
from bakery.store import leases
from bakery.store.metrics import MetricsWriter
from bakery.store.queue import Queue
from bakery.store.store import Store

log = structlog.get_logger()
chance = SystemRandom().random

INTERVAL = 10.0  # seconds between two lines of the probe
MISSES_ALLOWED = 2
_HANDSHAKES_AT_ONCE = 50
_LOOK_EVERY = 4.0
_LONGEST_PAUSE = 60.0
_PAUSE_OF_NEW = 5.0
_PAUSE_WITHOUT_PROBE = 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A node to keep in touch with. Where another `way` leads, we begin anew."""

    id: int
    slug: str
    way: tuple[object, ...] = ()


class Touch:
    """`run` looks after whatever nodes it gets the lease of, until it is cancelled. `beside` is done with each of them
    for as long as it answers; it minds its own mishaps."""

    def __init__(
        self,
        store: Store,
        links: Links,
        queue: Queue,
        metrics: MetricsWriter,
        *,
        now: Callable[[], datetime],
        beside: Callable[[int], Coroutine[None, None, None]] | None = None,
    ) -> None:
        self._store = store
        self._links = links
        self._queue = queue
        self._metrics = metrics
        self._now = now
        self._beside = beside
        self._holder = uuid4()
        self._handshakes = asyncio.Semaphore(_HANDSHAKES_AT_ONCE)
        self._tasks: dict[Kept, asyncio.Task[None]] = {}

    @property
    def holder(self) -> UUID:
        return self._holder

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._flush_for_ever())
            try:
                while True:
                    with contextlib.suppress(Unavailable):  # connections are kept while the database is away
                        await self._look(group)
                    await asyncio.sleep(_LOOK_EVERY)
            finally:
                self._tasks.clear()  # they end with the group
                with contextlib.suppress(Unavailable):
                    await leases.give_up(self._store, self._holder)

    async def _look(self, group: asyncio.TaskGroup) -> None:
        wanted = await self._nodes()
        held = await leases.take_all(self._store, [f"node:{node.slug}" for node in wanted], self._holder)
        ours = {node for node in wanted if f"node:{node.slug}" in held}
        for node in set(self._tasks) - ours:
            self._tasks.pop(node).cancel()
        for node in ours:
            task = self._tasks.get(node)
            if task is None or task.done():
                self._tasks[node] = group.create_task(self._keep(node, group))

    async def _nodes(self) -> list[Kept]:
        async with self._store.connection() as connection:
            cursor = await connection.execute(
                "SELECT id, slug, host, port, login, bastion FROM nodes WHERE kind = 'ssh' ORDER BY id"
            )
            return [Kept(node_id, slug, tuple(way)) for node_id, slug, *way in await cursor.fetchall()]

    async def _keep(self, node: Kept, group: asyncio.TaskGroup) -> None:
        """Ends when the node is gone, or another process has it; else never."""
        misses = 0
        while True:
            pause = 0.0
            try:
                async with self._handshakes:
                    state = (await self._links.address(node.id)).state
                    transport = await self._links.ssh(node.id)
                    shake = await transport.connect()
                await note_reached(self._store, self._queue, node, shake)
                misses = 0
                if state is NodeState.NEW:
                    continue  # its host key is pinned now: from here on with that, and no other
                with self._doing_beside(node, group):
                    async for vitals in watch(transport, interval=INTERVAL, folder=ROOTS_FOLDER):
                        self._metrics.add(node.id, vitals, self._now())
                        self._metrics.traffic.add(node.id, vitals.traffic, self._now())
            except NotFound:
                return
            except Unreachable as error:
                misses += 1
                pause = await self._missed(node, error, misses)
            except Unavailable:
                pause = 1.0
            except BakeryError as error:  # of this node, and no reason to leave the others
                log.warning("probe_failed", node=node.slug, error=error.message)
                pause = _PAUSE_WITHOUT_PROBE
            await asyncio.sleep(pause)

    @contextlib.contextmanager
    def _doing_beside(self, node: Kept, group: asyncio.TaskGroup) -> Iterator[None]:
        task = group.create_task(self._beside(node.id)) if self._beside else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()

    async def _missed(self, node: Kept, error: Unreachable, misses: int) -> float:
        """How long to wait before the next attempt."""
        with contextlib.suppress(Unavailable):
            state = (await self._links.address(node.id)).state
            await note_trouble(self._store, node, error, is_certain=misses > MISSES_ALLOWED)
            if state is NodeState.NEW:
                return _PAUSE_OF_NEW
        return pause_after(misses, chance())

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL / 2)
            with contextlib.suppress(Unavailable):
                await self._metrics.flush()


def pause_after(misses: int, chance: float) -> float:
    """Seconds. Longer with each miss, and never the same for two nodes; `chance` is between 0 and 1."""
    return 0.2 + chance * min(_LONGEST_PAUSE, 2.0 ** min(misses, 10))


async def note_reached(store: Store, queue: Queue, node: Kept, shake: Handshake) -> None:
    """The first handshake pins the host key, ends the installer's address, and has everything verified. A key that
    could not be changed meanwhile is changed now."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            "SELECT state, host_key, next_key_public IS NOT NULL FROM nodes WHERE id = %s FOR UPDATE", (node.id,)
        )
        row = await cursor.fetchone()
        if row is None:
            return
        before, pinned, is_rotating = NodeState(row[0]), row[1], row[2]
        await tx.connection.execute(
            """
            UPDATE nodes SET state = 'online', trouble = '', trouble_hint = '', other_host_key = NULL,
                other_is_bastions = false, bastion_host_key = coalesce(bastion_host_key, %(bastion)s),
                state_since = CASE WHEN state = 'online' THEN state_since ELSE now() END,
                host_key = coalesce(host_key, %(key)s), handshake_at = now(), handshake_seconds = %(seconds)s,
                bootstrap_hash = NULL, bootstrap_until = NULL,
                check_asked_at = CASE WHEN host_key IS NULL THEN clock_timestamp() ELSE check_asked_at END
            WHERE id = %(id)s
            """,
            {"id": node.id, "key": shake.host_key, "bastion": shake.bastion_host_key, "seconds": shake.seconds},
        )
        tx.publish(f"node:{node.slug}")
        if before is not NodeState.ONLINE:
            tx.publish("nodes")
        if is_rotating:  # it was away when its new key was to come
            await queue.enqueue(tx, tasks.ROTATE_KEY, node.id, lock=tasks.node_lock(node.id))
        if pinned is None:
            await queue.enqueue(tx, tasks.VERIFY_NODE, node.id, lock=tasks.node_lock(node.id))
            tx.record(_entry(node, "node.first_reached", {"host_key": fingerprint(shake.host_key)}))


async def note_trouble(store: Store, node: Kept, error: Unreachable, *, is_certain: bool) -> None:
    """A changed host key blocks the node at once; everything else must be `is_certain` before it counts."""
    is_blocked = error.cause is Cause.HOST_KEY
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            "SELECT state, trouble, other_host_key FROM nodes WHERE id = %s FOR UPDATE", (node.id,)
        )
        row = await cursor.fetchone()
        if row is None:
            return
        before, trouble, other = NodeState(row[0]), row[1], row[2]
        after = _state_after(before, is_blocked=is_blocked, is_certain=is_certain)
        if (after, error.message, error.seen_host_key or other) == (before, trouble, other):
            return
        if after is NodeState.ONLINE:
            return
        await tx.connection.execute(
            """
            UPDATE nodes SET state = %(state)s, trouble = %(trouble)s, trouble_hint = %(hint)s,
                state_since = CASE WHEN state = %(state)s THEN state_since ELSE now() END,
                other_host_key = coalesce(%(other)s, other_host_key),
                other_is_bastions = CASE WHEN %(other)s::text IS NULL THEN other_is_bastions ELSE %(bastions)s END
            WHERE id = %(id)s
            """,
            {
                "id": node.id,
                "state": after,
                "trouble": error.message,
                "hint": error.hint,
                "other": error.seen_host_key if is_blocked else None,
                "bastions": error.is_bastion,
            },
        )
        tx.publish("nodes", f"node:{node.slug}")
        if after is not before:
            told = {"cause": error.cause, "said": error.message}
            tx.record(_entry(node, "node.blocked" if is_blocked else "node.lost", told))


def _state_after(before: NodeState, *, is_blocked: bool, is_certain: bool) -> NodeState:
    if is_blocked:
        return NodeState.BLOCKED
    if before is NodeState.ONLINE and is_certain:
        return NodeState.UNREACHABLE
    return before


def _entry(node: Kept, action: str, after: Mapping[str, object]) -> AuditEntry:
    return AuditEntry(Actor.system(), action, "node", node.slug, node.slug, after=after)
