"""DNS providers of the installation, where Bakery may write what proves names with a star."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import delete, get, patch, post

from bakery.ingress import dns_providers
from bakery.model.actor import Actor
from bakery.model.dns_providers import USUAL, parse_dns_account
from bakery.model.permissions import Permission
from bakery.web.api.listing import Listing, listing, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_MANAGE = {"permission": Permission.MANAGE_SYSTEM}
_Zones = Annotated[list[Annotated[str, msgspec.Meta(max_length=300)]], msgspec.Meta(max_length=100)]
_Fields = dict[Annotated[str, msgspec.Meta(max_length=40)], Annotated[str, msgspec.Meta(max_length=600)] | int]


class DnsProvider(msgspec.Struct, kw_only=True):
    """`plugin` is certbot's; `fields` are those of it that are no secrets, which are told to nobody; `wait` are the
    seconds until all servers of a zone have a record. `apps` are those whose certificates it proves."""

    name: str
    plugin: str
    zones: list[str]
    fields: dict[str, str]
    wait: int
    apps: list[str]
    changed_by: str
    changed_at: datetime


class DnsProviderWanted(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`plugin` is the kind of provider, and says which `fields` there are: of rfc2136 `server` (the address of the
    zones' primary name server), `port`, `key_name`, `algorithm` and `secret` (of the TSIG key, in base64); of
    cloudflare `api_token`; of digitalocean and dnsimple `token`; of gandi `api_key`; of linode `key`; of gehirn and
    sakuracloud `api_token` and `api_secret`; of ovh `endpoint`, `application_key`, `application_secret` and
    `consumer_key`. `wait` null: what is usual for it."""

    name: str
    zones: _Zones
    fields: _Fields
    plugin: str = USUAL
    wait: int | None = None


class DnsProviderChanges(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is null, and a field that is not named, stays as it is. Another place (of rfc2136 server, port or key name,
    of ovh the endpoint) needs the secrets too."""

    zones: _Zones | None = None
    fields: _Fields | None = None
    wait: int | None = None


@get(
    "/dns-providers",
    operation_id="listDnsProviders",
    summary="List DNS providers",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def get_dns_providers(parts: Parts, actor: Actor) -> Listing[DnsProvider]:
    """By name."""
    return listing(DnsProvider, await dns_providers.list_dns_providers(parts.store, actor=actor), None)


@post(
    "/dns-providers",
    operation_id="addDnsProvider",
    summary="Add a DNS provider",
    opt=_MANAGE,
    responses=problems(409),
    tags=["System"],
)
async def post_dns_provider(parts: Parts, actor: Actor, data: DnsProviderWanted) -> DnsProvider:
    """Names with a star in its zones get certificates from now on, also those that are attached already."""
    wanted, secrets = parse_dns_account(data.plugin, zones=data.zones, fields=_texts(data.fields), wait=data.wait)
    added = await dns_providers.add_dns_provider(parts.store, data.name, wanted, secrets, actor=actor)
    return shown(DnsProvider, added)


@patch(
    "/dns-providers/{provider:str}",
    operation_id="changeDnsProvider",
    summary="Change a DNS provider",
    opt=_MANAGE,
    responses=problems(409),
    tags=["System"],
)
async def patch_dns_provider(parts: Parts, actor: Actor, provider: str, data: DnsProviderChanges) -> DnsProvider:
    """What was refused is asked for anew."""
    now = (await dns_providers.show_dns_provider(parts.store, provider, actor=actor)).account
    wanted, secrets = parse_dns_account(
        now.plugin,
        zones=now.zones if data.zones is None else data.zones,
        fields={**now.fields, **_texts(data.fields or {})},
        wait=now.wait if data.wait is None else data.wait,
    )
    changed = await dns_providers.change_dns_provider(parts.store, provider, wanted, secrets, actor=actor)
    return shown(DnsProvider, changed)


@delete(
    "/dns-providers/{provider:str}",
    operation_id="removeDnsProvider",
    summary="Remove a DNS provider",
    opt=_MANAGE,
    responses=problems(409),
    tags=["System"],
)
async def delete_dns_provider(parts: Parts, actor: Actor, provider: str) -> None:
    """Refused while certificates are renewed by it."""
    await dns_providers.remove_dns_provider(parts.store, provider, actor=actor)


def _texts(fields: Mapping[str, str | int]) -> Mapping[str, str]:
    return {name: str(value) for name, value in fields.items()}


ROUTES = (get_dns_providers, post_dns_provider, patch_dns_provider, delete_dns_provider)
