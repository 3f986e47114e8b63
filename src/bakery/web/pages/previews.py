"""The previews of an app: which there are, what is to be approved, and how they are made."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.apps import show_app
from bakery.delivery.environments import list_environments
from bakery.hooks.previews import approve_preview, close_preview, list_previews, show_settings
from bakery.hooks.provision import change_previews
from bakery.hooks.webhooks import show_webhook
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.previews import PreviewChanges, changed, is_preview_name
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.moments import now
from bakery.web.paths import number_in
from bakery.web.presenters.previews import previews_page
from bakery.web.rendering import go, render_page, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb

_SHOWN = ("is_on", "like", "variables", "most", "days", "memory", "cpus", "forks")
_A_PAGE = 25


@get("/apps/{slug:str}/previews", opt={"permission": Permission.READ})
async def show(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, after: str = "") -> Response[str]:
    return await _page(request, parts, actor, where, before=number_in(after))


@post("/apps/{slug:str}/previews", opt={"permission": Permission.CREATE_APP})
async def save(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    form = await typed(request)
    wanted = PreviewChanges(
        is_on=form.is_on("is_on"),
        like=form.text("like"),
        variables=form.text("variables").splitlines(),
        most=form.text("most"),
        days=form.text("days"),
        memory=form.text("memory"),
        cpus=form.text("cpus"),
        forks=form.text("forks"),
    )
    try:
        new = changed(await show_settings(parts.store, where, actor=actor), wanted)
        _, problem = await change_previews(parts.store, where, new, base=parts.general.base_url, actor=actor)
    except (BadInput, Conflict, NotFound) as error:
        refused = form.refused(error, shown=_SHOWN)
        return await _page(request, parts, actor, where, form=refused, status=status_of(error))
    said = "previews-not-at-github" if problem else "previews-saved"
    return go(request, f"/apps/{where.app}/previews", said=said)


@post("/apps/{slug:str}/previews/{number:int}/approve", opt={"permission": Permission.CREATE_APP})
async def approve(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int) -> Redirect:
    """The commit that the page showed, and no later one."""
    form = await typed(request)
    await approve_preview(parts.store, where, number, form.text("commit"), actor=actor)
    return go(request, f"/apps/{where.app}/previews", said="preview-approved")


@post("/apps/{slug:str}/previews/{number:int}/close", opt={"permission": Permission.DEPLOY})
async def close(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int) -> Redirect:
    await close_preview(parts.store, where, number, actor=actor)
    return go(request, f"/apps/{where.app}/previews", said="preview-closed")


async def _page(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    *,
    before: int | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    app = await show_app(parts.store, where, actor=actor)
    settings = await show_settings(parts.store, where, actor=actor)
    listed = await list_previews(parts.store, where, before=before, limit=_A_PAGE + 1, actor=actor)
    environments = await list_environments(parts.store, where, actor=actor)
    webhook = await show_webhook(parts.store, AppAt(where.app, settings.like), actor=actor)
    url = url_of(request)
    page = previews_page(
        app.slug,
        listed[:_A_PAGE],
        settings,
        environments=[one.environment for one in environments if not is_preview_name(one.environment)],
        has_webhook=webhook.is_heard,
        form=form,
        older=listed[_A_PAGE - 1].number if len(listed) > _A_PAGE else None,
        is_first=before is None,
        actor=actor,
        url=url,
        plain=request.app.state["urls"].url,
        now=now(),
    )
    return await render_page(
        request,
        "apps/previews.html",
        page,
        here=f"app:{where.app}",
        crumbs=[Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Previews")],
        status=status,
    )


ROUTES = (show, save, approve, close)
