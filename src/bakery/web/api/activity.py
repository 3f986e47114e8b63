"""Who did what, and the audit behind it."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import Parameter

from bakery.access.audit import list_activity
from bakery.access.seals import newest_seal
from bakery.model.actor import Actor
from bakery.model.errors import NotFound
from bakery.model.permissions import Permission
from bakery.web.api.listing import After, Listing, listing, number_in
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_AUDIT = {"permission": Permission.SEE_AUDIT}
_App = Annotated[str, Parameter(max_length=100, description="Of this app only.")]
_Action = Annotated[str, Parameter(max_length=100, description="How the action begins, like `deployment.`.")]
_Person = Annotated[int | None, Parameter(description="By this person only, as `/api/users` numbers them.")]
_Since = Annotated[datetime | None, Parameter(description="Not before this moment.")]
_Until = Annotated[datetime | None, Parameter(description="Before this moment.")]


class Activity(msgspec.Struct, kw_only=True):
    """`who` `did` something to the thing called `target_label`."""

    id: int
    at: datetime
    who: str
    did: str
    action: str
    target_kind: str
    target_label: str
    app: str | None


class AuditRow(Activity, kw_only=True):
    """`before` and `after` hold what changed; a secret in them is an HMAC."""

    actor: str
    person_id: int | None
    source: str
    address: str
    target_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Seal(msgspec.Struct):
    """Stands for the row `audit_id` and all before it. Kept elsewhere, it shows a chain forged as a whole."""

    position: int
    audit_id: int
    hash: str


@get(
    "/activity",
    operation_id="listActivity",
    summary="List what happened",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Audit"],
)
async def get_activity(
    parts: Parts,
    actor: Actor,
    app: _App = "",
    action: _Action = "",
    person: _Person = None,
    since: _Since = None,
    until: _Until = None,
    after: After = "",
) -> Listing[Activity]:
    """The newest first: of the apps that you see and of your own account, or everything for Admins."""
    page = await list_activity(
        parts.store,
        app=app or None,
        person_id=person,
        action=action,
        since=since,
        until=until,
        cursor=number_in(after),
        actor=actor,
    )
    return listing(Activity, page.rows, page.next)


@get(
    "/audit",
    operation_id="listAudit",
    summary="List the audit",
    opt=_AUDIT,
    responses=problems(),
    tags=["Audit"],
)
async def get_audit(
    parts: Parts,
    actor: Actor,
    app: _App = "",
    action: _Action = "",
    person: _Person = None,
    since: _Since = None,
    until: _Until = None,
    after: After = "",
) -> Listing[AuditRow]:
    """The newest first, with where each came from and what it changed."""
    page = await list_activity(
        parts.store,
        app=app or None,
        person_id=person,
        action=action,
        since=since,
        until=until,
        cursor=number_in(after),
        actor=actor,
    )
    return listing(AuditRow, page.rows, page.next)


@get(
    "/audit/seal",
    operation_id="exportSeal",
    summary="Export the newest seal",
    opt=_AUDIT,
    responses=problems(),
    tags=["Audit"],
)
async def get_seal(parts: Parts, actor: Actor) -> Seal:
    """Keep it elsewhere; `bakery audit verify --against FILE` compares it with the chain."""
    seal = await newest_seal(parts.store, actor=actor)
    if seal is None:
        raise NotFound("Nothing is sealed yet.", hint="The worker seals within seconds.")
    return Seal(seal.position, seal.audit_id, seal.hash.hex())


ROUTES = (get_activity, get_audit, get_seal)
