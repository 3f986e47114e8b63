"""How an app's site treats its visitors."""

from typing import Annotated

import msgspec
from litestar import delete, get, patch, put
from msgspec import UNSET, UnsetType

from bakery.ingress.site_options import ShownSite, change_site, remove_site_user, set_site_password, show_site
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.site_options import Www
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_Text = Annotated[str, msgspec.Meta(max_length=20_000)]
_Number = int | Annotated[str, msgspec.Meta(max_length=20)]
_Switch = bool | Annotated[str, msgspec.Meta(max_length=20)]
_Lines = Annotated[list[_Text], msgspec.Meta(max_length=1000)]
_CHANGE = {"permission": Permission.DEPLOY}


class Site(msgspec.Struct, kw_only=True):
    """`redirects` are “FROM TO STATUS”, with FROM ending in /* for all below it; `headers` are “NAME: VALUE”.
    `users` are who is asked for a password; nobody: no visitor is. `rate` is in requests a second of a client, 0 for
    any, and `burst` how many more may come at once. `maintenance_allowed` are addresses and networks that see the app
    meanwhile. `force_https` and `hsts_days` hold where the site has a certificate. `trouble` is why nginx refused the
    site as it is to be, with its line: visitors have it as it was before."""

    force_https: bool
    hsts_days: int
    www: Www
    redirects: list[str]
    users: list[str]
    rate: int
    burst: int
    maintenance: bool
    maintenance_text: str
    maintenance_allowed: list[str]
    page_502: str
    page_503: str
    page_504: str
    headers: list[str]
    upload_mb: int
    connect_seconds: int
    read_seconds: int
    send_seconds: int
    gzip: bool
    trouble: str


class SiteEdit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; null or an empty text is what is usual. Lists replace what was there. `www` is as-is,
    to-bare or to-www: of names that the site has with and without it, which leads to which."""

    force_https: _Switch | UnsetType | None = UNSET
    hsts_days: _Number | UnsetType | None = UNSET
    www: _Text | UnsetType | None = UNSET
    redirects: _Lines | _Text | UnsetType | None = UNSET
    rate: _Number | UnsetType | None = UNSET
    burst: _Number | UnsetType | None = UNSET
    maintenance: _Switch | UnsetType | None = UNSET
    maintenance_text: _Text | UnsetType | None = UNSET
    maintenance_allowed: _Lines | _Text | UnsetType | None = UNSET
    page_502: _Text | UnsetType | None = UNSET
    page_503: _Text | UnsetType | None = UNSET
    page_504: _Text | UnsetType | None = UNSET
    headers: _Lines | _Text | UnsetType | None = UNSET
    upload_mb: _Number | UnsetType | None = UNSET
    connect_seconds: _Number | UnsetType | None = UNSET
    read_seconds: _Number | UnsetType | None = UNSET
    send_seconds: _Number | UnsetType | None = UNSET
    gzip: _Switch | UnsetType | None = UNSET


class SitePassword(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """8 to 72 characters. Only a hash of it is kept."""

    password: Annotated[str, msgspec.Meta(max_length=1000)]


@get(
    "/apps/{app:str}/site",
    operation_id="showSite",
    summary="Show how a site treats its visitors",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Apps"],
)
async def get_site(parts: Parts, actor: Actor, where: AppAt) -> Site:
    """What was chosen, and what is usual where nobody chose."""
    return _told(await show_site(parts.store, where, actor=actor))


@patch(
    "/apps/{app:str}/site",
    operation_id="changeSite",
    summary="Change how a site treats its visitors",
    opt=_CHANGE,
    responses=problems(),
    tags=["Apps"],
)
async def patch_site(parts: Parts, actor: Actor, where: AppAt, data: SiteEdit) -> Site:
    """The live site has it within moments, without a deployment. Going back to an earlier release leaves it."""
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    wanted = {name: _text(value) for name, value in given.items()}
    await change_site(parts.store, parts.queue, where, wanted, actor=actor)
    return _told(await show_site(parts.store, where, actor=actor))


@put(
    "/apps/{app:str}/site/users/{user:str}",
    operation_id="setSitePassword",
    summary="Let somebody into a site by a password",
    opt=_CHANGE,
    responses=problems(),
    tags=["Apps"],
)
async def put_site_user(parts: Parts, actor: Actor, where: AppAt, user: str, data: SitePassword) -> Site:
    """With the first one the site asks every visitor for a name and a password."""
    await set_site_password(parts.store, parts.queue, where, user, Secret(data.password), actor=actor)
    return _told(await show_site(parts.store, where, actor=actor))


@delete(
    "/apps/{app:str}/site/users/{user:str}",
    operation_id="removeSiteUser",
    summary="Let somebody into a site no more",
    opt=_CHANGE,
    responses=problems(),
    tags=["Apps"],
)
async def delete_site_user(parts: Parts, actor: Actor, where: AppAt, user: str) -> None:
    """Without the last one the site asks nobody any more."""
    await remove_site_user(parts.store, parts.queue, where, user, actor=actor)


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(value)
    return "" if value is None else str(value)


def _told(site: ShownSite) -> Site:
    options = site.options
    return Site(
        force_https=options.force_https,
        hsts_days=options.hsts_days,
        www=options.www,
        redirects=list(map(str, options.redirects)),
        users=sorted(options.users),
        rate=options.rate,
        burst=options.burst,
        maintenance=options.maintenance,
        maintenance_text=options.maintenance_text,
        maintenance_allowed=list(options.maintenance_allowed),
        page_502=options.pages.get("502", ""),
        page_503=options.pages.get("503", ""),
        page_504=options.pages.get("504", ""),
        headers=[f"{name}: {value}" for name, value in options.headers],
        upload_mb=options.upload_mb,
        connect_seconds=options.connect_seconds,
        read_seconds=options.read_seconds,
        send_seconds=options.send_seconds,
        gzip=options.gzip,
        trouble=site.trouble,
    )


ROUTES = (get_site, patch_site, put_site_user, delete_site_user)
