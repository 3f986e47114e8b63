"""Invitations."""

from datetime import datetime
from typing import Literal

import msgspec
from litestar import delete, get, post

from bakery.access.invitations import invite, list_invitations, revoke_invitation
from bakery.model.actor import Actor
from bakery.model.permissions import Permission, Role
from bakery.web.addresses import Addresses
from bakery.web.api.listing import PAGE, After, Listing, number_in, page, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest

_MANAGE = {"permission": Permission.MANAGE_PEOPLE}


class Invite(msgspec.Struct):
    id: int
    email: str
    role: Role
    invited_by: str
    state: Literal["open", "accepted", "revoked", "expired"]
    created_at: datetime
    expires_at: datetime


class InviteWanted(msgspec.Struct):
    email: str
    role: Role


class NewInvite(msgspec.Struct):
    """The link is shown this once."""

    url: str
    invite: Invite


@get(
    "/invites",
    operation_id="listInvites",
    summary="List invitations",
    opt=_MANAGE,
    responses=problems(),
    tags=["People"],
)
async def get_invites(parts: Parts, actor: Actor, after: After = "") -> Listing[Invite]:
    """The newest first, 50 a page."""
    found = await list_invitations(parts.store, before=number_in(after), limit=PAGE + 1, actor=actor)
    return page(Invite, found)


@post(
    "/invites", operation_id="invite", summary="Invite somebody", opt=_MANAGE, responses=problems(409), tags=["People"]
)
async def post_invite(request: WebRequest, parts: Parts, actor: Actor, data: InviteWanted) -> NewInvite:
    """A link for one address and one role, good once and for a week. It replaces an open one for the address."""
    made = await invite(parts.store, data.email, data.role, actor=actor)
    urls: Addresses = request.app.state["urls"]
    return NewInvite(urls.absolute(f"/invite/{made.token.reveal()}", request), shown(Invite, made.invitation))


@delete(
    "/invites/{invitation:int}",
    operation_id="revokeInvite",
    summary="Revoke an invitation",
    opt=_MANAGE,
    responses=problems(409),
    tags=["People"],
)
async def delete_invite(parts: Parts, actor: Actor, invitation: int) -> None:
    """Its link is good no more."""
    await revoke_invitation(parts.store, invitation, actor=actor)


ROUTES = (get_invites, post_invite, delete_invite)
