"""What the server commands share: the settings, and Bakery's parts for the time of a command."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bakery.settings import Settings, find_unknown, read_settings

if TYPE_CHECKING:
    from bakery.web.context import Parts

_DOTENV = Path(".env")


def load_settings(**options: str | int | Path | None) -> Settings:
    """The environment over `.env`, and `options` (BAKERY_…) over both."""
    given = {name: str(value) for name, value in options.items() if value is not None}
    return read_settings({**os.environ, **given}, dotenv=_DOTENV)


def unknown_settings() -> list[str]:
    """A sentence for each variable that is called like a setting and is none."""
    return find_unknown(os.environ, dotenv=_DOTENV)


@asynccontextmanager
async def the_parts(settings: Settings) -> "AsyncIterator[Parts]":
    """Only `serve` and `migrate` bring the schema forward: a Bakery may be running beside us."""
    from bakery.app import database, open_parts
    from bakery.store.schema import expect_newest

    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(database(settings))
        await asyncio.to_thread(expect_newest, dsn)
        yield await open_parts(settings, dsn, stack)
