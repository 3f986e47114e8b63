"""A store on a database of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakSet

from bakery.store.store import Connection, Store
from bakery.store.vault import Key, Vault


class ThriftyStore(Store):
    """Whoever has one of its connections asks for no second one: where all are out, such askers wait for each other,
    and nobody gives one back. A test that plays another process takes its own from the pool."""

    def __init__(self, dsn: str, vault: Vault) -> None:
        super().__init__(dsn, vault)
        self._holders: WeakSet[asyncio.Task[object]] = WeakSet()

    @asynccontextmanager
    async def _taken(self, patience: float) -> AsyncIterator[Connection]:
        task = asyncio.current_task()
        assert task is not None
        assert task not in self._holders, (
            "A connection is taken by a task that has one: give that one to what is called."
        )
        self._holders.add(task)
        try:
            async with super()._taken(patience) as connection:
                yield connection
        finally:
            self._holders.discard(task)


@asynccontextmanager
async def a_store(dsn: str) -> AsyncIterator[Store]:
    async with ThriftyStore(dsn, Vault([Key.mint()])) as store:
        yield store
