import asyncio
from uuid import uuid4

from bakery.store import leases
from bakery.store.store import Store
from tests.support.waiting import until

NAME = "node:local"


async def test_a_lease_is_renewed_beside_work_that_takes_long(store: Store) -> None:
    async def work() -> None:
        async with store.connection() as connection:
            await connection.execute("UPDATE leases SET until = now() + interval '1 second'")
        await wait_until_it_holds_for_longer(store)
        assert not await leases.take(store, NAME, uuid4())

    async with asyncio.timeout(20):
        await leases.while_held(store, NAME, uuid4(), work, renew_every=0.05)


async def wait_until_it_holds_for_longer(store: Store) -> None:
    async def holds() -> bool:
        async with store.connection() as connection:
            cursor = await connection.execute("SELECT FROM leases WHERE until > now() + interval '10 seconds'")
            return await cursor.fetchone() is not None

    await until(holds, what="the lease is renewed")


async def test_work_ends_when_the_lease_is_refused(store: Store) -> None:
    tidied = asyncio.Event()

    async def work() -> None:
        try:
            async with store.connection() as connection:
                await connection.execute("UPDATE leases SET holder = %s", (uuid4(),))
            await asyncio.Event().wait()
        finally:
            tidied.set()

    async with asyncio.timeout(20):
        await leases.while_held(store, NAME, uuid4(), work, renew_every=0.05)
    assert tidied.is_set()


async def test_work_does_not_begin_where_another_has_the_lease(store: Store) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()

    await leases.take(store, NAME, uuid4())
    await leases.while_held(store, NAME, uuid4(), work)
    assert not begun.is_set()
