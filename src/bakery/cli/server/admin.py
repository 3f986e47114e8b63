"""`bakery admin`: for whoever has access to the server, when nobody can sign in."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bakery.cli.output import Json, print_done, print_json, say, warn
from bakery.cli.server.settings import load_settings, the_parts
from bakery.cli.terminal import read_secret
from bakery.model.actor import Actor
from bakery.model.permissions import Scope

if TYPE_CHECKING:
    from bakery.model.secret import Secret
    from bakery.web.context import Parts

group = typer.Typer(help="Accounts, for whoever has access to the server.", no_args_is_help=True)
_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Whose account.")]
_ACTOR = Actor.system("cli")


@group.command()
def create(
    email: _Email,
    *,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read a password from stdin.")] = False,
    json: Json = False,
) -> None:
    """Make an Admin. Without a password, prints a link to choose one."""
    link = asyncio.run(_create(email, read_secret() if password_stdin else None))
    if link is None:
        print_done({"email": email, "url": None}, f"{email} is an Admin and can sign in.", as_json=json)
    else:
        _print_link(email, link, json=json)


@group.command()
def token(
    email: _Email,
    *,
    scope: Annotated[
        Literal["admin", "read", "deploy"], typer.Option(metavar="admin|read|deploy", help="What it may do at most.")
    ] = "admin",
    json: Json = False,
) -> None:
    """Make an API token for somebody. It is printed once and lasts 90 days."""
    made = asyncio.run(_token(email, Scope(scope)))
    if json:
        print_json({"token": made})
        return
    warn("This is the only time that the token is shown:")
    say(made)


@group.command()
def reset(
    email: _Email,
    *,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="The link also turns the second factor off.")
    ] = False,
    json: Json = False,
) -> None:
    """Print a link to choose a new password, good for an hour."""
    _print_link(email, asyncio.run(_reset(email, clears_second_factor=second_factor)), json=json)


def _print_link(email: str, url: str, *, json: bool) -> None:
    if json:
        print_json({"email": email, "url": url})
        return
    warn(f"With this link {email} chooses a password, within an hour and once:")
    say(url)


async def _create(email: str, password: "Secret | None") -> str | None:
    from bakery.access.setup import create_admin

    async with the_parts(load_settings()) as parts:
        await create_admin(parts.store, email, password=password, actor=_ACTOR)
        return await _link(parts, email, clears_second_factor=False) if password is None else None


async def _token(email: str, scope: Scope) -> str:
    from bakery.access.tokens import create_token_for

    async with the_parts(load_settings()) as parts:
        made = await create_token_for(parts.store, email, "Made on the server", scope, actor=_ACTOR)
    return made.secret.reveal()


async def _reset(email: str, *, clears_second_factor: bool) -> str:
    async with the_parts(load_settings()) as parts:
        return await _link(parts, email, clears_second_factor=clears_second_factor)


async def _link(parts: "Parts", email: str, *, clears_second_factor: bool) -> str:
    from bakery.access.resets import make_reset_link
    from bakery.app import address_of

    link = await make_reset_link(parts.store, email, clears_second_factor=clears_second_factor, actor=_ACTOR)
    return f"{parts.general.base_url or address_of(parts.settings)}/reset/{link.token.reveal()}"
