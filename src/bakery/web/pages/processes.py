"""The processes of an app: that part of its page alone."""

from litestar import Response, get

from bakery.delivery.apps import show_app
from bakery.delivery.scale import list_processes
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.identity import csrf_token
from bakery.web.presenters.processes import processes_view
from bakery.web.rendering import render_partial


@get("/apps/{slug:str}/processes", opt={"permission": Permission.READ})
async def show_processes(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    """That part of the page, as states change."""
    app = await show_app(parts.store, where, actor=actor)
    found = await list_processes(parts.store, where, actor=actor)
    return render_partial(
        request,
        "apps/_processes.html",
        processes=processes_view(app.slug, found, is_stopped=app.is_stopped, actor=actor),
        csrf=csrf_token(parts, actor),
    )


ROUTES = (show_processes,)
