"""`bakery keys`: the key that encrypts the vault."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from bakery.cli.output import Json, print_done
from bakery.cli.server.settings import load_settings
from bakery.model.actor import Actor

if TYPE_CHECKING:
    from bakery.store.keyring import Rotation

group = typer.Typer(help="The key that encrypts the vault.", no_args_is_help=True)


@group.callback()
def _keys() -> None:
    """With a callback, a group of one command stays a group."""


@group.command()
def rotate(*, json: Json = False) -> None:
    """Make a new key and encrypt everything with it. When it is killed, run it again."""
    done = asyncio.run(_rotate())
    print_done(
        {"old": done.old, "new": done.new, "values": done.values},
        f"The key is now {done.new}; {done.values} values were encrypted again. Keep a copy of it away from here.",
        as_json=json,
    )


async def _rotate() -> Rotation:
    from bakery.app import database
    from bakery.store.keyring import rotate_keys
    from bakery.store.schema import expect_newest

    settings = load_settings()
    async with database(settings) as dsn:
        await asyncio.to_thread(expect_newest, dsn)
        return await asyncio.to_thread(rotate_keys, settings, dsn, actor=Actor.system("cli"))
