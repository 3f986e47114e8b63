"""The DNS providers of the installation, in its settings."""

from collections.abc import Sequence

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.ingress.dns_providers import (
    DnsProvider,
    add_dns_provider,
    change_dns_provider,
    list_dns_providers,
    remove_dns_provider,
    show_dns_provider,
)
from bakery.model.actor import Actor
from bakery.model.dns_providers import ALGORITHMS, USUAL_PORT, USUAL_WAIT, NameServer, parse_name_server
from bakery.model.errors import BadInput, BakeryError, Conflict
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import Typed, typed
from bakery.web.moments import moment, now
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form, Option
from bakery.web.views.settings import DnsProviderRow, DnsProvidersPage
from bakery.web.views.shell import Crumb

_OPT = {"permission": Permission.MANAGE_SYSTEM}
_HERE = "/settings/dns"
_SHOWN = ("name", "zones", "server", "port", "key_name", "algorithm", "wait")
_NEW = Form(values={"port": str(USUAL_PORT), "wait": str(USUAL_WAIT), "algorithm": ALGORITHMS[0]})


@get(_HERE, opt=_OPT)
async def show_dns(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    return await _page(request, await list_dns_providers(parts.store, actor=actor), _NEW)


@post(_HERE, opt=_OPT)
async def add(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        await add_dns_provider(parts.store, form.text("name"), _wanted(form), form.secret("secret"), actor=actor)
    except (BadInput, Conflict) as error:
        refused = form.refused(error, shown=_SHOWN, hidden=("secret",))
        return await _page(request, await list_dns_providers(parts.store, actor=actor), refused, error=error)
    return go(request, _HERE, said="dns-provider-added")


@post(f"{_HERE}/change", opt=_OPT)
async def change(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """`name`: which one. A secret that is left empty stays."""
    form = await typed(request)
    name = (await show_dns_provider(parts.store, form.text("name"), actor=actor)).name
    try:
        await change_dns_provider(parts.store, name, _wanted(form), form.secret("secret") or None, actor=actor)
    except (BadInput, Conflict) as error:
        refused = form.refused(error, shown=_SHOWN, hidden=("secret",))
        found = await list_dns_providers(parts.store, actor=actor)
        return await _page(request, found, _NEW, changing=(name, refused), error=error)
    return go(request, _HERE, said="settings-saved")


@post(f"{_HERE}/remove", opt=_OPT)
async def remove(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """`name`: which one."""
    form = await typed(request)
    name = form.text("name")
    try:
        await remove_dns_provider(parts.store, name, actor=actor)
    except Conflict as error:
        found = await list_dns_providers(parts.store, actor=actor)
        refused = Form(values=_values(found, name), problem=f"{error.message} {error.hint}")
        return await _page(request, found, _NEW, changing=(name, refused), error=error)
    return go(request, _HERE, said="dns-provider-removed")


def _wanted(form: Typed) -> NameServer:
    return parse_name_server(
        zones=form.text("zones").split(),
        server=form.text("server"),
        port=_number(form, "port", USUAL_PORT),
        key_name=form.text("key_name"),
        algorithm=form.text("algorithm"),
        wait=_number(form, "wait", USUAL_WAIT),
    )


def _number(form: Typed, name: str, usual: int) -> int:
    """Empty: what is usual. What is no number is none that is accepted."""
    text = form.text(name).strip()
    if not text:
        return usual
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


async def _page(
    request: WebRequest,
    found: Sequence[DnsProvider],
    form: Form,
    *,
    changing: tuple[str, Form] = ("", _NEW),
    error: BakeryError | None = None,
) -> Response[str]:
    page = dns_providers_page(found, form, changing=changing)
    return await render_page(
        request,
        "settings/dns.html",
        page,
        here="settings",
        crumbs=[Crumb("Settings")],
        status=status_of(error) if error else 200,
    )


def dns_providers_page(
    found: Sequence[DnsProvider], form: Form = _NEW, *, changing: tuple[str, Form] = ("", _NEW)
) -> DnsProvidersPage:
    at = now()
    name, refused = changing
    return DnsProvidersPage(
        rows=[
            DnsProviderRow(
                name=one.name,
                zones=one.zones,
                apps=one.apps,
                form=refused if one.name == name else Form(values=_values(found, one.name)),
                changed=moment(one.changed_at, at),
                changed_by=one.changed_by,
                is_open=one.name == name,
            )
            for one in found
        ],
        form=form,
        algorithms=[Option(one, one) for one in ALGORITHMS],
    )


def _values(found: Sequence[DnsProvider], name: str) -> dict[str, str]:
    one = next((one for one in found if one.name == name), None)
    if one is None:
        return {}
    return {
        "zones": "\n".join(one.zones), "server": one.server, "port": str(one.port), "key_name": one.key_name,
        "algorithm": one.algorithm, "wait": str(one.wait),
    }  # fmt: skip


ROUTES = (show_dns, add, change, remove)
