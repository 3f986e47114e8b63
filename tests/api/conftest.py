from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bakery.store.store import Store
from tests.api.site import Site, a_site
from tests.support.people import an_admin
from tests.support.store import a_store


@pytest.fixture
async def store(migrated_database_url: str) -> AsyncIterator[Store]:
    async with a_store(migrated_database_url) as opened:
        yield opened


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> Site:
    return await a_site(store, tmp_path)


@pytest.fixture
async def admin(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """An Admin's program."""
    async with site.as_(await an_admin(site.store)) as client:
        yield client
