"""The installation."""

import msgspec
from litestar import Response, get, put

from bakery.access.general import change_general
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.store.installation import General
from bakery.web.api.etags import tagged, versions_seen
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest

_MANAGE = {"permission": Permission.MANAGE_SYSTEM}


class GeneralSettings(msgspec.Struct, kw_only=True):
    """`fixed` names what the environment decides."""

    base_url: str | None
    public_ip: str | None
    apps_domain: str
    fixed: list[str]


class GeneralWanted(msgspec.Struct, kw_only=True):
    """All three; empty or null: not set."""

    base_url: str | None
    public_ip: str | None
    apps_domain: str


@get(
    "/system/settings",
    operation_id="showSettings",
    summary="Show the general settings",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def get_settings(request: WebRequest, parts: Parts) -> Response[GeneralSettings | None]:
    """Where the installation and its apps are found. Sends a weak ETag."""
    return tagged(request, _shown(parts.general), version=parts.general.version)


@put(
    "/system/settings",
    operation_id="changeSettings",
    summary="Change the general settings",
    opt=_MANAGE,
    responses=problems(412),
    tags=["System"],
)
async def put_settings(request: WebRequest, parts: Parts, actor: Actor, data: GeneralWanted) -> GeneralSettings:
    """What the environment fixes cannot be changed here. With `If-Match` only what was seen is changed: else 412."""
    parts.general = await change_general(
        parts.store,
        parts.settings,
        base_url=data.base_url or "",
        public_ip=data.public_ip or "",
        apps_domain=data.apps_domain,
        made_from=versions_seen(request),
        actor=actor,
    )
    return _shown(parts.general)


def _shown(general: General) -> GeneralSettings:
    return GeneralSettings(
        base_url=general.base_url,
        public_ip=general.public_ip,
        apps_domain=general.apps_domain,
        fixed=sorted(general.fixed),
    )


ROUTES = (get_settings, put_settings)
