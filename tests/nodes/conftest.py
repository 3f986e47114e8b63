from collections.abc import AsyncIterator

import pytest

from bakery.store.queue import Queue
from bakery.store.store import Store
from tests.support.store import a_store


@pytest.fixture
async def store(migrated_database_url: str) -> AsyncIterator[Store]:
    async with a_store(migrated_database_url) as opened:
        yield opened


@pytest.fixture
async def queue(store: Store) -> Queue:
    queue = Queue(store)
    await queue.open()
    return queue
