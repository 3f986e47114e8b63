"""The certificates of an app."""

from datetime import UTC, datetime

import msgspec
from litestar import delete, get, post

from bakery.ingress import certificates
from bakery.ingress.certificates import CertificateState
from bakery.model.actor import Actor
from bakery.model.certificates import STAGING, advice, renew_from
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.web.api.listing import Listing
from bakery.web.api.problems import problems
from bakery.web.context import Parts


class CertificateReason(msgspec.Struct, kw_only=True):
    """Why the last order brought nothing. `means` and `fix` are Bakery's words, `said` the authority's; `name` is the
    host name that it is about, if it is one."""

    kind: str
    means: str
    fix: str
    said: str
    name: str


class Certificate(msgspec.Struct, kw_only=True):
    """`state` is waiting, ordering, failing, valid or expired. `names` are those of what lies on the node, `wanted`
    those of the last order. `renews_at` is null where nobody renews it. `reason` is why there is no newer one, and
    `next_try` when it is asked for again. `trouble` is what is wrong with what visitors are shown. `is_staging`: no
    browser trusts it. `dns_provider` proves its names, which have a star; null: the site does."""

    id: int
    state: CertificateState
    is_uploaded: bool
    dns_provider: str | None
    is_staging: bool
    names: list[str]
    wanted: list[str]
    issuer: str
    not_before: datetime | None
    not_after: datetime | None
    renews_at: datetime | None
    reason: CertificateReason | None
    next_try: datetime | None
    trouble: str


class CertificateGiven(msgspec.Struct, kw_only=True):
    """Both as PEM. `certificate` begins with the site's own, and whoever signed it follows."""

    certificate: str
    key: str


class CertificateAsked(msgspec.Struct, kw_only=True):
    """`anew`: also where the one that there is lasts for long."""

    anew: bool = False


_CHANGE = {"permission": Permission.DEPLOY}


@get(
    "/apps/{app:str}/certificates",
    operation_id="listCertificates",
    summary="List an app's certificates",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Apps"],
)
async def get_certificates(parts: Parts, actor: Actor, where: AppAt) -> Listing[Certificate]:
    """Those that were brought, newest first, then the one that Bakery asks for. A name has the first that is for it."""
    found = await certificates.list_certificates(parts.store, where, actor=actor)
    return Listing([_shown(one) for one in found])


@post(
    "/apps/{app:str}/certificates",
    operation_id="uploadCertificate",
    summary="Bring a certificate for an app",
    opt=_CHANGE,
    responses=problems(409),
    tags=["Apps"],
)
async def post_certificate(parts: Parts, actor: Actor, where: AppAt, data: CertificateGiven) -> Certificate:
    """The node looks whether it can be used. The key lies there alone; nobody can read it here afterwards."""
    made = await certificates.upload_certificate(
        parts.store, parts.queue, parts.links, where, data.certificate, Secret(data.key), actor=actor
    )
    return _shown(made)


@post(
    "/apps/{app:str}/certificates/renew",
    operation_id="renewCertificate",
    summary="Ask for an app's certificate now",
    opt=_CHANGE,
    responses=problems(409),
    status_code=202,
    tags=["Apps"],
)
async def post_renew(parts: Parts, actor: Actor, where: AppAt, data: CertificateAsked) -> None:
    """Bakery asks by itself too, at `next_try`, and renews 30 days before the end."""
    await certificates.ask_again(parts.store, parts.queue, where, anew=data.anew, actor=actor)


@delete(
    "/apps/{app:str}/certificates/{certificate:int}",
    operation_id="removeCertificate",
    summary="Remove a certificate that was brought",
    opt=_CHANGE,
    responses=problems(409),
    tags=["Apps"],
)
async def delete_certificate(parts: Parts, actor: Actor, where: AppAt, certificate: int) -> None:
    """Its names have Bakery's own again as soon as there is one."""
    await certificates.remove_certificate(parts.store, parts.queue, where, certificate, actor=actor)


def _shown(one: certificates.Certificate) -> Certificate:
    now, held = datetime.now(UTC), one.held
    told = advice(one.refused) if one.refused else None
    return Certificate(
        id=one.id,
        state=one.state_at(now),
        is_uploaded=one.is_uploaded,
        dns_provider=one.dns_provider,
        is_staging=one.directory == STAGING,
        names=list(one.names),
        wanted=list(one.wanted),
        issuer=one.issuer,
        not_before=one.not_before,
        not_after=one.not_after,
        renews_at=renew_from(held) if held and not one.is_uploaded else None,
        reason=CertificateReason(
            kind=one.refused.kind, means=told.said, fix=told.fix, said=one.refused.said, name=one.refused.name
        )
        if one.refused and told
        else None,
        next_try=one.next_try,
        trouble=one.trouble,
    )


ROUTES = (get_certificates, post_certificate, post_renew, delete_certificate)
