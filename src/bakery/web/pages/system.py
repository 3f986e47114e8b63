"""Settings of the installation."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.access.general import change_general
from bakery.model.actor import Actor
from bakery.model.errors import BadInput
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form
from bakery.web.views.settings import GeneralPage
from bakery.web.views.shell import Crumb

_OPT = {"permission": Permission.MANAGE_SYSTEM}
_FIELDS = ("base_url", "public_ip", "apps_domain")


@get("/settings/general", opt=_OPT)
async def show_general(request: WebRequest, parts: Parts) -> Response[str]:
    general = parts.general
    values = {
        "base_url": general.base_url or "",
        "public_ip": general.public_ip or "",
        "apps_domain": general.apps_domain,
    }
    return await _page(request, parts, Form(values=values))


@post("/settings/general", opt=_OPT)
async def save_general(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    values = {name: form.values.get(name, getattr(parts.general, name) or "") for name in _FIELDS}
    try:
        parts.general = await change_general(parts.store, parts.settings, **values, actor=actor)
    except BadInput as error:
        return await _page(request, parts, form.refused(error, shown=_FIELDS), status=status_of(error))
    return go(request, "/settings/general", said="settings-saved")


async def _page(request: WebRequest, parts: Parts, form: Form, *, status: int = 200) -> Response[str]:
    fixed = {name: f"Set by BAKERY_{name.upper()} in the environment." for name in parts.general.fixed}
    return await render_page(
        request,
        "settings/general.html",
        GeneralPage(form=form, fixed=fixed),
        here="settings",
        crumbs=[Crumb("Settings")],
        status=status,
    )


ROUTES = (show_general, save_general)
