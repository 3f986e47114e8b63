"""Connections to the database: whoever takes one gets one that works, without asking the server more than is needed."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bakery.app import open_parts
from bakery.settings import read_settings
from bakery.store import store as store_module
from bakery.store.store import Connection, Store
from bakery.store.vault import Key, Vault
from tests.support.store import a_store

# It answers when their processes are gone: to be told to go is not yet to have said farewell.
_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s
"""


@pytest.fixture
async def at_work(migrated_database_url: str) -> AsyncIterator[Store]:
    """Of which one connection is open."""
    async with Store(migrated_database_url, Vault([Key.mint()]), for_work=True) as opened:
        async with opened.connection():
            pass
        yield opened


async def a_process(store: Store) -> int:
    """The server's, of the connection that is taken."""
    async with store.connection() as connection:
        return connection.info.backend_pid


@pytest.mark.parametrize("for_work", [False, True])
async def test_a_connection_that_the_server_ended_while_it_rested_is_replaced_before_anybody_uses_it(
    *, for_work: bool, migrated_database_url: str
) -> None:
    async with Store(migrated_database_url, Vault([Key.mint()]), for_work=for_work) as store:
        ended = await a_process(store)
        async with a_store(migrated_database_url) as other, other.connection() as connection:
            await connection.execute(_OTHERS, (connection.info.backend_pid,))
        assert await a_process(store) != ended


async def test_one_that_was_used_a_moment_ago_is_taken_without_a_word_to_the_server(
    at_work: Store, migrated_database_url: str
) -> None:
    async with at_work.connection() as connection:
        await connection.execute("SELECT 'a word of ours'")
    async with at_work.connection() as taken:
        assert await last_word_of(taken, migrated_database_url) == "COMMIT"


async def test_one_that_rested_longer_is_asked_first(
    at_work: Store, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_MOMENT", 0.0)
    async with at_work.connection() as connection:
        await connection.execute("SELECT 'a word of ours'")
    async with at_work.connection() as taken:
        assert await last_word_of(taken, migrated_database_url) == ""


async def test_work_that_holds_all_of_its_connections_makes_nobody_wait_for_a_page(
    migrated_database_url: str, tmp_path: Path
) -> None:
    settings = read_settings({"BAKERY_DATA_DIR": str(tmp_path)}, is_root=False)
    async with AsyncExitStack() as stack:
        parts = await open_parts(settings, migrated_database_url, stack)
        for _ in range(parts.at_work.pool.max_size):
            await stack.enter_async_context(parts.at_work.connection())
        assert await parts.store.is_reachable()


async def last_word_of(connection: Connection, dsn: str) -> str:
    """To the server, as that remembers it."""
    async with a_store(dsn) as other, other.connection() as looking:
        asked = "SELECT query FROM pg_stat_activity WHERE pid = %s"
        row = await (await looking.execute(asked, (connection.info.backend_pid,))).fetchone()
    return str(row[0]) if row else "nothing"
