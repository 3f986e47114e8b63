"""The processes of an app: that part of its page, and its counts."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.apps import show_app
from bakery.delivery.scale import list_processes, scale_app
from bakery.model.actor import Actor
from bakery.model.errors import BadInput
from bakery.model.permissions import Permission
from bakery.model.processes import parse_counts
from bakery.web.context import Parts, WebRequest
from bakery.web.forms import typed
from bakery.web.identity import csrf_token
from bakery.web.paths import app_in
from bakery.web.presenters.processes import processes_view
from bakery.web.rendering import go, render_partial

_LONGEST_COUNT = 6


@get("/apps/{slug:str}/processes", opt={"permission": Permission.READ})
async def show_processes(request: WebRequest, parts: Parts, actor: Actor, slug: str) -> Response[str]:
    """That part of the page, as states change."""
    app = await show_app(parts.store, app_in(slug), actor=actor)
    found = await list_processes(parts.store, app.slug, actor=actor)
    return render_partial(
        request,
        "apps/_processes.html",
        processes=processes_view(app.slug, found, is_stopped=app.is_stopped, actor=actor),
        csrf=csrf_token(parts, actor),
    )


@post("/apps/{slug:str}/processes", opt={"permission": Permission.DEPLOY})
async def scale(request: WebRequest, parts: Parts, actor: Actor, slug: str) -> Response[str] | Redirect:
    app, form = app_in(slug), await typed(request)
    counts = parse_counts({form.text("process"): _count(form.text("count"))})
    await scale_app(parts.store, parts.queue, app, counts, actor=actor)
    return go(request, f"/apps/{app}", said="scaling")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_COUNT:
        return int(text)
    raise BadInput("Use a whole number.", field="count")


ROUTES = (show_processes, scale)
