"""What is set about a node, and what ends with it: its addresses, draining, its key, and removing it."""

from collections.abc import Awaitable, Callable

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.ingress.places import edit_node
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, Conflict
from bakery.model.permissions import Permission
from bakery.nodes import registry
from bakery.nodes.catalogue import apps_on, show_node
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.presenters.nodes import node_crumbs, node_tabs
from bakery.web.presenters.refusals import refusal_toasts
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form
from bakery.web.views.nodes import NodeSettingsPage
from bakery.web.views.shell import Crumb

_MANAGE = {"permission": Permission.MANAGE_NODES}
_EDIT_FIELDS = ("name", "host", "port", "user", "bastion", "apps_domain", "public_address", "public_ipv6")
_REFUSALS = (BadInput, Conflict)


@get("/nodes/{node:str}/settings", opt=_MANAGE)
async def show_settings(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str]:
    return await _settings(request, parts, actor, node)


@post("/nodes/{node:str}/settings", opt=_MANAGE)
async def save_settings(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str] | Redirect:
    form = await typed(request)
    wanted = {name: form.text(name) for name in _EDIT_FIELDS if name in form.values}
    try:
        now = await show_node(parts.store, node, actor=actor)
        if wanted.get("public_ipv6") == (now.public_ipv6 or ""):
            del wanted["public_ipv6"]  # the page showed what was found: nobody said it
        if wanted:
            await edit_node(parts.store, parts.queue, node, wanted, actor=actor)
    except _REFUSALS as error:
        refused = form.refused(error, shown=_EDIT_FIELDS)
        return await _settings(request, parts, actor, node, form=refused, status=status_of(error))
    return go(request, f"/nodes/{node}/settings", said="node-saved")


@post("/nodes/{node:str}/drain", opt=_MANAGE)
async def drain(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Redirect:
    await registry.drain_node(parts.store, node, is_draining=True, actor=actor)
    return go(request, f"/nodes/{node}/settings", said="draining")


@post("/nodes/{node:str}/undrain", opt=_MANAGE)
async def undrain(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Redirect:
    await registry.drain_node(parts.store, node, is_draining=False, actor=actor)
    return go(request, f"/nodes/{node}/settings", said="undrained")


@post("/nodes/{node:str}/rotate-key", opt=_MANAGE)
async def rotate_key(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str] | Redirect:
    return await _settled(request, parts, actor, node, registry.rotate_key, said="rotating")


@post("/nodes/{node:str}/remove", opt=_MANAGE)
async def remove(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        if form.text("confirm").strip() != node:
            raise BadInput(f"Type {node}, exactly as it is written here.", field="confirm")  # noqa: TRY301 - one place answers
        await registry.remove_node(parts.store, node, actor=actor)
    except BadInput as error:
        refused = form.refused(error, shown=("confirm",))
        return await _settings(request, parts, actor, node, remove=refused, status=status_of(error))
    except Conflict as error:
        return await _settings(request, parts, actor, node, refusal=error)
    return go(request, "/nodes", said="node-removed")


async def _settings(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    slug: str,
    *,
    form: Form | None = None,
    remove: Form | None = None,
    refusal: BakeryError | None = None,
    status: int = 200,
) -> Response[str]:
    node = await show_node(parts.store, slug, actor=actor)
    url = request.app.state["urls"].url
    stored = {
        "name": node.name,
        "host": node.host or "",
        "port": str(node.port or ""),
        "user": node.login or "",
        "bastion": node.bastion or "",
        "apps_domain": node.apps_domain,
        "public_address": node.public_address or "",
        "public_ipv6": node.public_ipv6 or "",
    }
    apps = await apps_on(parts.store, slug, actor=actor)
    page = NodeSettingsPage(
        node=slug,
        tabs=node_tabs(slug, "settings", url),
        form=form or Form(values=stored),
        is_local=node.is_local,
        is_draining=node.is_draining,
        is_rotating=node.is_rotating,
        why_not_remove=f"Apps live there: {', '.join(apps)}." if apps else "",
        remove=remove or Form(),
    )
    return await render_page(
        request,
        "nodes/settings.html",
        page,
        here="nodes",
        crumbs=[*node_crumbs(slug, url), Crumb("Settings")],
        toasts=refusal_toasts(refusal),
        status=status_of(refusal) if refusal else status,
    )


async def _settled(
    request: WebRequest, parts: Parts, actor: Actor, slug: str, use_case: Callable[..., Awaitable[None]], *, said: str
) -> Response[str] | Redirect:
    try:
        await use_case(parts.store, parts.queue, slug, actor=actor)
    except Conflict as error:
        return await _settings(request, parts, actor, slug, refusal=error)
    return go(request, f"/nodes/{slug}/settings", said=said)


ROUTES = (
    show_settings,
    save_settings,
    drain,
    undrain,
    rotate_key,
    remove,
)
