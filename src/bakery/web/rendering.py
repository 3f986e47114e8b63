"""Pages: a template, what it shows, and the frame around it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import jinja2
from litestar import Response
from litestar.datastructures import Cookie
from litestar.response import Redirect

from bakery import __version__
from bakery.access.people import preferences_of
from bakery.delivery.fleet import sidebar
from bakery.model.actor import Actor
from bakery.model.errors import NotFound
from bakery.model.names import PRODUCTION, AppAt
from bakery.model.permissions import Permission
from bakery.store.events import Position
from bakery.web.addresses import Addresses, below, local_path, query_of
from bakery.web.context import Parts, WebRequest
from bakery.web.identity import actor_of, csrf_token
from bakery.web.navigation import navigation
from bakery.web.paths import app_at
from bakery.web.presenters.links import Url
from bakery.web.said import SAID
from bakery.web.views.errors import ErrorPage
from bakery.web.views.forms import Form
from bakery.web.views.gate import SecondFactorPage
from bakery.web.views.shell import Crumb, Gate, Person, Shell, SideApp, Theme, Toast
from bakery.web.views.status import app_status

TEMPLATES = Path(__file__).parent / "templates"
SAID_COOKIE = "bakery_said"
_HTML = "text/html"
# A page may hold what only this person may see: no cache keeps it.
_PRIVATE = {"cache-control": "no-store"}


def environment(addresses: Addresses, *, reload: bool) -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=reload,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["below"] = below
    env.filters["query"] = query_of
    env.globals.update(url=addresses.url, static=addresses.static)
    return env


def url_of(request: WebRequest) -> Url:
    """What makes the addresses on a page. Those of the app that it shows stay in the environment that it shows."""
    addresses: Addresses = request.app.state["urls"]
    slug = request.path_params.get("slug")
    if slug is None or not request.scope["path"].startswith(f"/apps/{slug}"):
        return addresses.url
    try:
        return addresses.within(app_at(slug, request.query_params.get("env", PRODUCTION)))
    except NotFound:
        return addresses.url


async def render_page(
    request: WebRequest,
    template: str,
    page: object,
    *,
    here: str,
    crumbs: Sequence[Crumb],
    topics: Sequence[str] = (),
    toasts: Sequence[Toast] = (),
    status: int = 200,
) -> Response[str]:
    """A page inside the shell. `here` is the key of its entry in the navigation."""
    said = _said(request)
    shell = await _shell(request, here, crumbs, topics, [*toasts, *said])
    response = _html(request, template, {"page": page, "shell": shell}, status=status)
    if said:
        response.delete_cookie(SAID_COOKIE, path="/")
    return response


def render_gate(
    request: WebRequest, template: str, page: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """A page before sign-in."""
    parts: Parts = request.app.state["parts"]
    gate = Gate(
        host=str(request.scope["state"]["origin"]).partition("://")[2],
        csrf=csrf_token(parts, actor_of(request)),
        version=__version__,
        insecure=is_insecure(request),
    )
    return _html(request, template, {"page": page, "gate": gate}, status=status, headers=headers)


def render_partial(request: WebRequest, template: str, **context: object) -> Response[str]:
    return _html(request, template, context)


def render_error(request: WebRequest, page: ErrorPage, *, headers: Mapping[str, str] | None = None) -> Response[str]:
    return render_gate(request, "error.html", page, status=page.status, headers=headers)


def render_second_factor(
    request: WebRequest,
    form: Form | None = None,
    *,
    wanted: str,
    status: int = 401,
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """What a half signed-in session gets wherever it goes. `wanted` is the local path to go on to."""
    page = SecondFactorPage(form=form or Form(), email=actor_of(request).label, next=local_path(wanted))
    return render_gate(request, "second_factor.html", page, status=status, headers=headers)


def go(request: WebRequest, path: str, *, said: str | None = None, to: AppAt | None = None) -> Redirect:
    """After a change: to the page that shows it, which says in a toast that it is done. `said` is a key of SAID; `to`
    is another app or environment than that of the page."""
    addresses: Addresses = request.app.state["urls"]
    url = addresses.within(to) if to else url_of(request)
    response = Redirect(url(path), status_code=303)
    if said is not None:
        response.set_cookie(Cookie(key=SAID_COOKIE, value=said, path="/", max_age=20, httponly=True, samesite="lax"))
    return response


def _said(request: WebRequest) -> list[Toast]:
    text = SAID.get(request.cookies.get(SAID_COOKIE, ""))
    return [Toast("ok", text)] if text else []


def is_insecure(request: WebRequest) -> bool:
    """Over plain HTTP from another machine, passwords can be read on the way: said on every page."""
    state = request.scope["state"]
    return not state["is_encrypted"] and not state["is_here"]


async def _shell(
    request: WebRequest, here: str, crumbs: Sequence[Crumb], topics: Sequence[str], toasts: Sequence[Toast]
) -> Shell:
    parts: Parts = request.app.state["parts"]
    actor: Actor = actor_of(request)
    side = await sidebar(parts.store, actor)
    person = await preferences_of(parts.store, actor=actor)
    return Shell(
        person=Person(
            email=person.email,
            name=person.name or person.email,
            initial=(person.name or person.email)[:1],
            role=person.role.label,
        ),
        nav=navigation(actor, here, request.app.state["urls"]),
        apps=[
            SideApp(app.slug, app.name, app_status(app.status), current=here == f"app:{app.slug}") for app in side.apps
        ],
        apps_total=side.total,
        crumbs=crumbs,
        csrf=csrf_token(parts, actor),
        theme=cast(Theme, person.theme),  # the database holds no other
        shortcuts=person.shortcuts,
        version=__version__,
        topics=[] if actor.password_change_due else ["apps", *topics],  # who must change it first watches nothing
        position=str(Position(parts.hub.position)),
        insecure=is_insecure(request),
        toasts=toasts,
        may_create=actor.may(Permission.CREATE_APP),
        keys=_keys_of(here, actor, url_of(request)),
    )


def _keys_of(here: str, actor: Actor, url: Url) -> Mapping[str, str]:
    """`here` is a page of an app: its logs, and where a deployment of it is asked for."""
    kind, _, app = here.partition(":")
    if kind != "app":
        return {}
    logs = {"l": url(f"/apps/{app}/logs")}
    return {**logs, "d": url(f"/apps/{app}/deploy")} if actor.may(Permission.DEPLOY) else logs


def _html(
    request: WebRequest,
    template: str,
    context: Mapping[str, object],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    env: jinja2.Environment = request.app.state["jinja"]
    return Response(
        env.get_template(template).render(url=url_of(request), **context),
        status_code=status,
        media_type=_HTML,
        headers={**_PRIVATE, **(headers or {})},
    )
