from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bakery.model.actor import Actor
from bakery.store.store import Store
from tests.api.site import Site, a_site
from tests.github_double.server import GitHubDouble, a_github
from tests.github_double.world import App, OAuthClient
from tests.support.git_server import Repository
from tests.support.github_apps import make_app, with_code
from tests.support.github_links import BACK, known, link
from tests.support.people import an_admin, signed_in
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


@pytest.fixture
def github() -> Iterator[GitHubDouble]:
    with a_github() as double:
        yield double


@pytest.fixture
def client(github: GitHubDouble) -> OAuthClient:
    return github.world.oauth_client(BACK)


@pytest.fixture
async def linked(store: Store, ada: Actor, github: GitHubDouble, client: OAuthClient) -> Actor:
    """An Admin who has linked their GitHub."""
    person = await signed_in(store, ada)
    await known(store, github, client, person)
    await link(store, github, person)
    return person


@pytest.fixture
async def app(site: Site, admin: Browser, github: GitHubDouble) -> App:
    """The GitHub App of this Bakery, which is installed nowhere yet."""
    return await make_app(site, admin, github)


@pytest.fixture
async def shop(github: GitHubDouble, tmp_path: Path) -> Repository:
    github.world.git = tmp_path
    return with_code(github, "acme/shop")
