"""Tokens of one's own."""

from datetime import datetime

import msgspec
from litestar import delete, get, post

from bakery.access.tokens import DEFAULT_DAYS, create_token, list_tokens, revoke_token
from bakery.model.actor import Actor
from bakery.model.permissions import Permission, Scope
from bakery.web.api.listing import PAGE, After, Listing, number_in, page, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_OWN = {"permission": Permission.OWN_ACCOUNT}


class Token(msgspec.Struct):
    """All but the token itself; `prefix` is how it begins. `app` is the one app that it is good for."""

    id: int
    name: str
    prefix: str
    scope: Scope
    app: str | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    is_expired: bool


class TokenWanted(msgspec.Struct, kw_only=True):
    """`expires` is after how many days; `code` is of the second factor, needed when that is on."""

    name: str
    scope: Scope
    app: str | None = None
    expires: int = DEFAULT_DAYS
    code: str = ""


class NewToken(msgspec.Struct):
    """The token is shown this once."""

    token: str
    details: Token


@get("/tokens", operation_id="listTokens", summary="List your tokens", opt=_OWN, responses=problems(), tags=["Account"])
async def get_tokens(parts: Parts, actor: Actor, after: After = "") -> Listing[Token]:
    """The newest first, 50 a page."""
    return page(Token, await list_tokens(parts.store, before=number_in(after), limit=PAGE + 1, actor=actor))


@post(
    "/tokens",
    operation_id="createToken",
    summary="Make a token",
    opt=_OWN,
    responses=problems(429),
    tags=["Account"],
)
async def post_token(parts: Parts, actor: Actor, data: TokenWanted) -> NewToken:
    """It never exceeds your role. With a second factor, a fresh code of it is needed."""
    made = await create_token(
        parts.store, data.name, data.scope, app=data.app, days=data.expires, code=data.code, actor=actor
    )
    return NewToken(made.secret.reveal(), shown(Token, made.token))


@delete(
    "/tokens/{token:int}",
    operation_id="revokeToken",
    summary="Revoke a token",
    opt=_OWN,
    responses=problems(),
    tags=["Account"],
)
async def delete_token(parts: Parts, actor: Actor, token: int) -> None:
    """Its next call is refused."""
    await revoke_token(parts.store, token, actor=actor)


ROUTES = (get_tokens, post_token, delete_token)
