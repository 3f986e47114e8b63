"""Members, invitations and roles."""

from collections.abc import Awaitable, Callable

from litestar import Response, get, post
from litestar.response import Redirect

from bakery.access.audit import last_change
from bakery.access.invitations import NewInvitation, invite, list_invitations, revoke_invitation
from bakery.access.people import (
    Grants,
    Person,
    change_access,
    find_person,
    list_colleagues,
    list_people,
    remove_person,
    suspend,
    unsuspend,
)
from bakery.access.resets import NewResetLink, make_reset_link
from bakery.delivery.choices import list_choices
from bakery.delivery.sources import apps_by_link
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, ChangedMeanwhile, Conflict, NotAllowed, NotFound
from bakery.model.permissions import Permission, Role
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import Typed, typed
from bakery.web.moments import moment, now
from bakery.web.presenters.clashes import clash
from bakery.web.presenters.team import (
    ROLES,
    colleague_row,
    compared_access,
    invite_row,
    member_row,
    roles_page,
    why_last_admin,
)
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Clash, Form, Option
from bakery.web.views.shell import Crumb
from bakery.web.views.team import InvitesPage, MemberPage, MembersPage, OneTimeLink

_SEE = {"permission": Permission.SEE_PEOPLE}
_MANAGE = {"permission": Permission.MANAGE_PEOPLE}
_REFUSALS = (BadInput, Conflict, NotAllowed)


