from collections.abc import AsyncIterator

import pytest

from bakery.store.store import Store
from tests.support.store import a_store


@pytest.fixture
async def store(migrated_database_url: str) -> AsyncIterator[Store]:
    async with a_store(migrated_database_url) as opened:
        yield opened
