"""The DNS providers of the installation, in its settings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

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
from bakery.model.dns_providers import KINDS, USUAL, DnsAccount, Kind, kind_named, parse_dns_account
from bakery.model.errors import BadInput, BakeryError, Conflict
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import Typed, typed
from bakery.web.moments import moment, now
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form, Option
from bakery.web.views.settings import DnsField, DnsProviderRow, DnsProvidersPage
from bakery.web.views.shell import Crumb

_OPT = {"permission": Permission.MANAGE_SYSTEM}
_HERE = "/settings/dns"
_SHOWN = ("name", "zones", "wait")


@get(_HERE, opt=_OPT)
async def show_dns(request: WebRequest, parts: Parts, actor: Actor, plugin: str = "") -> Response[str]:
    """`plugin`: of which kind the one is that is added."""
    kind = KINDS.get(plugin, KINDS[USUAL])
    return await _page(request, await list_dns_providers(parts.store, actor=actor), _new(kind))


@post(_HERE, opt=_OPT)
async def add(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    form = await typed(request)
    kind = KINDS.get(form.text("plugin"), KINDS[USUAL])
    try:
        wanted, secrets = _wanted(form, kind_named(form.text("plugin") or USUAL))
        await add_dns_provider(parts.store, form.text("name"), wanted, secrets, actor=actor)
    except (BadInput, Conflict) as error:
        refused = _refused(form, kind, error)
        return await _page(request, await list_dns_providers(parts.store, actor=actor), refused, error=error)
    return go(request, _HERE, said="dns-provider-added")


@post(f"{_HERE}/change", opt=_OPT)
async def change(request: WebRequest, parts: Parts, actor: Actor) -> Response[str] | Redirect:
    """`name`: which one. A secret that is left empty stays."""
    form = await typed(request)
    now = await show_dns_provider(parts.store, form.text("name"), actor=actor)
    kind = now.account.kind
    try:
        wanted, secrets = _wanted(form, kind)
        await change_dns_provider(parts.store, now.name, wanted, secrets, actor=actor)
    except (BadInput, Conflict) as error:
        found = await list_dns_providers(parts.store, actor=actor)
        changing = (now.name, _refused(form, kind, error))
        return await _page(request, found, _new(KINDS[USUAL]), changing=changing, error=error)
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
        return await _page(request, found, _new(KINDS[USUAL]), changing=(name, refused), error=error)
    return go(request, _HERE, said="dns-provider-removed")


def _wanted(form: Typed, kind: Kind) -> tuple[DnsAccount, Mapping[str, Secret]]:
    return parse_dns_account(
        kind.plugin,
        zones=form.text("zones").split(),
        fields={field.name: form.text(field.name) for field in kind.fields},
        wait=_number(form, "wait"),
    )


def _number(form: Typed, name: str) -> int | None:
    """Empty: what is usual. What is no number is none that is accepted."""
    text = form.text(name).strip()
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _refused(form: Typed, kind: Kind, error: BakeryError) -> Form:
    shown = [*_SHOWN, *(field.name for field in kind.open_fields)]
    refused = form.refused(error, shown=shown, hidden=[field.name for field in kind.secret_fields])
    return replace(refused, values={**refused.values, "plugin": kind.plugin})


def _new(kind: Kind) -> Form:
    usual = {field.name: field.usual for field in kind.open_fields}
    return Form(values={"plugin": kind.plugin, "wait": str(kind.wait), **usual})


async def _page(
    request: WebRequest,
    found: Sequence[DnsProvider],
    form: Form,
    *,
    changing: tuple[str, Form] = ("", Form()),
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
    found: Sequence[DnsProvider], form: Form | None = None, *, changing: tuple[str, Form] = ("", Form())
) -> DnsProvidersPage:
    at, form = now(), form or _new(KINDS[USUAL])
    name, refused = changing
    kind = KINDS[form.value("plugin")]
    return DnsProvidersPage(
        rows=[
            DnsProviderRow(
                name=one.name,
                kind=one.account.kind.title,
                fields=_fields(one.account.kind, is_new=False),
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
        kinds=[Option(one.plugin, one.title) for one in KINDS.values()],
        kind=kind.title,
        fields=_fields(kind, is_new=True),
    )


def _values(found: Sequence[DnsProvider], name: str) -> dict[str, str]:
    one = next((one for one in found if one.name == name), None)
    if one is None:
        return {}
    return {"zones": "\n".join(one.zones), "wait": str(one.wait), **one.fields}


def _fields(kind: Kind, *, is_new: bool) -> list[DnsField]:
    kept = "Leave it empty to keep the one that is stored."
    sealed = "It is stored sealed, and lies on a node only while certbot asks there."
    return [
        DnsField(
            name=field.name,
            label=field.label,
            help=" ".join(filter(None, (field.help, (sealed if is_new else kept) if field.is_secret else ""))),
            options=[Option(one, one) for one in field.choices],
            is_secret=field.is_secret,
            is_required=not field.usual and (is_new or not field.is_secret),
        )
        for field in kind.fields
    ]


ROUTES = (show_dns, add, change, remove)
