"""What holds for all apps of the installation."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.delivery.defaults import change_defaults, show_defaults
from bakery.model.actor import Actor
from bakery.model.errors import BadInput
from bakery.model.permissions import Permission
from bakery.model.terms import OF_INSTALLATION
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.presenters.terms import stored_terms, term_groups
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form
from bakery.web.views.settings import AppDefaultsPage
from bakery.web.views.shell import Crumb

_OPT = {"permission": Permission.MANAGE_SYSTEM}


@get("/settings/apps", opt=_OPT)
async def show_app_defaults(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    return await _page(request, parts, actor)


@post("/settings/apps", opt=_OPT)
async def save_app_defaults(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """What is not in the form stays as it is."""
    form = await typed(request)
    wanted = {name: form.text(name) for name in OF_INSTALLATION if name in form.values}
    try:
        await change_defaults(parts.store, wanted, actor=actor)
    except BadInput as error:
        refused = form.refused(error, shown=OF_INSTALLATION)
        return await _page(request, parts, actor, form=refused, status=status_of(error))
    return go(request, "/settings/apps", said="settings-saved")


async def _page(
    request: WebRequest, parts: Parts, actor: Actor, *, form: Form | None = None, status: int = 200
) -> Response[str]:
    terms = await show_defaults(parts.store, actor=actor)
    return await render_page(
        request,
        "settings/apps.html",
        AppDefaultsPage(form or Form(values=stored_terms(terms)), term_groups(terms)),
        here="settings",
        crumbs=[Crumb("Settings")],
        status=status,
    )


ROUTES = (show_app_defaults, save_app_defaults)
