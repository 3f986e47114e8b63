"""Which process looks after what, when several share one database."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from bakery.model.errors import Unavailable
from bakery.store.store import Store

TERM = timedelta(seconds=20)  # with a renewal every few seconds, what a dead process held is free within 30 s
_RENEW_EVERY = 5.0
_TRY_EVERY = 5.0  # to hold what another process held


async def take(store: Store, name: str, holder: UUID) -> bool:
    """Takes a free lease, or renews our own. False: another process has it."""
    async with store.connection() as connection:
        row = await connection.execute(
            """
            INSERT INTO leases (name, holder, until) VALUES (%(name)s, %(holder)s, now() + %(term)s)
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
            WHERE leases.holder = excluded.holder OR leases.until < now()
            RETURNING true
            """,
            {"name": name, "holder": holder, "term": TERM},
        )
        return await row.fetchone() is not None


async def take_all(store: Store, names: Sequence[str], holder: UUID) -> set[str]:
    """Likewise, many in one statement. Returns those that are ours now."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            INSERT INTO leases (name, holder, until)
            SELECT name, %(holder)s, now() + %(term)s FROM unnest(%(names)s::text[]) AS name ORDER BY name
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
            WHERE leases.holder = excluded.holder OR leases.until < now()
            RETURNING name
            """,
            {"names": list(names), "holder": holder, "term": TERM},
        )
        return {name for (name,) in await cursor.fetchall()}


async def while_held(
    store: Store,
    name: str,
    holder: UUID,
    work: Callable[[], Coroutine[None, None, None]],
    *,
    renew_every: float = _RENEW_EVERY,
) -> None:
    """Does the work if the lease is free, and no longer than it is ours: it is renewed beside, whatever takes long."""
    if not await take(store, name, holder):
        return
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work())
        while not task.done() and await take(store, name, holder):
            await asyncio.wait({task}, timeout=renew_every)
        task.cancel()


async def whenever_held(store: Store, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Does the work in one process at a time, for as long as there is one: another takes over where one ends."""
    holder = uuid4()
    try:
        while True:
            await while_held(store, name, holder, work)
            await asyncio.sleep(_TRY_EVERY)
    finally:
        with contextlib.suppress(Unavailable):
            await give_up(store, holder)


async def give_up(store: Store, holder: UUID) -> None:
    """At a clean end: others need not wait."""
    async with store.connection() as connection:
        await connection.execute("DELETE FROM leases WHERE holder = %s", (holder,))


async def free_all(store: Store) -> None:
    """When we know that no other process works on this database: what a dead one held is free at once."""
    async with store.connection() as connection:
        await connection.execute("DELETE FROM leases")
