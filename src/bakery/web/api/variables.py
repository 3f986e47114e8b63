"""The variables of an app."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import Parameter

from bakery.delivery.apply import apply_variables
from bakery.delivery.pending import Pending, what_is_not_live
from bakery.delivery.variables import (
    Saved,
    Setting,
    VariableList,
    change_variables,
    export_variables,
    import_variables,
    list_variables,
    list_versions,
    restore_version,
    reveal,
)
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.variables import MOST, VariableScope, parse_scope, parse_value, parse_variable_name
from bakery.web.api.deployments import Deployment
from bakery.web.api.etags import versions_seen
from bakery.web.api.listing import After, Listing, listing, position_in, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest

_READ = {"permission": Permission.READ}
_DEPLOY = {"permission": Permission.DEPLOY}
_SEE = {"permission": Permission.SEE_VALUES}
_UNSEEN = {"cache-control": "no-store"}
_Name = Annotated[str, Parameter(description="The variable's name.")]


class AppVariable(msgspec.Struct, kw_only=True):
    """`value` is null for what is a secret, and for who only reads. `is_live`: the live release has it like this."""

    name: str
    value: str | None
    scope: VariableScope
    is_secret: bool
    is_live: bool
    changed_at: datetime
    changed_by: str


class NotLiveYet(msgspec.Struct, kw_only=True):
    """What differs from the live release. `to_build`: names for which the app has to be deployed from its source."""

    live_number: int
    added: Sequence[str]
    changed: Sequence[str]
    removed: Sequence[str]
    to_build: Sequence[str]
    can_apply: bool


class AppVariables(msgspec.Struct, kw_only=True):
    """`version` counts the saved changes; it is the ETag too. `not_live` is null when all is."""

    items: list[AppVariable]
    next: str | None = None
    version: int
    not_live: NotLiveYet | None


class VariableWanted(msgspec.Struct, kw_only=True):
    """What is null stays as it is; a new variable is used while the app runs, and is a secret."""

    value: str
    scope: str | None = None
    is_secret: bool | None = None


class VariablesWanted(msgspec.Struct, kw_only=True):
    """`text` is that of a .env file, in which KEY=•••• keeps what is stored. `replace`: what is not in it goes."""

    text: str = ""
    replace: bool = False
    unset: Annotated[list[str], msgspec.Meta(max_length=MOST)] = []
    scope: str | None = None
    is_secret: bool | None = None


class VariablesSaved(msgspec.Struct, kw_only=True):
    """The names that changed. Without any, no new version was made."""

    version: int
    added: Sequence[str]
    changed: Sequence[str]
    removed: Sequence[str]


class NamesWanted(msgspec.Struct):
    names: Annotated[list[str], msgspec.Meta(max_length=MOST)]


class Values(msgspec.Struct):
    values: dict[str, str]


class ExportedText(msgspec.Struct):
    text: str


class VersionWanted(msgspec.Struct):
    version: int


class VariableVersion(msgspec.Struct, kw_only=True):
    """A saved change. `restores` is the earlier version that it brought back."""

    number: int
    added: list[str]
    changed: list[str]
    removed: list[str]
    restores: int | None
    changed_by: str
    changed_at: datetime


@get(
    "/apps/{app:str}/env",
    operation_id="listVariables",
    summary="List variables",
    opt=_READ,
    responses=problems(),
    tags=["Variables"],
)
async def get_variables(parts: Parts, actor: Actor, where: AppAt) -> Response[AppVariables]:
    """By name, without secret values. Sends an ETag, for `If-Match` of what changes them."""
    found = await list_variables(parts.store, where, actor=actor)
    pending = await what_is_not_live(parts.store, where, actor=actor)
    return Response(_listed(found, pending), headers={**_UNSEEN, "etag": f'W/"{found.version}"'})


@put(
    "/apps/{app:str}/env/{name:str}",
    operation_id="setVariable",
    summary="Set a variable",
    opt=_DEPLOY,
    responses=problems(412),
    tags=["Variables"],
)
async def put_variable(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, name: _Name, data: VariableWanted
) -> VariablesSaved:
    """The app has it with its next release. With `If-Match` only what was seen is changed: else 412."""
    wanted = Setting(parse_variable_name(name), parse_value(Secret(data.value)), _scope(data.scope), data.is_secret)
    saved = await change_variables(parts.store, where, [wanted], made_from=versions_seen(request), actor=actor)
    return _saved(saved)


@delete(
    "/apps/{app:str}/env/{name:str}",
    operation_id="unsetVariable",
    summary="Remove a variable",
    opt=_DEPLOY,
    responses=problems(412),
    tags=["Variables"],
)
async def delete_variable(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, name: _Name) -> None:
    """The next release does without it. What it was stays in the history."""
    seen = versions_seen(request)
    await change_variables(parts.store, where, [], unset=[name], made_from=seen, actor=actor)


@patch(
    "/apps/{app:str}/env",
    operation_id="changeVariables",
    summary="Change variables",
    opt=_DEPLOY,
    responses=problems(412),
    tags=["Variables"],
)
async def patch_variables(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, data: VariablesWanted
) -> VariablesSaved:
    """All of it, or nothing. With `If-Match` only what was seen is changed: else 412."""
    saved = await import_variables(
        parts.store,
        where,
        Secret(data.text),
        replaces=data.replace,
        unset=data.unset,
        scope=_scope(data.scope),
        is_secret=data.is_secret,
        made_from=versions_seen(request),
        actor=actor,
    )
    return _saved(saved)


@post(
    "/apps/{app:str}/env/reveal",
    operation_id="revealVariables",
    summary="Reveal values",
    opt=_SEE,
    status_code=200,
    responses=problems(),
    tags=["Variables"],
)
async def post_reveal(parts: Parts, actor: Actor, where: AppAt, data: NamesWanted) -> Response[Values]:
    """Who asked for which is in the audit."""
    found = await reveal(parts.store, where, data.names, actor=actor)
    return Response(Values({name: value.reveal() for name, value in found.items()}), headers=_UNSEEN)


@post(
    "/apps/{app:str}/env/export",
    operation_id="exportVariables",
    summary="Export variables",
    opt=_SEE,
    status_code=200,
    responses=problems(),
    tags=["Variables"],
)
async def post_export(parts: Parts, actor: Actor, where: AppAt) -> Response[ExportedText]:
    """All values, as the text of a .env file. It counts as revealing each."""
    text = await export_variables(parts.store, where, actor=actor)
    return Response(ExportedText(text.reveal()), headers=_UNSEEN)


@get(
    "/apps/{app:str}/env/history",
    operation_id="listVariableVersions",
    summary="List changes of variables",
    opt=_READ,
    responses=problems(),
    tags=["Variables"],
)
async def get_history(parts: Parts, actor: Actor, where: AppAt, after: After = "") -> Listing[VariableVersion]:
    """Who changed which, the newest first."""
    found = await list_versions(parts.store, where, actor=actor, after=position_in(after))
    return listing(VariableVersion, found.items, found.next)


@post(
    "/apps/{app:str}/env/restore",
    operation_id="restoreVariables",
    summary="Bring an earlier version back",
    opt=_DEPLOY,
    status_code=200,
    responses=problems(412),
    tags=["Variables"],
)
async def post_restore(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, data: VersionWanted
) -> VariablesSaved:
    """All variables as they were then, as a new version. The app has them with its next release."""
    seen = versions_seen(request)
    return _saved(await restore_version(parts.store, where, data.version, made_from=seen, actor=actor))


@post(
    "/apps/{app:str}/apply",
    operation_id="applyVariables",
    summary="Apply variables",
    opt=_DEPLOY,
    status_code=202,
    responses=problems(409),
    tags=["Variables"],
)
async def post_apply(parts: Parts, actor: Actor, where: AppAt) -> Deployment:
    """A deployment of the live release's files with today's variables. Nothing is built."""
    return shown(Deployment, await apply_variables(parts.store, parts.queue, where, actor=actor))


def _scope(text: str | None) -> VariableScope | None:
    return None if text is None else parse_scope(text)


def _saved(saved: Saved) -> VariablesSaved:
    made = saved.difference
    return VariablesSaved(version=saved.version, added=made.added, changed=made.changed, removed=made.removed)


def _listed(found: VariableList, pending: Pending | None) -> AppVariables:
    waiting = pending.difference.names if pending else frozenset()
    return AppVariables(
        items=[
            AppVariable(
                name=row.name,
                value=row.value.reveal() if row.value is not None else None,
                scope=row.scope,
                is_secret=row.is_secret,
                is_live=row.name not in waiting,
                changed_at=row.changed_at,
                changed_by=row.changed_by,
            )
            for row in found.rows
        ],
        version=found.version,
        not_live=_not_live(pending) if pending else None,
    )


def _not_live(pending: Pending) -> NotLiveYet:
    made = pending.difference
    return NotLiveYet(
        live_number=pending.live_number,
        added=made.added,
        changed=made.changed,
        removed=made.removed,
        to_build=pending.to_build,
        can_apply=bool(pending.to_apply),
    )


ROUTES = (
    get_variables,
    put_variable,
    delete_variable,
    patch_variables,
    post_reveal,
    post_export,
    get_history,
    post_restore,
    post_apply,
)
