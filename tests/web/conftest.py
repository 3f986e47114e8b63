from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bakery.model.actor import Actor
from bakery.store.store import Store
from tests.api.site import Site, a_site
from tests.support.people import an_admin
from tests.support.store import a_store
from tests.web.browser import Browser, a_browser


@pytest.fixture
async def store(migrated_database_url: str) -> AsyncIterator[Store]:
    async with a_store(migrated_database_url) as opened:
        yield opened


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> Site:
    return await a_site(store, tmp_path)


@pytest.fixture
async def ada(store: Store) -> Actor:
    return await an_admin(store)


@pytest.fixture
async def admin(site: Site, ada: Actor) -> AsyncIterator[Browser]:
    """An Admin who is signed in."""
    async with a_browser(site, ada) as browser:
        yield browser
