"""How `bakery login` gets its token."""

from datetime import UTC, datetime

import msgspec
from litestar import post

from bakery.access.cli_login import begin_cli_login, poll_cli_login
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_PUBLIC = {"permission": Permission.PUBLIC}


class CliLoginWanted(msgspec.Struct):
    """`machine` is what the person who confirms is shown."""

    machine: str


class CliLogin(msgspec.Struct):
    """The person compares `code` in the browser at /cli; the program keeps `poll_token` to itself."""

    code: str
    poll_token: str
    expires_in: int


class Poll(msgspec.Struct):
    poll_token: str


class CliLoginState(msgspec.Struct):
    """`token` is null until somebody has confirmed."""

    token: str | None


@post(
    "/cli-logins",
    operation_id="beginCliLogin",
    summary="Begin a sign-in of a program",
    opt=_PUBLIC,
    security=[{}],
    responses=problems(429),
    tags=["Account"],
)
async def post_cli_login(parts: Parts, actor: Actor, data: CliLoginWanted) -> CliLogin:
    """For programs with a person at hand. Send `Origin: ` with Bakery's own address."""
    begun = await begin_cli_login(parts.store, machine=data.machine, origin=actor.origin)
    left = (begun.expires_at - datetime.now(UTC)).total_seconds()
    return CliLogin(begun.code, begun.poll_secret.reveal(), max(0, int(left)))


@post(
    "/cli-logins/poll",
    operation_id="pollCliLogin",
    summary="Ask whether it was confirmed",
    opt=_PUBLIC,
    security=[{}],
    status_code=200,
    responses=problems(429),
    tags=["Account"],
)
async def post_poll(parts: Parts, actor: Actor, data: Poll) -> CliLoginState:
    """Gives the token once."""
    token = await poll_cli_login(parts.store, Secret(data.poll_token), origin=actor.origin)
    return CliLoginState(token.reveal() if token else None)


ROUTES = (post_cli_login, post_poll)
