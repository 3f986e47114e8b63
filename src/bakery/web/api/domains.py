"""The domains of an app."""

from datetime import datetime

import msgspec
from litestar import delete, get, post

from bakery.ingress import domains
from bakery.ingress.looking import verify_domain
from bakery.model.actor import Actor
from bakery.model.dns import DnsState
from bakery.model.host_names import parse_domain_name
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.web.api.listing import Listing, listing, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts


class DnsRecord(msgspec.Struct, kw_only=True):
    """To be created at the DNS provider. `name` is relative to the zone; `@` is the zone itself."""

    type: str
    name: str
    value: str
    ttl: int


class DnsTrouble(msgspec.Struct, kw_only=True):
    """What is not as it should be, and what to do."""

    said: str
    fix: str


class DnsAnswer(msgspec.Struct, kw_only=True):
    """Of one DNS server. `error` is empty when it answered."""

    server: str
    a: list[str]
    aaaa: list[str]
    error: str


class DnsFound(msgspec.Struct, kw_only=True):
    """`zone` and `provider` are empty where they are not known. `caa` null: every authority may issue certificates."""

    answers: list[DnsAnswer]
    zone: str
    provider: str
    caa: list[str] | None


class Domain(msgspec.Struct, kw_only=True):
    """`host` is in ASCII, `shown` as it was typed. `found` is null before the DNS was asked; `look_at` is when it is
    asked next. `dns_provider` is the one that proves a name with a star; null: there is none for its zone, or the name
    has no star."""

    host: str
    shown: str
    is_primary: bool
    dns_state: DnsState
    records: list[DnsRecord]
    troubles: list[DnsTrouble]
    found: DnsFound | None
    looked_at: datetime | None
    look_at: datetime
    dns_provider: str | None


class DomainWanted(msgspec.Struct, kw_only=True):
    """A host name, also an international one, or one with `*.` in front."""

    host: str


_CHANGE = {"permission": Permission.DEPLOY}


@get(
    "/apps/{app:str}/domains",
    operation_id="listDomains",
    summary="List an app's domains",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Apps"],
)
async def get_domains(parts: Parts, actor: Actor, where: AppAt) -> Listing[Domain]:
    """Names that people attached, the primary one first; beside them it has one by itself."""
    return listing(Domain, await domains.list_domains(parts.store, where, actor=actor), None)


@post(
    "/apps/{app:str}/domains",
    operation_id="attachDomain",
    summary="Attach a domain to an app",
    opt=_CHANGE,
    responses=problems(409),
    tags=["Apps"],
)
async def post_domain(parts: Parts, actor: Actor, where: AppAt, data: DomainWanted) -> Domain:
    """The site answers to it at once. A name leads to one environment in the whole installation."""
    name = parse_domain_name(data.host)
    return shown(Domain, await domains.attach_domain(parts.store, parts.queue, where, name, actor=actor))


@post(
    "/apps/{app:str}/domains/{domain:str}/verify",
    operation_id="verifyDomain",
    summary="Ask the DNS about a domain",
    opt=_CHANGE,
    responses=problems(),
    status_code=200,
    tags=["Apps"],
)
async def post_verify(parts: Parts, actor: Actor, where: AppAt, domain: str) -> Domain:
    """Now. Bakery asks by itself too, at `look_at`."""
    return shown(Domain, await verify_domain(parts.store, parts.dns, where, domains.attached_host(domain), actor=actor))


@post(
    "/apps/{app:str}/domains/{domain:str}/primary",
    operation_id="makeDomainPrimary",
    summary="Make a domain the primary one",
    opt=_CHANGE,
    responses=problems(409),
    status_code=200,
    tags=["Apps"],
)
async def post_primary(parts: Parts, actor: Actor, where: AppAt, domain: str) -> Domain:
    """Under which the app is shown and linked, as soon as its DNS is right."""
    host = domains.attached_host(domain)
    return shown(Domain, await domains.make_primary(parts.store, parts.queue, where, host, actor=actor))


@delete(
    "/apps/{app:str}/domains/{domain:str}",
    operation_id="removeDomain",
    summary="Remove a domain from an app",
    opt=_CHANGE,
    responses=problems(),
    tags=["Apps"],
)
async def delete_domain(parts: Parts, actor: Actor, where: AppAt, domain: str) -> None:
    """The site answers to it no more."""
    await domains.remove_domain(parts.store, parts.queue, where, domains.attached_host(domain), actor=actor)


ROUTES = (get_domains, post_domain, post_verify, post_primary, delete_domain)
