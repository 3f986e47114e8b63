"""What was delivered to an app's webhook, what was decided, and what a push does."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.sources import show_source
from bakery.hooks.at_github import show_at_github
from bakery.hooks.badge_keys import rotate_badge_key, show_badge_key
from bakery.hooks.looking import look_at_branch, show_branch
from bakery.hooks.provision import add_to_github
from bakery.hooks.receive import redeliver
from bakery.hooks.webhooks import change_webhook, list_deliveries, make_secret, reveal_secret, show_webhook
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, Conflict, TooMany, Unavailable
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.moments import now
from bakery.web.paths import number_in
from bakery.web.presenters.deliveries import deliveries_page
from bakery.web.rendering import go, render_page, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb

_DEPLOY = {"permission": Permission.DEPLOY}
_A_PAGE = 25


@get("/apps/{slug:str}/deliveries", opt={"permission": Permission.READ})
async def show(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, after: str = "") -> Response[str]:
    return await _page(request, parts, actor, where, before=number_in(after))


@post("/apps/{slug:str}/deliveries", opt=_DEPLOY)
async def save(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        await change_webhook(
            parts.store,
            where,
            is_on=form.is_on("is_on"),
            paths=form.text("paths").splitlines(),
            tags=form.text("tags"),
            actor=actor,
        )
    except (BadInput, Conflict) as error:
        refused = form.refused(error, shown=("paths", "tags"))
        return await _page(request, parts, actor, where, form=refused, status=status_of(error))
    return go(request, f"/apps/{where.app}/deliveries", said="webhook-saved")


@post("/apps/{slug:str}/deliveries/rotate", opt=_DEPLOY, status_code=200)
async def rotate(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    """The secret is on the page that answers, and on no other."""
    secret = await make_secret(parts.store, where, actor=actor)
    return await _page(request, parts, actor, where, secret=secret)


@post("/apps/{slug:str}/deliveries/github", opt=_DEPLOY)
async def add(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    """Again: put right what was changed there."""
    try:
        await add_to_github(parts.store, where, base=parts.general.base_url, actor=actor)
    except (BadInput, Conflict, TooMany, Unavailable) as error:
        told = Form(problem=f"{error.message} {error.hint}".strip())
        return await _page(request, parts, actor, where, at_github=told, status=status_of(error))
    return go(request, f"/apps/{where.app}/deliveries", said="webhook-added")


@post("/apps/{slug:str}/deliveries/reveal", opt=_DEPLOY, status_code=200)
async def reveal(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    secret = await reveal_secret(parts.store, where, actor=actor)
    return await _page(request, parts, actor, where, secret=secret)


@post("/apps/{slug:str}/deliveries/badge", opt=_DEPLOY)
async def rotate_badge(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Redirect:
    await rotate_badge_key(parts.store, parts.signing_key, where, actor=actor)
    return go(request, f"/apps/{where.app}/deliveries", said="badge-rotated")


@post("/apps/{slug:str}/deliveries/{delivery:int}/redeliver", opt=_DEPLOY)
async def again(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, delivery: int) -> Redirect:
    await redeliver(parts.store, parts.queue, parts.pushes, where, delivery, actor=actor)
    return go(request, f"/apps/{where.app}/deliveries", said="webhook-redelivered")


@post("/apps/{slug:str}/deliveries/look", opt=_DEPLOY)
async def look(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Redirect:
    """What was found, its server's refusal too, is on the page."""
    await look_at_branch(parts.store, parts.links, where, actor=actor)
    return go(request, f"/apps/{where.app}/deliveries", said="branch-looked-at")


async def _page(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    *,
    before: int | None = None,
    form: Form | None = None,
    at_github: Form | None = None,
    secret: Secret | None = None,
    status: int = 200,
) -> Response[str]:
    found = await show_webhook(parts.store, where, actor=actor)
    listed = await list_deliveries(parts.store, where, before=before, limit=_A_PAGE + 1, actor=actor)
    source = await show_source(parts.store, where, actor=actor)
    seen = await show_at_github(parts.store, where, actor=actor)
    url = url_of(request)
    own = parts.general.base_url or str(request.scope["state"]["origin"])
    page = deliveries_page(
        where,
        found,
        listed[:_A_PAGE],
        branch=await show_branch(parts.store, where, actor=actor),
        form=form,
        at_github=at_github or Form(),
        has_github_link=source.has_github_link,
        by_app=source.github_account is not None,
        seen=seen,
        secret=secret,
        base=own.rstrip("/"),
        badge=await show_badge_key(parts.store, parts.signing_key, where, actor=actor)
        if actor.may(Permission.DEPLOY)
        else "",
        older=listed[_A_PAGE - 1].id if len(listed) > _A_PAGE else None,
        is_first=before is None,
        actor=actor,
        url=url,
        now=now(),
    )
    return await render_page(
        request,
        "apps/deliveries.html",
        page,
        here=f"app:{where.app}",
        crumbs=[Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Deliveries")],
        status=status,
    )


ROUTES = (show, save, rotate, add, reveal, rotate_badge, again, look)
