"""A terminal in an app's live release. The page asks the API for the command, as `bakery run` does."""

from litestar import Response, get

from bakery.delivery.apps import show_app
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.presenters.app_terminal import terminal_page
from bakery.web.rendering import render_page, url_of
from bakery.web.views.shell import Crumb


@get("/apps/{slug:str}/terminal", opt={"permission": Permission.READ})
async def show_terminal(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    app = await show_app(parts.store, where, actor=actor)
    url = url_of(request)
    return await render_page(
        request,
        "apps/terminal.html",
        terminal_page(app, actor=actor, url=url),
        here=f"app:{where.app}",
        crumbs=[Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Terminal")],
    )


ROUTES = (show_terminal,)
