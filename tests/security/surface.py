"""All that can be asked of Bakery, by all who may ask."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

import httpx
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp

from bakery.access.sessions import actor_of_session, open_session
from bakery.access.tokens import add_token
from bakery.model.actor import Actor, Origin
from bakery.model.permissions import Permission, Role, Scope
from bakery.model.secret import Secret
from bakery.web.edge import Edge
from bakery.web.identity import CSRF_HEADER, Identity, cookie_name, csrf_token
from tests.api.site import BASE, Site
from tests.support.asgi import way_to
from tests.support.people import HERE

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_ASKED_BY_A_BROWSER = Origin("browser", "127.0.0.1", "request-1")


@dataclass(frozen=True, order=True)
class Route:
    path: str
    method: str
    permission: Permission | None
    is_page: bool
    is_signed: bool = False  # who may ask is a matter of a signature of the body

    def address(self, **known: object) -> str:
        """The path with what is known in it, and something that nobody has in all other places."""
        return _PARAMETER.sub(lambda found: str(known.get(found[1], _UNKNOWN[found[1]])), self.path)

    @property
    def is_of_an_app(self) -> bool:
        return bool({"app", "slug"} & set(_PARAMETER.findall(self.path)))

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


_UNKNOWN: Mapping[str, str] = {
    "app": "nothing",
    "slug": "nothing",
    "name": "nothing.css",
    "token": "999999",
    "provider": "nothing",
    "number": "999999",
    "person": "999999",
    "invitation": "999999",
    "session_id": "999999",
    "token_id": "999999",
    "node": "nothing",
    "job": "999999",
    "run": "nothing",
    "path": "nothing",
    "volume": "nothing",
    "domain": "nothing.example.com",
    "certificate": "999999",
    "user": "nothing",
    "hook": "nothing",
    "delivery": "999999",
}


def routes_of(web: ASGIApp) -> list[Route]:
    """Without OPTIONS, which the framework answers by itself."""
    assert isinstance(web, Edge)
    identity = web._app
    assert isinstance(identity, Identity)
    application = identity._app
    assert isinstance(application, Litestar)
    return sorted(
        Route(
            route.path_format,
            method,
            handler.opt.get("permission"),
            "is_page" in handler.opt,
            "is_signed" in handler.opt,
        )
        for route in application.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if method != "OPTIONS"
    )


class Caller(Enum):
    """Who may ask. The tokens are an Admin's, so that their scope alone decides."""

    NOBODY = "nobody"
    HALF = "half signed in"
    VIEWER = "Viewer"
    DEVELOPER = "Developer"
    ADMIN = "Admin"
    READ = "token: read"
    DEPLOY = "token: deploy"
    BOUND = "token: deploy, one app"
    ALL = "token: admin"

    @property
    def role(self) -> Role:
        return {Caller.VIEWER: Role.VIEWER, Caller.DEVELOPER: Role.DEVELOPER}.get(self, Role.ADMIN)

    @property
    def scope(self) -> Scope | None:
        deploy = Scope.DEPLOY
        return {Caller.READ: Scope.READ, Caller.DEPLOY: deploy, Caller.BOUND: deploy, Caller.ALL: Scope.ADMIN}.get(self)

    def may_call(self, route: Route) -> bool:
        """By what the route declares and the tables of the model alone."""
        if route.permission is None:
            return False
        if route.permission is Permission.PUBLIC:
            return True
        person = None if self is Caller.NOBODY else 1
        actor = Actor(HERE, person, role=self.role, scope=self.scope, second_factor_due=self is Caller.HALF)
        return actor.may(route.permission) and not (route.is_page and self.scope in {Scope.READ, Scope.DEPLOY})


@asynccontextmanager
async def asking(
    site: Site, person: Actor, *, scope: Scope | None = None, app: int | None = None, half: bool = False
) -> AsyncIterator[httpx.AsyncClient]:
    """The person's browser with all that it sends from a page of ours; with a scope, a program of theirs."""
    headers = {"accept": "application/json"}
    cookies = {}
    async with site.store.transaction() as tx:
        if scope:
            made = await add_token(tx, person, person.person_id or 0, "a test", scope, app_id=app)
            headers["authorization"] = f"Bearer {made.secret.reveal()}"
        else:
            session = await open_session(tx, person, user_agent="a test", second_factor_due=half)
            cookies[cookie_name(site.parts)] = session.token.reveal()
    if not scope:
        headers |= {"origin": BASE, CSRF_HEADER: await form_token(site, session.token)}
    async with a_client(site, headers=headers, cookies=cookies) as client:
        yield client


async def form_token(site: Site, session: Secret) -> str:
    """What a page of this session has in its forms."""
    actor = await actor_of_session(site.store, session, _ASKED_BY_A_BROWSER)
    assert actor is not None
    return csrf_token(site.parts, actor)


def a_client(
    site: Site,
    *,
    headers: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
    peer: str = "127.0.0.1",
) -> httpx.AsyncClient:
    """A stranger, unless the headers or cookies say otherwise."""
    return httpx.AsyncClient(
        transport=way_to(site.web, peer=peer), base_url=BASE, headers=headers, cookies=dict(cookies or {})
    )
