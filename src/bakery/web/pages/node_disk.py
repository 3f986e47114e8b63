"""Room on a node, and what of Bakery's lies there that nobody needs."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.pruning import prune_node, what_would_go
from bakery.delivery.volumes import NodeVolume, list_node_volumes, remove_volume
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, CommandFailed, Conflict, NodeUnreachable, NotReady
from bakery.model.names import EnvironmentName
from bakery.model.permissions import Permission
from bakery.model.volumes import parse_volume_name
from bakery.nodes.catalogue import show_node
from bakery.store.vault import CannotOpen
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.paths import app_in
from bakery.web.presenters.disk import disk_page
from bakery.web.presenters.nodes import node_crumbs, node_tabs
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb

PRODUCTION = "production"
_MANAGE = {"permission": Permission.MANAGE_NODES}


@get("/nodes/{node:str}/disk", opt=_MANAGE)
async def show_disk(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str]:
    return await _page(request, parts, actor, node)


async def _page(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    node: str,
    *,
    delete: Form | None = None,
    refused: str = "",
    refusal: BakeryError | None = None,
    status: int = 200,
) -> Response[str]:
    """The node is asked while the page waits. One that does not answer has a page too, which says so."""
    await show_node(parts.store, node, actor=actor)
    url = request.app.state["urls"].url
    trouble, prunable, volumes = "", None, list[NodeVolume]()
    try:
        prunable = await what_would_go(parts.store, parts.links, node, actor=actor)
        volumes = [*await list_node_volumes(parts.store, parts.links, node, actor=actor)]
    except (NodeUnreachable, CommandFailed, NotReady, CannotOpen) as error:
        trouble = f"{error.message} {error.hint}".strip()
    tabs = node_tabs(node, "disk", url)
    page = disk_page(node, prunable, volumes, trouble, tabs=tabs, delete=delete, refused=refused, refusal=refusal)
    crumbs = [*node_crumbs(node, url), Crumb("Disk")]
    return await render_page(
        request,
        "nodes/disk.html",
        page,
        here="nodes",
        crumbs=crumbs,
        status=status,
    )


@post("/nodes/{node:str}/prune", opt=_MANAGE)
async def prune(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Redirect:
    await prune_node(parts.store, parts.queue, node, actor=actor)
    return go(request, f"/nodes/{node}/disk", said="pruning")


@post("/nodes/{node:str}/volumes/{slug:str}/{volume:str}/delete", opt=_MANAGE)
async def delete_volume(
    request: WebRequest, parts: Parts, actor: Actor, node: str, slug: str, volume: str
) -> Response[str] | Redirect:
    app, name, form = app_in(slug), parse_volume_name(volume), await typed(request)
    if form.text("confirm").strip() != name:
        wrong = BadInput(f"Type {name}, exactly as it is written here.", field="confirm")
        form_again = form.refused(wrong, shown=("confirm",))
        key = f"{app}-{name}"
        return await _page(
            request, parts, actor, node, delete=form_again, refused=key, refusal=wrong, status=status_of(wrong)
        )
    try:
        await remove_volume(parts.store, parts.links, node, app, EnvironmentName(PRODUCTION), name, actor=actor)
    except (Conflict, CommandFailed) as error:
        return await _page(request, parts, actor, node, refusal=error, status=status_of(error))
    return go(request, f"/nodes/{node}/disk", said="volume-deleted")


ROUTES = (show_disk, prune, delete_volume)
