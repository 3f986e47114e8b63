"""What the server commands share: the settings, and Bakery's parts for the time of a command."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bakery.settings import Settings, read_settings

if TYPE_CHECKING:
    from bakery.web.context import Parts


def load_settings(**options: str | int | Path | None) -> Settings:
    """The environment over `.env`, and `options` (BAKERY_…) over both."""
    given = {name: str(value) for name, value in options.items() if value is not None}
    return read_settings({**os.environ, **given}, dotenv=Path(".env"))


@asynccontextmanager
async def the_parts(settings: Settings) -> "AsyncIterator[Parts]":
    from bakery.app import database, open_parts

    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(database(settings))
        yield await open_parts(settings, dsn, stack)
