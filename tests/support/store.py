"""A store on a database of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bakery.store.store import Store
from bakery.store.vault import Key, Vault


@asynccontextmanager
async def a_store(dsn: str) -> AsyncIterator[Store]:
    async with Store(dsn, Vault([Key.mint()])) as store:
        yield store
