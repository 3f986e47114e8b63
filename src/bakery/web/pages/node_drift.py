"""What a node has otherwise than Bakery wants it, and putting it right."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.node_drift import NodeDrift, look_for_drift, repair
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, CommandFailed, Conflict, NodeUnreachable, NotFound, NotReady
from bakery.model.permissions import Permission
from bakery.nodes.catalogue import show_node
from bakery.store.vault import CannotOpen
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.presenters.drift import drift_page
from bakery.web.presenters.nodes import node_crumbs, node_tabs
from bakery.web.rendering import go, render_page
from bakery.web.views.shell import Crumb

_MANAGE = {"permission": Permission.MANAGE_NODES}


@get("/nodes/{node:str}/drift", opt=_MANAGE)
async def show_drift(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str]:
    return await _page(request, parts, actor, node)


async def _page(
    request: WebRequest, parts: Parts, actor: Actor, node: str, refusal: BakeryError | None = None
) -> Response[str]:
    """The node is asked while the page waits. One that does not answer has a page too, which says so."""
    await show_node(parts.store, node, actor=actor)
    url = request.app.state["urls"].url
    trouble, drift = "", NodeDrift((), (), 0)
    try:
        drift = await look_for_drift(parts.store, parts.queue, parts.links, node, actor=actor)
    except (NodeUnreachable, CommandFailed, Conflict, NotReady, CannotOpen) as error:
        trouble = f"{error.message} {error.hint}".strip()
    problem = f"{refusal.message} {refusal.hint}".strip() if refusal else ""
    tabs = node_tabs(node, "drift", url)
    page = drift_page(node, drift, tabs=tabs, trouble=trouble, problem=problem)
    crumbs = [*node_crumbs(node, url), Crumb("Drift")]
    status = status_of(refusal) if refusal else 200
    return await render_page(request, "nodes/drift.html", page, here="nodes", crumbs=crumbs, status=status)


@post("/nodes/{node:str}/repair", opt=_MANAGE)
async def repair_drift(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str] | Redirect:
    what = (await typed(request)).text("what")
    await show_node(parts.store, node, actor=actor)
    try:
        await repair(parts.store, parts.queue, parts.links, node, [what] if what else [], actor=actor)
    except (NodeUnreachable, CommandFailed, Conflict, NotFound, NotReady, CannotOpen) as error:
        return await _page(request, parts, actor, node, error)
    return go(request, f"/nodes/{node}/drift", said="repairing")


ROUTES = (show_drift, repair_drift)
