"""Apps: the list, one of them, and what can be done with it."""

from collections.abc import Awaitable, Callable

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.apps import show_app
from bakery.delivery.clone import clone_app
from bakery.delivery.delete import delete_app, what_goes_with
from bakery.delivery.fleet import list_apps, sidebar
from bakery.delivery.history import list_deployments
from bakery.delivery.pending import what_is_not_live
from bakery.delivery.releases import find_release_before
from bakery.delivery.running import restart_app, start_app, stop_app
from bakery.delivery.scale import list_processes, scale_app
from bakery.delivery.slot_figures import figures_of, slot_figures
from bakery.delivery.sources import show_source
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, Conflict
from bakery.model.names import PRODUCTION, AppAt
from bakery.model.permissions import Permission
from bakery.model.processes import parse_count, parse_counts
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.identity import csrf_token
from bakery.web.moments import now
from bakery.web.paths import searched
from bakery.web.presenters.apps import app_page, app_tabs, app_view, apps_page, side_apps
from bakery.web.presenters.slots import slots_view
from bakery.web.rendering import go, render_page, render_partial, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb, Toast

_READ = {"permission": Permission.READ}
_ACT = {"permission": Permission.DEPLOY}
_MOST_FOUND = 30  # as many as the sidebar has room for


@get("/apps", opt=_READ)
async def show_apps(request: WebRequest, parts: Parts, actor: Actor, q: str = "", after: str = "") -> Response[str]:
    words, start = searched(q), searched(after)
    found = await list_apps(parts.store, actor=actor, containing=words, after=start)
    page = apps_page(found, q=words, after=start, actor=actor, url=url_of(request), now=now())
    return await render_page(request, "apps/index.html", page, here="apps", crumbs=[Crumb("Apps")])


@get("/sidebar", opt=_READ)
async def show_sidebar(request: WebRequest, parts: Parts, actor: Actor, q: str = "") -> Response[str]:
    """The apps in the sidebar alone: all that need a look, or those that a filter finds."""
    words = searched(q)
    if words:
        found = await list_apps(parts.store, actor=actor, containing=words)
        apps, total = side_apps(found.page.items[:_MOST_FOUND]), found.total
    else:
        side = await sidebar(parts.store, actor)
        apps, total = side_apps(side.apps), side.total
    return render_partial(request, "_side_apps.html", apps=apps, apps_total=total, filter=words)


@get("/apps/{slug:str}", opt=_READ)
async def show_one(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    if "hx-request" not in request.headers:
        return await _page(request, parts, actor, where)
    app = await show_app(parts.store, where, actor=actor)
    recent = await list_deployments(parts.store, where, actor=actor)
    pending = await what_is_not_live(parts.store, where, actor=actor)
    source = await show_source(parts.store, where, actor=actor)
    before = await find_release_before(parts.store, app)
    at = now()
    return render_partial(
        request,
        "apps/_app.html",
        app=app_view(app, recent.items, before=before, pending=pending, source=source, actor=actor, now=at),
        slots=slots_view(app.slug, await figures_of(parts.store, app.environment_id, now=at), now=at),
        app_tabs=app_tabs(app.slug, "overview", url_of(request)),
        csrf=csrf_token(parts, actor),
    )


@get("/apps/{slug:str}/slots", opt=_READ)
async def show_slots(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    """That part of the page, as the figures come."""
    app, at = where.app, now()
    found = await slot_figures(parts.store, where, actor=actor, now=at)
    return render_partial(request, "apps/_slots.html", slots=slots_view(app, found, now=at))


@post("/apps/{slug:str}/restart", opt=_ACT)
async def restart(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    return await _act(request, parts, actor, where, restart_app, said="restarting")


@post("/apps/{slug:str}/stop", opt=_ACT)
async def stop(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    return await _act(request, parts, actor, where, stop_app, said="stopping")


@post("/apps/{slug:str}/start", opt=_ACT)
async def start(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    return await _act(request, parts, actor, where, start_app, said="starting")


@post("/apps/{slug:str}/processes", opt=_ACT)
async def scale(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    app, form = where.app, await typed(request)
    try:
        counts = parse_counts({form.text("process"): parse_count(form.text("count"))})
        await scale_app(parts.store, parts.queue, where, counts, actor=actor)
    except BadInput as error:
        return await _page(request, parts, actor, where, scaling=error, status=status_of(error))
    except Conflict as error:
        return await _page(request, parts, actor, where, refusal=error, status=status_of(error))
    return go(request, f"/apps/{app}", said="scaling")


@post("/apps/{slug:str}/delete", opt={"permission": Permission.DELETE_APP})
async def delete(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    app = where.app
    form = await typed(request)
    name = app if where.environment == PRODUCTION else where.environment
    if form.text("confirm").strip() != name:
        wrong = BadInput(f"Type {name}, exactly as it is written here.", field="confirm")
        refused = form.refused(wrong, shown=("confirm",))
        return await _page(request, parts, actor, where, delete=refused, status=status_of(wrong))
    await delete_app(parts.store, parts.queue, where, actor=actor, volumes=form.all("volumes"))
    if where.environment != PRODUCTION:
        return go(request, f"/apps/{app}", said="environment-deleted", to=AppAt(app))
    return go(request, "/apps", said="app-deleted")


@post("/apps/{slug:str}/clone", opt={"permission": Permission.CREATE_APP})
async def clone(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        made = await clone_app(parts.store, where, form.text("slug"), node=None, actor=actor)
    except (BadInput, Conflict) as error:
        named = error if isinstance(error, BadInput) else BadInput(error.message, field="slug", hint=error.hint)
        refused = form.refused(named, shown=("slug",))
        return await _page(request, parts, actor, where, clone=refused, status=status_of(error))
    return go(request, f"/apps/{made.slug}", said="app-cloned")


_UseCase = Callable[..., Awaitable[None]]


async def _act(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, use_case: _UseCase, *, said: str
) -> Response[str] | Redirect:
    app = where.app
    try:
        await use_case(parts.store, parts.queue, where, actor=actor)
    except Conflict as error:
        return await _page(request, parts, actor, where, refusal=error, status=status_of(error))
    return go(request, f"/apps/{app}", said=said)


async def _page(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    *,
    delete: Form | None = None,
    clone: Form | None = None,
    refusal: BakeryError | None = None,
    scaling: BakeryError | None = None,
    status: int = 200,
) -> Response[str]:
    app = await show_app(parts.store, where, actor=actor)
    recent = await list_deployments(parts.store, where, actor=actor)
    goes = await what_goes_with(parts.store, app) if actor.may(Permission.DELETE_APP) else None
    pending = await what_is_not_live(parts.store, where, actor=actor)
    source = await show_source(parts.store, where, actor=actor)
    url = url_of(request)
    page = app_page(
        app,
        recent.items,
        goes,
        await figures_of(parts.store, app.environment_id, now=now()),
        await list_processes(parts.store, where, actor=actor),
        scaling,
        before=await find_release_before(parts.store, app),
        pending=pending,
        source=source,
        delete=delete or Form(),
        clone=clone or Form(),
        actor=actor,
        url=url,
        now=now(),
    )
    return await render_page(
        request,
        "apps/show.html",
        page,
        here=f"app:{app.slug}",
        crumbs=[Crumb("Apps", url("/apps")), Crumb(app.name)],
        toasts=[Toast("bad", f"{refusal.message} {refusal.hint}".strip())] if refusal else [],
        status=status,
    )


ROUTES = (show_apps, show_sidebar, show_one, show_slots, restart, stop, start, scale, clone, delete)
