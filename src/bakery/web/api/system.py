"""The installation."""

from typing import Annotated

import msgspec
from litestar import Response, get, patch, put
from msgspec import UNSET, UnsetType

from bakery.delivery.defaults import change_defaults, show_defaults
from bakery.ingress.places import change_general
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.model.terms import Origin
from bakery.store.installation import General
from bakery.web.api.etags import tagged, versions_seen
from bakery.web.api.listing import shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest

_Text = Annotated[str, msgspec.Meta(max_length=1000)]
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
        parts.queue,
        parts.settings,
        base_url=data.base_url or "",
        public_ip=data.public_ip or "",
        apps_domain=data.apps_domain,
        made_from=versions_seen(request),
        actor=actor,
    )
    return _shown(parts.general)


class Default(msgspec.Struct, kw_only=True):
    """Of all apps, where neither a person nor a repository says it. `said` is what was set, `shown` what holds."""

    key: str
    title: str
    said: str
    shown: str
    origin: Origin
    value: bool | int | float | None


class Defaults(msgspec.Struct, kw_only=True):
    terms: list[Default]


class DefaultsEdit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; an empty text or null says nothing any more. Times are texts like “30s”, or seconds;
    `memory` is in MB, or a text like “1G”."""

    memory: int | _Text | UnsetType | None = UNSET
    cpus: int | float | _Text | UnsetType | None = UNSET
    drain: int | float | _Text | UnsetType | None = UNSET
    bake: int | float | _Text | UnsetType | None = UNSET
    warm: int | float | _Text | UnsetType | None = UNSET
    auto_rollback: bool | _Text | UnsetType | None = UNSET


@get(
    "/system/defaults",
    operation_id="showDefaults",
    summary="Show the defaults of apps",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def get_defaults(parts: Parts, actor: Actor) -> Defaults:
    """Limits, and how a release takes over, where nobody says it of the app."""
    return Defaults(terms=[shown(Default, term) for term in await show_defaults(parts.store, actor=actor)])


@patch(
    "/system/defaults",
    operation_id="changeDefaults",
    summary="Change the defaults of apps",
    opt=_MANAGE,
    responses=problems(),
    tags=["System"],
)
async def patch_defaults(parts: Parts, actor: Actor, data: DefaultsEdit) -> Defaults:
    """From the next deployment of each app on; earlier releases keep theirs."""
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    wanted = {name: "" if value is None else str(value) for name, value in given.items()}
    return Defaults(terms=[shown(Default, term) for term in await change_defaults(parts.store, wanted, actor=actor)])


def _shown(general: General) -> GeneralSettings:
    return GeneralSettings(
        base_url=general.base_url,
        public_ip=general.public_ip,
        apps_domain=general.apps_domain,
        fixed=sorted(general.fixed),
    )


ROUTES = (get_settings, put_settings, get_defaults, patch_defaults)
