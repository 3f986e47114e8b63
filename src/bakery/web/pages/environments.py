"""The environments of an app: which there are, and adding one."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.apps import show_app
from bakery.delivery.environments import add_environment, list_environments, parse_new_environment
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, Conflict
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.presenters.environments import environments_page
from bakery.web.rendering import go, render_page, url_of
from bakery.web.views.forms import Form
from bakery.web.views.shell import Crumb

_SHOWN = ("name", "branch", "variables")


@get("/apps/{slug:str}/environments", opt={"permission": Permission.READ})
async def show(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str]:
    return await _page(request, parts, actor, where)


@post("/apps/{slug:str}/environments", opt={"permission": Permission.CREATE_APP})
async def add(request: WebRequest, parts: Parts, actor: Actor, where: AppAt) -> Response[str] | Redirect:
    """Like the one that the page shows."""
    form = await typed(request)
    try:
        new = parse_new_environment(
            form.text("name"), branch=form.text("branch"), node="", with_variables=form.is_on("variables")
        )
        made = await add_environment(parts.store, where, new, actor=actor)
    except (BadInput, Conflict) as error:
        named = error if isinstance(error, BadInput) else BadInput(error.message, field="name", hint=error.hint)
        refused = form.refused(named, shown=_SHOWN)
        return await _page(request, parts, actor, where, form=refused, status=status_of(error))
    return go(request, f"/apps/{where.app}", said="environment-added", to=made.where)


async def _page(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, *, form: Form | None = None, status: int = 200
) -> Response[str]:
    app = await show_app(parts.store, where, actor=actor)
    found = await list_environments(parts.store, where, actor=actor)
    url = url_of(request)
    return await render_page(
        request,
        "apps/environments.html",
        environments_page(app, found, form=form or Form(), actor=actor, url=url, plain=request.app.state["urls"].url),
        here=f"app:{where.app}",
        crumbs=[Crumb("Apps", url("/apps")), Crumb(str(where), url(f"/apps/{where.app}")), Crumb("Environments")],
        status=status,
    )


ROUTES = (show, add)
