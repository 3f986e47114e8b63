"""Making an app."""

from collections.abc import Sequence

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.apps import create_app
from bakery.delivery.image_sources import create_app_of_image
from bakery.delivery.placing import why_no_app
from bakery.model.actor import Actor
from bakery.model.apps import Runtime, parse_new_app
from bakery.model.errors import BadInput, Conflict, NodeUnreachable
from bakery.model.nodes import LOCAL
from bakery.model.permissions import Permission
from bakery.nodes.catalogue import NodeSummary, list_nodes
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.pages.app_source import image_in, with_hint
from bakery.web.rendering import go, render_page
from bakery.web.views.apps import NewAppPage
from bakery.web.views.forms import Form, Option, Options
from bakery.web.views.shell import Crumb

_CREATE = {"permission": Permission.CREATE_APP}
_IMAGE = "image"  # beside the runtimes: one in which Docker runs what nobody builds here
_FIELDS = ("slug", "name", "runtime", "command", "health", "node", "image", "port", "username")
_RUNTIMES: Options = (
    Option(Runtime.DOCKER, "Docker", "Built into an image, from its Dockerfile or one that Bakery writes."),
    Option(
        Runtime.PROCESS, "Process", "Installed in a folder, and run by the node itself: less to build, less memory."
    ),
    Option(Runtime.STATIC, "Static files", "Nothing runs: nginx serves the files as they are."),
    Option(_IMAGE, "An existing image", "Pulled from a registry, public or private, and run in Docker."),
)


@get("/apps/new", opt=_CREATE)
async def show_new(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    return await _page(request, parts, actor, Form(values={"runtime": Runtime.DOCKER, "node": LOCAL}))


@post("/apps/new", opt=_CREATE)
async def create(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """What comes next is to say where its code is, unless an image says it all."""
    form = await typed(request)
    is_image = form.text("runtime") == _IMAGE
    try:
        new = parse_new_app(
            slug=form.text("slug"),
            name=form.text("name"),
            runtime=Runtime.DOCKER if is_image else form.text("runtime"),
            command=form.text("command"),
            health=form.text("health"),
            node=form.text("node") or LOCAL,
        )
        if is_image:
            made = await create_app_of_image(parts.store, parts.links, new, image_in(form), actor=actor)
        else:
            made = await create_app(parts.store, new, actor=actor)
    except (BadInput, Conflict, NodeUnreachable) as error:
        refused = with_hint(form.refused(error, shown=_FIELDS, hidden=("token",)), error)
        return await _page(request, parts, actor, refused, status=status_of(error))
    if is_image:
        return go(request, f"/apps/{made.slug}", said="app-of-image-created")
    return go(request, f"/apps/{made.slug}/source", said="app-created")


async def _page(request: WebRequest, parts: Parts, actor: Actor, form: Form, *, status: int = 200) -> Response[str]:
    nodes = await list_nodes(parts.store, actor=actor)
    page = NewAppPage(form, _RUNTIMES, _options(nodes))
    crumbs = [Crumb("Apps", request.app.state["urls"].url("/apps")), Crumb("New app")]
    return await render_page(request, "apps/new.html", page, here="apps", crumbs=crumbs, status=status)


def _options(nodes: Sequence[NodeSummary]) -> Options:
    """Those to which some app may come."""
    return [
        Option(node.slug, node.name if node.name == node.slug else f"{node.name} ({node.slug})")
        for node in nodes
        if any(why_no_app(node, runtime) == ("", "") for runtime in Runtime)
    ]


ROUTES = (show_new, create)
