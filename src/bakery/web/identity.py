"""Who is asking: a browser by its session cookie, a program by its token; and that a browser's request is its own."""

import hashlib
import hmac

from litestar import Request
from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from bakery.access.sessions import actor_of_session
from bakery.access.tokens import actor_of_token
from bakery.model.actor import Actor, Origin
from bakery.model.errors import BakeryError, NotAllowed, NotSignedIn
from bakery.model.permissions import Permission
from bakery.model.permissions import Scope as TokenScope
from bakery.model.secret import Secret
from bakery.web.context import Parts, WebConnection, WebRequest

_SAFE = {"GET", "HEAD", "OPTIONS"}
CSRF_FIELD = "csrf_token"
CSRF_HEADER = "x-csrf-token"


class PasswordChangeDue(NotAllowed):
    """The first sign-in with a password that somebody else knows."""


class Identity:
    """ASGI middleware: puts the actor into the request's state. A wrong token is an answer of its own."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            request: WebRequest = Request(scope)
            state = scope["state"]
            is_program = "authorization" in request.headers
            origin = Origin("api" if is_program else "browser", state["address"], state["request_id"])
            try:
                state["actor"] = await self._actor(request, origin)
            except BakeryError as error:
                state["actor"] = Actor.nobody(origin)
                state["actor_error"] = error
        await self._app(scope, receive, send)

    async def _actor(self, request: WebRequest, origin: Origin) -> Actor:
        authorization = request.headers.get("authorization")
        if authorization is not None:
            kind, _, token = authorization.partition(" ")
            actor = await actor_of_token(self._parts.store, Secret(token.strip()), origin) if kind == "Bearer" else None
            if actor is None:
                raise NotSignedIn("This token is unknown, expired or revoked.", hint="Create one: Account, Tokens.")
            return actor
        token = request.cookies.get(cookie_name(self._parts), "")
        found = await actor_of_session(self._parts.store, Secret(token), origin) if token else None
        return found or Actor.nobody(origin)


def cookie_name(parts: Parts) -> str:
    return "__Host-bakery" if parts.general.is_encrypted else "bakery"


def session_cookie(parts: Parts, token: Secret, *, lasts: int | None) -> Cookie:
    """`lasts` in seconds; None: until the browser closes."""
    return Cookie(
        key=cookie_name(parts),
        value=token.reveal(),
        max_age=lasts,
        path="/",
        httponly=True,
        samesite="lax",
        secure=parts.general.is_encrypted,
    )


def csrf_token(parts: Parts, actor: Actor) -> str:
    """Belongs to one session. Before sign-in there is nothing to steal, and the Origin is checked all the same."""
    message = f"csrf {actor.session_id or 0}".encode()
    return hmac.new(parts.signing_key.reveal().encode(), message, hashlib.sha256).hexdigest()


async def guard(connection: WebConnection, handler: BaseRouteHandler) -> None:
    """Runs before every handler. A route that declares no permission is open to nobody."""
    actor = actor_of(connection)
    parts: Parts = connection.app.state["parts"]
    permission = handler.opt.get("permission")
    if not isinstance(permission, Permission):
        raise NotAllowed(
            "This address declares no permission, so nobody may use it.", hint="This is a bug; please report it."
        )
    if (error := connection.scope["state"].get("actor_error")) is not None and permission is not Permission.PUBLIC:
        raise error
    if isinstance(connection, Request) and connection.method not in _SAFE and actor.token_id is None:
        await _check_browser(connection, parts, actor)
    actor.require(permission)
    is_narrow = actor.scope not in {None, TokenScope.ADMIN}
    if is_narrow and permission is not Permission.PUBLIC and handler.opt.get("is_page"):  # a page shows the account
        raise NotAllowed(f"This token's scope is “{actor.scope}”: it is for the API.", hint="Ask below /api.")
    is_elsewhere = permission not in {Permission.PUBLIC, Permission.SECOND_FACTOR, Permission.OWN_ACCOUNT}
    if actor.password_change_due and actor.session_id is not None and is_elsewhere:
        raise PasswordChangeDue("Choose a new password first.", hint="Account, Security.")


def actor_of(connection: WebConnection) -> Actor:
    actor: Actor = connection.scope["state"]["actor"]
    return actor


async def _check_browser(request: WebRequest, parts: Parts, actor: Actor) -> None:
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    if origin is None and site is None and actor.session_id is None:
        return  # a program that is not signed in: there is no cookie that somebody else's page could have used
    is_ours = origin in _own_origins(request, parts) if origin is not None else site == "same-origin"
    if not is_ours:
        raise NotAllowed(
            "This request did not come from a page of Bakery.",
            hint="Open Bakery at its own address and try again. Programs send a token: Authorization: Bearer …",
        )
    if actor.session_id is None:
        return
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
            given = str((await request.form()).get(CSRF_FIELD, ""))
    if not hmac.compare_digest((given or "").encode(), csrf_token(parts, actor).encode()):
        raise NotAllowed("This form belongs to another sign-in, or is too old.", hint="Reload the page and try again.")


def _own_origins(request: WebRequest, parts: Parts) -> set[str]:
    base = parts.general.base_url
    own = {str(request.scope["state"]["origin"])}
    if base:
        scheme, _, rest = base.partition("://")
        own.add(f"{scheme}://{rest.partition('/')[0]}")
    return own
