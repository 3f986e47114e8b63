"""Bakery's own address: whether this machine's nginx passes requests on to Bakery."""

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.ingress.own_site import OwnSite, choose_own_site, show_own_site, why_not
from bakery.model.actor import Actor
from bakery.model.errors import BadInput
from bakery.model.permissions import Permission
from bakery.store.installation import General
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.rendering import go, render_page
from bakery.web.views.settings import OwnSitePage
from bakery.web.views.shell import Crumb
from bakery.web.views.status import StatusView

_OPT = {"permission": Permission.MANAGE_SYSTEM}


@get("/settings/address", opt=_OPT)
async def show_address(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    return await _page(request, parts, await show_own_site(parts.store, actor=actor))


@post("/settings/address", opt=_OPT)
async def save_address(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """`is_wanted`: on or off."""
    form = await typed(request)
    is_wanted = form.text("is_wanted") == "on"
    try:
        chosen = await choose_own_site(parts.store, parts.general, is_wanted=is_wanted, actor=actor)
    except BadInput as error:
        site = await show_own_site(parts.store, actor=actor)
        return await _page(request, parts, site, refused=error)
    parts.has_own_site = chosen.is_wanted
    return go(request, "/settings/address", said="settings-saved")


async def _page(request: WebRequest, parts: Parts, site: OwnSite, *, refused: BadInput | None = None) -> Response[str]:
    return await render_page(
        request,
        "settings/address.html",
        own_site_page(site, parts.general, problem=f"{refused.message} {refused.hint}" if refused else ""),
        here="settings",
        crumbs=[Crumb("Settings")],
        status=status_of(refused) if refused else 200,
    )


def own_site_page(site: OwnSite, general: General, *, problem: str = "") -> OwnSitePage:
    status, told = _state(site)
    return OwnSitePage(
        status=status,
        told=told,
        base_url=general.base_url or "",
        is_wanted=site.is_wanted,
        trouble=problem or site.trouble,
        why_not=why_not(general),
        secure=f"until {site.secure_until:%Y-%m-%d}, renewed by itself" if site.secure_until else "",
        insecure=site.insecure,
    )


def _state(site: OwnSite) -> tuple[StatusView, str]:
    if site.trouble:
        return StatusView("bad", "s-bad", "Not as it should be"), "nginx does not pass requests on as you want it."
    if not site.is_settled:
        return StatusView("run", "s-run", "Changing"), "This machine's nginx is told."
    if site.host:
        return StatusView("ok", "s-ok", "On"), f"This machine's nginx passes requests for {site.host} on to Bakery."
    return StatusView("off", "s-off", "Off"), "People reach Bakery on its own port, or by a proxy of yours."


ROUTES = (show_address, save_address)
