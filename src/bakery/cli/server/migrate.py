"""`bakery migrate`: the database in the newest schema."""

import asyncio

from bakery.cli.output import Json, print_done
from bakery.cli.server.settings import load_settings


def migrate(*, json: Json = False) -> None:
    """Bring the database to the newest schema. `serve` does so too when it starts."""
    changed, schema = asyncio.run(_migrate())
    sentence = f"The database {'is now at' if changed else 'was already at'} schema {schema}."
    print_done({"migrated": changed, "schema": schema}, sentence, as_json=json)


async def _migrate() -> tuple[bool, str]:
    from bakery.app import database
    from bakery.store.schema import ensure_newest, newest

    async with database(load_settings()) as dsn:
        return await asyncio.to_thread(ensure_newest, dsn), newest()
