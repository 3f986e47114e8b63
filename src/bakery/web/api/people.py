"""Who works here."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from litestar import delete, get, post, put
from msgspec import UNSET, UnsetType

from bakery.access import people
from bakery.access.resets import make_reset_link
from bakery.model.actor import Actor
from bakery.model.permissions import Permission, Role
from bakery.web.addresses import Addresses
from bakery.web.api.listing import PAGE, After, Listing, number_in, page, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest

_MANAGE = {"permission": Permission.MANAGE_PEOPLE}


class User(msgspec.Struct, kw_only=True):
    """What everybody may know, and what only Admins are told. `apps` are those granted, unless it is all."""

    id: int
    name: str
    role: Role
    email: str | UnsetType = UNSET
    all_apps: bool | UnsetType = UNSET
    apps: list[str] | UnsetType = UNSET
    has_second_factor: bool | UnsetType = UNSET
    suspended_at: datetime | UnsetType | None = UNSET
    created_at: datetime | UnsetType = UNSET
    last_seen_at: datetime | UnsetType | None = UNSET


class RoleWanted(msgspec.Struct):
    role: Role


class GrantsWanted(msgspec.Struct):
    """The slugs of the apps that the person sees from now on; null: all."""

    apps: list[str] | None


class AccessWanted(msgspec.Struct):
    """What is left out stays as it is. `apps` as for the grants alone."""

    role: Role | UnsetType = UNSET
    apps: list[str] | UnsetType | None = UNSET


class ResetWanted(msgspec.Struct):
    clears_second_factor: bool = False


class ResetLink(msgspec.Struct):
    """Shown this once."""

    url: str
    expires_at: datetime


@get(
    "/users",
    operation_id="listUsers",
    summary="List people",
    opt={"permission": Permission.SEE_PEOPLE},
    responses=problems(),
    tags=["People"],
)
async def get_users(parts: Parts, actor: Actor, after: After = "") -> Listing[User]:
    """Everybody who works here as they came, 50 a page. Others than Admins get the name and the role of each."""
    found: Sequence[people.Person | people.Colleague]
    if actor.may(Permission.MANAGE_PEOPLE):
        found = await people.list_people(parts.store, actor=actor)
    else:
        found = await people.list_colleagues(parts.store, actor=actor)
    following = sorted((one for one in found if one.id > (number_in(after) or 0)), key=lambda one: one.id)
    return page(User, following[: PAGE + 1])


@get(
    "/users/{person:int}",
    operation_id="showUser",
    summary="Show a person",
    opt=_MANAGE,
    responses=problems(),
    tags=["People"],
)
async def get_user(parts: Parts, actor: Actor, person: int) -> User:
    """One person, for Admins."""
    return await _user(parts, person, actor)


@put(
    "/users/{person:int}/role",
    operation_id="changeRole",
    summary="Change a role",
    opt=_MANAGE,
    responses=problems(409),
    tags=["People"],
)
async def put_role(parts: Parts, actor: Actor, person: int, data: RoleWanted) -> User:
    """Ends the person's sessions. The last active Admin stays one."""
    await people.change_role(parts.store, person, data.role, actor=actor)
    return await _user(parts, person, actor)


@put(
    "/users/{person:int}/grants",
    operation_id="changeGrants",
    summary="Change which apps are seen",
    opt=_MANAGE,
    responses=problems(409),
    tags=["People"],
)
async def put_grants(parts: Parts, actor: Actor, person: int, data: GrantsWanted) -> User:
    """What is outside the grants does not exist for the person."""
    await people.set_grants(parts.store, person, data.apps, actor=actor)
    return await _user(parts, person, actor)


@put(
    "/users/{person:int}/access",
    operation_id="changeAccess",
    summary="Change a role and which apps are seen",
    opt=_MANAGE,
    responses=problems(409),
    tags=["People"],
)
async def put_access(parts: Parts, actor: Actor, person: int, data: AccessWanted) -> User:
    """Both, or nothing. A changed role ends the person's sessions."""
    await people.change_access(
        parts.store,
        person,
        role=None if data.role is UNSET else data.role,
        grants=None if data.apps is UNSET else people.Grants.of(data.apps),
        actor=actor,
    )
    return await _user(parts, person, actor)


@post(
    "/users/{person:int}/suspend",
    operation_id="suspendUser",
    summary="Suspend a person",
    opt=_MANAGE,
    status_code=200,
    responses=problems(409),
    tags=["People"],
)
async def post_suspend(parts: Parts, actor: Actor, person: int) -> User:
    """Ends the person's sessions and revokes their tokens."""
    await people.suspend(parts.store, person, actor=actor)
    return await _user(parts, person, actor)


@post(
    "/users/{person:int}/unsuspend",
    operation_id="unsuspendUser",
    summary="End a suspension",
    opt=_MANAGE,
    status_code=200,
    responses=problems(409),
    tags=["People"],
)
async def post_unsuspend(parts: Parts, actor: Actor, person: int) -> User:
    """They may sign in again; their tokens stay revoked."""
    await people.unsuspend(parts.store, person, actor=actor)
    return await _user(parts, person, actor)


@post(
    "/users/{person:int}/reset",
    operation_id="resetUser",
    summary="Make a link for a new password",
    opt=_MANAGE,
    responses=problems(409),
    tags=["People"],
)
async def post_reset(request: WebRequest, parts: Parts, actor: Actor, person: int, data: ResetWanted) -> ResetLink:
    """Good for an hour and once. It may also turn a lost second factor off."""
    found = await people.find_person(parts.store, person, actor=actor)
    link = await make_reset_link(parts.store, found.email, clears_second_factor=data.clears_second_factor, actor=actor)
    urls: Addresses = request.app.state["urls"]
    return ResetLink(urls.absolute(f"/reset/{link.token.reveal()}", request), link.expires_at)


@delete(
    "/users/{person:int}",
    operation_id="removeUser",
    summary="Remove a person",
    opt=_MANAGE,
    responses=problems(409),
    tags=["People"],
)
async def delete_user(parts: Parts, actor: Actor, person: int) -> None:
    """What they did stays in the audit."""
    await people.remove_person(parts.store, person, actor=actor)


async def _user(parts: Parts, person: int, actor: Actor) -> User:
    return shown(User, await people.find_person(parts.store, person, actor=actor))


ROUTES = (
    get_users,
    get_user,
    put_role,
    put_grants,
    put_access,
    post_suspend,
    post_unsuspend,
    post_reset,
    delete_user,
)
