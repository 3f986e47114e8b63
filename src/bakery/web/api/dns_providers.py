"""DNS providers of the installation: name servers where Bakery may write what proves names with a star."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import delete, get, patch, post

from bakery.ingress import dns_providers
from bakery.model.actor import Actor
from bakery.model.dns_providers import ALGORITHMS, USUAL_PORT, USUAL_WAIT, parse_name_server
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.web.api.listing import Listing, listing, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_MANAGE = {"permission": Permission.MANAGE_SYSTEM}
_Zones = Annotated[list[Annotated[str, msgspec.Meta(max_length=300)]], msgspec.Meta(max_length=100)]


class DnsProvider(msgspec.Struct, kw_only=True):
    """`plugin` is certbot's; `wait` are the seconds until all servers of a zone have a record. `apps` are those whose
    certificates it proves. Its secret is told to nobody."""

    name: str
    plugin: str
    zones: list[str]
    server: str
    port: int
    key_name: str
    algorithm: str
    wait: int
    apps: list[str]
    changed_by: str
    changed_at: datetime


class DnsProviderWanted(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`server` is the address of the zones' primary name server, which takes updates by RFC 2136 signed with the TSIG
    key; `secret` is the key, in base64."""

    name: str
    zones: _Zones
    server: str
    key_name: str
    secret: str
    port: int = USUAL_PORT
    algorithm: str = ALGORITHMS[0]
    wait: int = USUAL_WAIT


class DnsProviderChanges(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is null stays as it is. Another server, port or key name needs the secret too."""

    zones: _Zones | None = None
    server: str | None = None
    port: int | None = None
    key_name: str | None = None
    algorithm: str | None = None
    secret: str | None = None
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
    wanted = parse_name_server(
        zones=data.zones,
        server=data.server,
        port=data.port,
        key_name=data.key_name,
        algorithm=data.algorithm,
        wait=data.wait,
    )
    added = await dns_providers.add_dns_provider(parts.store, data.name, wanted, Secret(data.secret), actor=actor)
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
    now = (await dns_providers.show_dns_provider(parts.store, provider, actor=actor)).name_server
    wanted = parse_name_server(
        zones=now.zones if data.zones is None else data.zones,
        server=now.server if data.server is None else data.server,
        port=now.port if data.port is None else data.port,
        key_name=now.key_name if data.key_name is None else data.key_name,
        algorithm=now.algorithm if data.algorithm is None else data.algorithm,
        wait=now.wait if data.wait is None else data.wait,
    )
    secret = Secret(data.secret) if data.secret is not None else None
    changed = await dns_providers.change_dns_provider(parts.store, provider, wanted, secret, actor=actor)
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


ROUTES = (get_dns_providers, post_dns_provider, patch_dns_provider, delete_dns_provider)