@get("/team", opt=_SEE)
async def show_members(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    """Admins see everything, others the names."""
    can_manage = actor.may(Permission.MANAGE_PEOPLE)
    if can_manage:
        at = now()
        members = [member_row(person, actor, at) for person in await list_people(parts.store, actor=actor)]
    else:
        members = [colleague_row(colleague, actor) for colleague in await list_colleagues(parts.store, actor=actor)]
    page = MembersPage(members, can_manage=can_manage)
    return await render_page(request, "team/members.html", page, here="team", crumbs=[Crumb("Team")])


@get("/team/roles", opt=_SEE)
async def show_roles(request: WebRequest) -> Response[str]:
    crumbs = [_team(request), Crumb("Roles")]
    return await render_page(request, "team/roles.html", roles_page(), here="team", crumbs=crumbs)


@get("/team/invites", opt=_MANAGE)
async def show_invitations(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    return await _invitations(request, parts, actor)


@post("/team/invites", opt=_MANAGE)
async def make_invitation(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    """The page that it answers with is the only one that shows the link."""
    form = await typed(request)
    try:
        made = await invite(parts.store, form.text("email"), _role(form), actor=actor)
    except _REFUSALS as error:
        refused = form.refused(error, shown=("email", "role"))
        return await _invitations(request, parts, actor, form=refused, status=status_of(error))
    return await _invitations(request, parts, actor, made=made)


@post("/team/invites/{invitation:int}/revoke", opt=_MANAGE)
async def revoke(request: WebRequest, parts: Parts, actor: Actor, invitation: int) -> Response[str] | Redirect:
    try:
        await revoke_invitation(parts.store, invitation, actor=actor)
    except Conflict as error:
        refused = Form(values={"role": Role.VIEWER}, problem=f"{error.message} {error.hint}".strip())
        return await _invitations(request, parts, actor, form=refused, status=status_of(error))
    return go(request, "/team/invites", said="invite-revoked")


@get("/team/members/{person:int}", opt=_MANAGE)
async def show_member(request: WebRequest, parts: Parts, actor: Actor, person: int) -> Response[str]:
    return await _member(request, parts, actor, person)


@post("/team/members/{person:int}", opt=_MANAGE)
async def save_member(request: WebRequest, parts: Parts, actor: Actor, person: int) -> Response[str] | Redirect:
    form = await typed(request)
    if form.text("answer") == "theirs":
        return go(request, f"/team/members/{person}")
    try:
        role = _role(form)
        grants = None if role is Role.ADMIN else _grants(form)
        await change_access(parts.store, person, role=role, grants=grants, made_from=form.made_from, actor=actor)
    except _REFUSALS as error:
        return await _member(request, parts, actor, person, answers=form, error=error)
    return go(request, f"/team/members/{person}", said="access-changed")


@post("/team/members/{person:int}/suspend", opt=_MANAGE)
async def suspend_member(request: WebRequest, parts: Parts, actor: Actor, person: int) -> Response[str] | Redirect:
    return await _change(request, parts, actor, person, suspend, said="person-suspended")


@post("/team/members/{person:int}/resume", opt=_MANAGE)
async def resume_member(request: WebRequest, parts: Parts, actor: Actor, person: int) -> Response[str] | Redirect:
    return await _change(request, parts, actor, person, unsuspend, said="person-unsuspended")


@post("/team/members/{person:int}/remove", opt=_MANAGE)
async def remove_member(request: WebRequest, parts: Parts, actor: Actor, person: int) -> Response[str] | Redirect:
    form = await typed(request)
    found = await find_person(parts.store, person, actor=actor)
    if form.text("confirm").strip() != found.email:
        wrong = BadInput(f"Type {found.email}, exactly as it is written here.", field="confirm")
        return await _member(request, parts, actor, person, remove=form.refused(wrong, shown=("confirm",)), error=wrong)
    try:
        await remove_person(parts.store, person, actor=actor)
    except Conflict as error:
        return await _member(request, parts, actor, person, error=error)
    return go(request, "/team", said="person-removed")


@post("/team/members/{person:int}/reset-link", opt=_MANAGE)
async def make_link(request: WebRequest, parts: Parts, actor: Actor, person: int) -> Response[str]:
    """The page that it answers with is the only one that shows the link."""
    clears = (await typed(request)).is_on("clears_second_factor")
    found = await find_person(parts.store, person, actor=actor)
    try:
        link = await make_reset_link(parts.store, found.email, clears_second_factor=clears, actor=actor)
    except Conflict as error:
        return await _member(request, parts, actor, person, error=error)
    return await _member(request, parts, actor, person, link=link)


async def _change(
    request: WebRequest, parts: Parts, actor: Actor, person: int, use_case: Callable[..., Awaitable[None]], *, said: str
) -> Response[str] | Redirect:
    try:
        await use_case(parts.store, person, actor=actor)
    except Conflict as error:
        return await _member(request, parts, actor, person, error=error)
    return go(request, f"/team/members/{person}", said=said)


async def _invitations(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    *,
    form: Form | None = None,
    made: NewInvitation | None = None,
    status: int = 200,
) -> Response[str]:
    at = now()
    page = InvitesPage(
        invites=[invite_row(invitation, at) for invitation in await list_invitations(parts.store, actor=actor)],
        form=form or Form(values={"role": Role.VIEWER}),
        roles=ROLES,
        link=OneTimeLink(
            url=request.app.state["urls"].absolute(f"/invite/{made.token.reveal()}", request),
            title=f"Invitation for {made.invitation.email}",
            expires=moment(made.invitation.expires_at, at),
        )
        if made
        else None,
    )
    crumbs = [_team(request), Crumb("Invitations")]
    return await render_page(request, "team/invites.html", page, here="team", crumbs=crumbs, status=status)


async def _member(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    person_id: int,
    *,
    answers: Typed | None = None,
    remove: Form | None = None,
    link: NewResetLink | None = None,
    error: BakeryError | None = None,
) -> Response[str]:
    """`answers` are what was given for role and apps, when they were refused with the `error`."""
    at = now()
    people = await list_people(parts.store, actor=actor)
    person = next((person for person in people if person.id == person_id), None)
    if person is None:
        raise NotFound("There is no such person.")
    page = MemberPage(
        member=member_row(person, actor, at),
        form=_access_form(person, answers, None if remove else error),
        roles=ROLES,
        apps=[Option(app.slug, app.name) for app in await list_choices(parts.store, actor=actor)],
        sees_all_apps=answers.is_on("all_apps") if answers else person.all_apps,
        granted=frozenset(answers.all("apps") if answers else person.apps),
        remove=remove or Form(),
        version=person.access_version,
        clash=await _clash(parts, actor, person, answers) if isinstance(error, ChangedMeanwhile) and answers else None,
        by_link=await apps_by_link(parts.store, person_id, actor=actor),
        suspended=person.suspended_at is not None,
        last_admin=why_last_admin(person, people),
        link=OneTimeLink(
            url=request.app.state["urls"].absolute(f"/reset/{link.token.reveal()}", request),
            title=f"New password for {link.email}{', and no second factor' if link.clears_second_factor else ''}",
            expires=moment(link.expires_at, at),
        )
        if link
        else None,
    )
    return await render_page(
        request,
        "team/member.html",
        page,
        here="team",
        crumbs=[_team(request), Crumb(person.name or person.email)],
        status=status_of(error) if error else 200,
    )


async def _clash(parts: Parts, actor: Actor, person: Person, answers: Typed) -> Clash:
    actions = ("person.role_changed", "person.grants_changed")
    change = await last_change(parts.store, "person", str(person.id), actions, actor=actor)
    return clash(compared_access(person, _role(answers), _grants(answers)), change, actor=actor, now=now())


def _access_form(person: Person, answers: Typed | None, error: BakeryError | None) -> Form:
    if answers and isinstance(error, ChangedMeanwhile):
        return Form(values={"role": answers.text("role")})
    if answers and error:
        return answers.refused(error, shown=("role",))
    return Form(values={"role": person.role}, problem=f"{error.message} {error.hint}".strip() if error else "")


def _role(form: Typed) -> Role:
    try:
        return Role(form.text("role"))
    except ValueError:
        raise BadInput("Choose Viewer, Developer or Admin.", field="role") from None


def _grants(form: Typed) -> Grants:
    return Grants.of(None if form.is_on("all_apps") else form.all("apps"))


def _team(request: WebRequest) -> Crumb:
    return Crumb("Team", request.app.state["urls"].url("/team"))


ROUTES = (
    show_members,
    show_roles,
    show_invitations,
    make_invitation,
    revoke,
    show_member,
    save_member,
    suspend_member,
    resume_member,
    remove_member,
    make_link,
)
