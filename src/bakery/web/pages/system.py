"""Settings of the installation."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.access.audit import last_change
from bakery.ingress.places import change_general
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, ChangedMeanwhile
from bakery.model.permissions import Permission
from bakery.store.installation import General, read_general
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.moments import now
from bakery.web.presenters.clashes import clash
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Clash, Form
from bakery.web.views.settings import GeneralPage
from bakery.web.views.shell import Crumb

_OPT = {"permission": Permission.MANAGE_SYSTEM}
_FIELDS = {"base_url": "Base URL", "public_ip": "Public IP address", "apps_domain": "Apps domain"}


@get("/settings/general", opt=_OPT)
async def show_general(request: WebRequest, parts: Parts) -> Response[str]:
    return await _page(request, parts, Form(values=_stored(parts.general)))


@post("/settings/general", opt=_OPT)
async def save_general(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    if form.text("answer") == "theirs":
        return go(request, "/settings/general")
    values = {**_stored(parts.general), **{name: form.text(name) for name in _FIELDS if name in form.values}}
    try:
        parts.general = await change_general(
            parts.store, parts.queue, parts.settings, **values, made_from=form.made_from, actor=actor
        )
    except ChangedMeanwhile as error:
        parts.general = await read_general(parts.store, parts.settings)
        compared = [(label, _stored(parts.general)[name], values[name].strip()) for name, label in _FIELDS.items()]
        change = await last_change(parts.store, "settings", "general", ["settings.changed"], actor=actor)
        found = clash(compared, change, actor=actor, now=now())
        return await _page(request, parts, Form(values=values), clash=found, status=status_of(error))
    except BadInput as error:
        return await _page(request, parts, form.refused(error, shown=_FIELDS), status=status_of(error))
    return go(request, "/settings/general", said="settings-saved")


def _stored(general: General) -> dict[str, str]:
    return {name: getattr(general, name) or "" for name in _FIELDS}


async def _page(
    request: WebRequest, parts: Parts, form: Form, *, clash: Clash | None = None, status: int = 200
) -> Response[str]:
    fixed = {name: f"Set by BAKERY_{name.upper()} in the environment." for name in parts.general.fixed}
    return await render_page(
        request,
        "settings/general.html",
        GeneralPage(form=form, fixed=fixed, version=parts.general.version, clash=clash),
        here="settings",
        crumbs=[Crumb("Settings")],
        status=status,
    )


ROUTES = (show_general, save_general)
