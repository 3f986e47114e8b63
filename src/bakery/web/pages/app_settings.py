"""How an app runs, and what it may use."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.app_settings import change_app
from bakery.delivery.apps import show_app
from bakery.delivery.volumes import list_volumes
from bakery.model.actor import Actor
from bakery.model.app_changes import KNOWN
from bakery.model.errors import BadInput
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.presenters.app_settings import settings_page
from bakery.web.rendering import go, render_page, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb


@get("/apps/{slug:str}/settings", opt={"permission": Permission.READ})
async def show(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    return await _page(request, parts, actor, where)


@post("/apps/{slug:str}/settings", opt={"permission": Permission.DEPLOY})
async def save(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    """What is not in the form stays as it is."""
    app, form = where.app, await typed(request)
    try:
        await change_app(
            parts.store, where, {name: form.text(name) for name in KNOWN if name in form.values}, actor=actor
        )
    except BadInput as error:
        refused = form.refused(error, shown=KNOWN)
        return await _page(request, parts, actor, where, form=refused, status=status_of(error))
    return go(request, f"/apps/{app}/settings", said="app-saved")


async def _page(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, *, form: Form | None = None, status: int = 200
) -> Response[str]:
    found = await show_app(parts.store, where, actor=actor)
    url = url_of(request)
    return await render_page(
        request,
        "apps/settings.html",
        settings_page(found, await list_volumes(parts.store, where, actor=actor), form=form, actor=actor, url=url),
        here=f"app:{where.app}",
        crumbs=[Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Settings")],
        status=status,
    )


ROUTES = (show, save)
