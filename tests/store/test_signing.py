"""Processes that share a database sign with the same key, or do not start."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from bakery.model.actor import Actor
from bakery.model.errors import NotReady
from bakery.settings import Settings, read_settings
from bakery.store.keyring import open_vault, rotate_keys
from bakery.store.signing import expect_the_same_key, signing_key
from bakery.store.store import SERVER, Store
from bakery.store.vault import CannotOpen

ONE, OTHER = "one secret of many characters, 1234", "another secret of many characters!"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the first process; the others have the key in it, and nothing else of it."""
    return tmp_path


def settings_with(folder: Path, secret: str = "") -> Settings:
    return read_settings({"BAKERY_DATA_DIR": str(folder), "SESSION_SECRET": secret})


@asynccontextmanager
async def a_process(dsn: str, settings: Settings, name: str) -> AsyncIterator[Store]:
    async with Store(dsn, open_vault(settings, dsn), name=f"{SERVER} {name}") as store:
        await expect_the_same_key(store, settings)
        yield store


async def test_without_a_secret_all_processes_have_the_key_that_the_first_one_made(
    migrated_database_url: str, folder: Path
) -> None:
    settings = settings_with(folder)
    async with (
        a_process(migrated_database_url, settings, "a") as one,
        a_process(migrated_database_url, settings, "b") as other,
    ):
        assert await signing_key(one, settings) == await signing_key(other, settings)


async def test_the_key_survives_a_rotation_of_the_vaults(migrated_database_url: str, folder: Path) -> None:
    settings = settings_with(folder)
    async with a_process(migrated_database_url, settings, "a") as store:
        before = await signing_key(store, settings)
        assert rotate_keys(settings, migrated_database_url, actor=Actor.system("cli")).values == 1
        assert await signing_key(store, settings) == before


async def test_a_secret_that_is_set_stays_what_it_is(migrated_database_url: str, folder: Path) -> None:
    settings = settings_with(folder, ONE)
    async with a_process(migrated_database_url, settings, "a") as store:
        assert (await signing_key(store, settings)).reveal() == ONE


@pytest.mark.parametrize(("first", "second"), [(ONE, OTHER), (ONE, ""), ("", ONE)])
async def test_another_secret_than_that_of_a_process_that_runs_is_refused(
    migrated_database_url: str, folder: Path, first: str, second: str
) -> None:
    async with AsyncExitStack() as stack:
        running = a_process(migrated_database_url, settings_with(folder, first), "a")
        await stack.enter_async_context(running)
        with pytest.raises(NotReady, match="another SESSION_SECRET"):
            await stack.enter_async_context(a_process(migrated_database_url, settings_with(folder, second), "b"))
        await stack.enter_async_context(a_process(migrated_database_url, settings_with(folder, first), "c"))


async def test_a_secret_is_changed_when_no_other_process_runs(migrated_database_url: str, folder: Path) -> None:
    for secret in (ONE, OTHER, "", ONE):
        async with a_process(migrated_database_url, settings_with(folder, secret), "a") as store:
            assert await signing_key(store, settings_with(folder, secret))


async def test_the_database_does_not_tell_the_secret(migrated_database_url: str, folder: Path) -> None:
    async with a_process(migrated_database_url, settings_with(folder, ONE), "a") as store:
        made = await signing_key(store, settings_with(folder))
    with psycopg.connect(migrated_database_url) as connection:
        rows = str(connection.execute("SELECT name, value FROM settings").fetchall())
    assert ONE not in rows
    assert made.reveal() not in rows


async def test_a_key_of_somebody_elses_making_is_refused(migrated_database_url: str, folder: Path) -> None:
    settings = settings_with(folder)
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute(
            "INSERT INTO settings (name, value) VALUES ('signing key', %s)", (Jsonb({"sealed": "00" * 40}),)
        )
    async with Store(migrated_database_url, open_vault(settings, migrated_database_url)) as store:
        with pytest.raises(CannotOpen):
            await signing_key(store, settings)
