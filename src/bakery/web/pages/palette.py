"""What Ctrl K finds."""

from litestar import Response, get

from bakery.delivery.fleet import list_apps
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.nodes.catalogue import list_nodes
from bakery.web.context import Parts, WebRequest
from bakery.web.paths import searched
from bakery.web.presenters.palette import palette
from bakery.web.rendering import render_partial


@get("/palette", opt={"permission": Permission.READ})
async def show_results(request: WebRequest, parts: Parts, actor: Actor, q: str = "") -> Response[str]:
    words = searched(q)
    found = await list_apps(parts.store, actor=actor, containing=words)
    nodes = await list_nodes(parts.store, actor=actor)
    groups = palette(words, found.page.items, nodes, actor=actor, url=request.app.state["urls"].url)
    return render_partial(request, "_palette_results.html", groups=groups, query=words)


ROUTES = (show_results,)
