"""Bakery's own site in the nginx of its machine."""

from datetime import datetime

import msgspec
from litestar import get, put

from bakery.ingress.own_site import choose_own_site, show_own_site
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.api.listing import shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_MANAGE = {"permission": Permission.MANAGE_SYSTEM}


class OwnSite(msgspec.Struct, kw_only=True):
    """`host` is the name under which nginx passes requests on by now, `trouble` why it is not as it is wanted. By
    HTTPS it does so until `secure_until`; `insecure` is why it does not, or not for long any more."""

    is_wanted: bool
    is_settled: bool
    host: str | None
    trouble: str
    secure_until: datetime | None
    insecure: str


class OwnSiteWanted(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    is_wanted: bool


@get(
    "/system/own-site",
    operation_id="showOwnSite",
    summary="Show Bakery's own site",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def get_own_site(parts: Parts, actor: Actor) -> OwnSite:
    """Whether this machine's nginx passes requests for the base URL's host name on to Bakery."""
    return shown(OwnSite, await show_own_site(parts.store, actor=actor))


@put(
    "/system/own-site",
    operation_id="chooseOwnSite",
    summary="Turn Bakery's own site on or off",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def put_own_site(parts: Parts, actor: Actor, data: OwnSiteWanted) -> OwnSite:
    """nginx is told in a moment; wanting it again tries it again. It needs a base URL."""
    chosen = await choose_own_site(parts.store, parts.general, is_wanted=data.is_wanted, actor=actor)
    parts.has_own_site = chosen.is_wanted
    return shown(OwnSite, chosen)


ROUTES = (get_own_site, put_own_site)
