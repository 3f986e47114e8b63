"""Deployments of an app: the history, one of them with its steps and log, and cancelling it."""

from litestar import Response, get, post
from litestar.response import Redirect, Stream

from bakery.delivery.apps import show_app
from bakery.delivery.history import list_deployments, show_deployment
from bakery.delivery.releases import look_back
from bakery.delivery.request import cancel_deployment
from bakery.delivery.retry import request_retry
from bakery.delivery.rollback import request_rollback
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, Conflict
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.store import logs
from bakery.store.store import Store
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.identity import csrf_token
from bakery.web.moments import now
from bakery.web.paths import searched
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.deployments import deployment_row, deployment_view, way_back
from bakery.web.rendering import go, render_page, render_partial, url_of
from bakery.web.views.deployments import DeploymentPage, DeploymentsPage, DeploymentView, WayBackView
from bakery.web.views.shell import Crumb, Toast

_READ = {"permission": Permission.READ}
_END_OF_LOG = 128 * 1024  # bytes of a log in a page, at most


@get("/apps/{slug:str}/deployments", opt=_READ)
async def show_history(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, after: str = "") -> Response[str]:
    app, start, url = where.app, searched(after), url_of(request)
    found = await list_deployments(parts.store, where, actor=actor, after=start)
    here, at = f"/apps/{app}/deployments", now()
    page = DeploymentsPage(
        app=app,
        tabs=app_tabs(app, "deployments", url),
        rows=[deployment_row(deployment, at, may_go_back=actor.may(Permission.DEPLOY)) for deployment in found.items],
        next=url(here, after=found.next) if found.next else None,
        first=url(here) if start else None,
    )
    crumbs = [Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Deployments")]
    return await render_page(request, "deployments/index.html", page, here=f"app:{app}", crumbs=crumbs)


@get("/apps/{slug:str}/deployments/{number:int}", opt=_READ)
async def show_one(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int
) -> Response[str] | Redirect:
    found = (await show_deployment(parts.store, where, number, actor=actor)).deployment
    if found.where != where:  # numbers run over all environments of an app
        return go(request, f"/apps/{where.app}/deployments/{number}", to=found.where)
    if "hx-request" not in request.headers:
        return await _page(request, parts, actor, where, number)
    deployment = await _view(request, parts, actor, where, number)
    csrf = csrf_token(parts, actor)
    return render_partial(request, "deployments/_deployment.html", deployment=deployment, csrf=csrf)


@get("/apps/{slug:str}/deployments/{number:int}/log.txt", opt=_READ)
async def show_log(parts: Parts, actor: Actor, where: AppAt, number: int) -> Stream:
    """All of it as it was written, but for what was masked."""
    detail = await show_deployment(parts.store, where, number, actor=actor)
    return Stream(
        logs.whole(parts.store, detail.deployment.log_stream),
        media_type="text/plain; charset=utf-8",
        headers={"cache-control": "no-store"},
    )


@post("/apps/{slug:str}/deployments/{number:int}/cancel", opt={"permission": Permission.DEPLOY})
async def cancel(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int
) -> Response[str] | Redirect:
    app = where.app
    try:
        await cancel_deployment(parts.store, where, number, actor=actor)
    except Conflict as error:
        return await _page(request, parts, actor, where, number, refusal=error)
    return go(request, f"/apps/{app}/deployments/{number}", said="cancelling")


@post("/apps/{slug:str}/deployments/{number:int}/rollback", opt={"permission": Permission.DEPLOY})
async def roll_back(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int
) -> Response[str] | Redirect:
    """To what this deployment made live."""
    app, form = where.app, await typed(request)
    try:
        made = await request_rollback(
            parts.store,
            parts.queue,
            where,
            actor=actor,
            release=number,
            with_todays_variables=form.text("variables") == "today",
        )
    except Conflict as error:
        return await _page(request, parts, actor, where, number, refusal=error)
    return go(request, f"/apps/{app}/deployments/{made.number}")


@post("/apps/{slug:str}/deployments/{number:int}/retry", opt={"permission": Permission.DEPLOY})
async def retry(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int) -> Response[str] | Redirect:
    """From the step at which it ended."""
    app = where.app
    try:
        made = await request_retry(parts.store, parts.queue, where, number, actor=actor)
    except Conflict as error:
        return await _page(request, parts, actor, where, number, refusal=error)
    return go(request, f"/apps/{app}/deployments/{made.deployment.number}")


async def _page(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int, *, refusal: BakeryError | None = None
) -> Response[str]:
    deployment = await _view(request, parts, actor, where, number)
    url, app = url_of(request), deployment.app
    may_go_back = deployment.back_to is not None and not deployment.why_not_back
    return await render_page(
        request,
        "deployments/show.html",
        DeploymentPage(deployment, await _way_back(parts, actor, where, deployment) if may_go_back else None),
        here=f"app:{app}",
        crumbs=[
            Crumb("Apps", url("/apps")),
            Crumb(str(where), url(f"/apps/{where.app}")),
            Crumb("Deployments", url(f"/apps/{app}/deployments")),
            Crumb(f"#{number}"),
        ],
        toasts=[Toast("bad", f"{refusal.message} {refusal.hint}".strip())] if refusal else [],
        status=status_of(refusal) if refusal else 200,
    )


async def _view(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int) -> DeploymentView:
    app = await show_app(parts.store, where, actor=actor)
    detail = await show_deployment(parts.store, where, number, actor=actor)
    return deployment_view(
        detail,
        await _end_of_log(parts.store, detail.deployment.log_stream),
        node=app.node,
        address=app.address or "",
        raw=url_of(request)(f"/apps/{app.slug}/deployments/{number}/log.txt"),
        actor=actor,
        now=now(),
    )


async def _way_back(parts: Parts, actor: Actor, where: AppAt, deployment: DeploymentView) -> WayBackView | None:
    app = await show_app(parts.store, where, actor=actor)
    way = await look_back(parts.store, where, deployment.back_to or 0, actor=actor)
    return way_back(way, interrupts=app.interrupts, now=now()) if way else None


async def _end_of_log(store: Store, stream: int) -> logs.Piece | None:
    extent = await logs.extent(store, stream)
    return await logs.read(store, stream, max(0, extent.bytes - _END_OF_LOG)) if extent else None


ROUTES = (show_history, show_one, show_log, cancel, retry, roll_back)
