"""Room on a node, and what of Bakery's lies there that nobody needs."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.pruning import prune_node, what_would_go
from bakery.model.actor import Actor
from bakery.model.errors import CommandFailed, NodeUnreachable, NotReady
from bakery.model.permissions import Permission
from bakery.nodes.catalogue import show_node
from bakery.store.vault import CannotOpen
from bakery.web.context import Parts, WebRequest
from bakery.web.presenters.disk import disk_page
from bakery.web.presenters.nodes import node_crumbs, node_tabs
from bakery.web.rendering import go, render_page
from bakery.web.views.shell import Crumb

_MANAGE = {"permission": Permission.MANAGE_NODES}


@get("/nodes/{node:str}/disk", opt=_MANAGE)
async def show_disk(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str]:
    """The node is asked while the page waits. One that does not answer has a page too, which says so."""
    found = await show_node(parts.store, node, actor=actor)
    url = request.app.state["urls"].url
    trouble, prunable = "", None
    try:
        prunable = await what_would_go(parts.store, parts.links, node, actor=actor)
    except (NodeUnreachable, CommandFailed, NotReady, CannotOpen) as error:
        trouble = f"{error.message} {error.hint}".strip()
    page = disk_page(node, prunable, trouble, tabs=node_tabs(node, "disk", url, is_local=found.is_local))
    crumbs = [*node_crumbs(node, url), Crumb("Disk")]
    return await render_page(request, "nodes/disk.html", page, here="nodes", crumbs=crumbs)


@post("/nodes/{node:str}/prune", opt=_MANAGE)
async def prune(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Redirect:
    await prune_node(parts.store, parts.queue, node, actor=actor)
    return go(request, f"/nodes/{node}/disk", said="pruning")


ROUTES = (show_disk, prune)
