from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest
import structlog

from bakery.cli.server.logs import log_to_stderr
from bakery.store.store import Store
from tests.api.site import Site, a_site
from tests.support.store import a_store


@pytest.fixture
async def store(migrated_database_url: str) -> AsyncIterator[Store]:
    async with a_store(migrated_database_url) as opened:
        yield opened


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> Site:
    return await a_site(store, tmp_path)


@pytest.fixture
def said() -> Iterator[Callable[[], str]]:
    """What Bakery's log has said so far, as it says it when nobody is at a terminal."""
    with redirect_stderr(StringIO()) as heard:
        log_to_stderr()
    structlog.configure(cache_logger_on_first_use=False)  # for the tests after this one
    yield heard.getvalue
    structlog.reset_defaults()
