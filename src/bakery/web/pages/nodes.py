"""The machines that apps run on: the list, adding one, and one of them."""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect

from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, Conflict
from bakery.model.nodes import AGENT, parse_new_node
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.nodes import registry
from bakery.nodes.bootstrap import Bootstrap, make_bootstrap, script_at
from bakery.nodes.catalogue import last_deployment, list_nodes, show_node
from bakery.store.metrics import latest
from bakery.store.series import Span, series
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.moments import now
from bakery.web.presenters.charts import charts_view
from bakery.web.presenters.nodes import installer_view, node_crumbs, node_tabs, node_view, nodes_page
from bakery.web.presenters.refusals import refusal_toasts
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form
from bakery.web.views.nodes import NewNodePage, NodePage
from bakery.web.views.shell import Crumb

_READ = {"permission": Permission.READ}
_MANAGE = {"permission": Permission.MANAGE_NODES}
_PUBLIC = {"permission": Permission.PUBLIC}
_NEW_FIELDS = ("slug", "host", "port", "user", "bastion", "name")
_REFUSALS = (BadInput, Conflict)
Range = Annotated[Span, QueryParameter(name="range")]


@get("/nodes", opt=_READ)
async def show_nodes(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    nodes = await list_nodes(parts.store, actor=actor)
    newest = await latest(parts.store, [node.id for node in nodes])
    page = nodes_page(nodes, newest, actor=actor, url=request.app.state["urls"].url, now=now())
    return await render_page(request, "nodes/index.html", page, here="nodes", crumbs=[Crumb("Nodes")])


@get("/nodes/new", opt=_MANAGE)
async def show_new(request: WebRequest) -> Response[str]:
    return await _new(request, Form(values={"port": "22", "user": AGENT}))


@post("/nodes/new", opt=_MANAGE)
async def add(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    """The page that it answers with shows the line to run on the machine."""
    form = await typed(request)
    try:
        new = parse_new_node(
            slug=form.text("slug"),
            host=form.text("host"),
            port=form.text("port") or "22",
            user=form.text("user") or AGENT,
            bastion=form.text("bastion"),
            name=form.text("name"),
        )
        added = await registry.add_node(parts.store, new, apps_domain=parts.general.apps_domain, actor=actor)
    except _REFUSALS as error:
        return await _new(request, form.refused(error, shown=_NEW_FIELDS), status=status_of(error))
    return await _page(request, parts, actor, added.slug, made=await _bootstrap(request, parts, added.slug, actor))


@get("/nodes/{node:str}", opt=_MANAGE)
async def show_one(
    request: WebRequest, parts: Parts, actor: Actor, node: str, chosen: Range = Span.HOUR, *, table: bool = False
) -> Response[str]:
    return await _page(request, parts, actor, node, span=chosen, as_table=table)


@post("/nodes/{node:str}/bootstrap", opt=_MANAGE)
async def bootstrap(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str]:
    """A fresh line: for the first time, or to repair."""
    return await _page(request, parts, actor, node, made=await _bootstrap(request, parts, node, actor))


@post("/nodes/{node:str}/verify", opt=_MANAGE)
async def verify(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Redirect:
    await registry.verify_node(parts.store, parts.queue, node, actor=actor)
    return go(request, f"/nodes/{node}", said="verifying")


@post("/nodes/{node:str}/accept-key", opt=_MANAGE)
async def accept_key(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str] | Redirect:
    seen = (await typed(request)).text("seen")
    try:
        await registry.accept_host_key(parts.store, parts.queue, node, seen, actor=actor)
    except Conflict as error:
        return await _page(request, parts, actor, node, refusal=error)
    return go(request, f"/nodes/{node}", said="host-key-accepted")


@get("/bootstrap/{token:str}/install-node.sh", opt=_PUBLIC)
async def installer(parts: Parts, token: str) -> Response[str]:
    """For the machine that becomes a node: the address is the permission, for an hour or until the first handshake."""
    script = await script_at(parts.store, Secret(token))
    return Response(script, media_type="text/x-shellscript; charset=utf-8", headers={"cache-control": "no-store"})


async def _new(request: WebRequest, form: Form, *, status: int = 200) -> Response[str]:
    crumbs = [Crumb("Nodes", request.app.state["urls"].url("/nodes")), Crumb("Add node")]
    return await render_page(request, "nodes/new.html", NewNodePage(form), here="nodes", crumbs=crumbs, status=status)


async def _page(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    slug: str,
    *,
    made: Bootstrap | None = None,
    refusal: BakeryError | None = None,
    span: Span = Span.HOUR,
    as_table: bool = False,
) -> Response[str]:
    node = await show_node(parts.store, slug, actor=actor)
    url, at = request.app.state["urls"].url, now()
    hour = await series(parts.store, node.id, Span.HOUR, at)
    view = node_view(
        node,
        (await latest(parts.store, [node.id])).get(node.id),
        hour,
        await last_deployment(parts.store, node.id, actor=actor),
        url=url,
        now=at,
    )
    shown = hour if span is Span.HOUR else await series(parts.store, node.id, span, at)
    page = NodePage(
        node=view,
        tabs=node_tabs(slug, "overview", url),
        charts=charts_view(shown, span, f"/nodes/{slug}", url=url, as_table=as_table),
        installer=installer_view(made, at) if made else None,
    )
    return await render_page(
        request,
        "nodes/show.html",
        page,
        here="nodes",
        crumbs=node_crumbs(slug, url),
        toasts=refusal_toasts(refusal),
        status=status_of(refusal) if refusal else 200,
    )


async def _bootstrap(request: WebRequest, parts: Parts, slug: str, actor: Actor) -> Bootstrap:
    base = request.app.state["urls"].absolute("", request)
    return await make_bootstrap(parts.store, slug, base_url=base, now=now(), actor=actor)


ROUTES = (
    show_nodes,
    show_new,
    add,
    show_one,
    bootstrap,
    verify,
    accept_key,
    installer,
)
