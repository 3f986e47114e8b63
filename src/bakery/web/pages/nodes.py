"""The machines that apps run on."""

from litestar import Response, get

from bakery.delivery.nodes import list_nodes
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.moments import now
from bakery.web.presenters.nodes import nodes_page
from bakery.web.rendering import render_page
from bakery.web.views.shell import Crumb


@get("/nodes", opt={"permission": Permission.READ})
async def show_nodes(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    page = nodes_page(await list_nodes(parts.store, actor=actor), actor=actor, now=now())
    return await render_page(request, "nodes/index.html", page, here="nodes", crumbs=[Crumb("Nodes")])


ROUTES = (show_nodes,)
