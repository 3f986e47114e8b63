"""People, invitations and roles."""

from collections.abc import Iterable
from datetime import datetime

from bakery.access.invitations import Invitation
from bakery.access.people import Colleague, Grants, Person
from bakery.model.actor import Actor
from bakery.model.permissions import HELD_BY, Permission, Role
from bakery.web.moments import moment
from bakery.web.views.forms import Option, Options
from bakery.web.views.status import invite_status, person_status
from bakery.web.views.team import InviteRow, MemberRow, RoleRow, RolesPage

_NAMED = 3
_COMPARED = 200  # of many, the one that differs must be among them
ROLES: Options = (
    Option(Role.VIEWER, "Viewer", "Reads everything in the apps granted, except secrets."),
    Option(Role.DEVELOPER, "Developer", "Also deploys, restarts and stops them."),
    Option(Role.ADMIN, "Admin", "Everything, in all apps."),
)
_MAY = (
    ("See apps, deployments and logs", Permission.READ),
    ("See who is in the team", Permission.SEE_PEOPLE),
    ("Deploy, restart, stop and start apps", Permission.DEPLOY),
    ("Add apps", Permission.CREATE_APP),
    ("Delete apps", Permission.DELETE_APP),
    ("See the activity of everybody", Permission.SEE_AUDIT),
    ("Invite, change and remove people", Permission.MANAGE_PEOPLE),
    ("Change the settings of Bakery", Permission.MANAGE_SYSTEM),
)


def colleague_row(colleague: Colleague, actor: Actor) -> MemberRow:
    """As everybody may see them."""
    return MemberRow(
        id=colleague.id,
        email="",
        name=colleague.name,
        role=colleague.role.label,
        status=person_status("active"),
        is_you=colleague.id == actor.person_id,
    )


def member_row(person: Person, actor: Actor, now: datetime) -> MemberRow:
    """As Admins see them."""
    return MemberRow(
        id=person.id,
        email=person.email,
        name=person.name,
        role=person.role.label,
        status=person_status("suspended" if person.suspended_at else "active"),
        apps=_apps(person.role, person.grants),
        has_second_factor=person.has_second_factor,
        seen=moment(person.last_seen_at, now) if person.last_seen_at else None,
        is_you=person.id == actor.person_id,
    )


def why_last_admin(person: Person, people: Iterable[Person]) -> str:
    others = [other for other in people if other.id != person.id and not other.suspended_at]
    if person.role is not Role.ADMIN or any(other.role is Role.ADMIN for other in others):
        return ""
    return "This is the last active Admin. Make somebody else an Admin first."


def invite_row(invitation: Invitation, now: datetime) -> InviteRow:
    return InviteRow(
        id=invitation.id,
        email=invitation.email,
        role=invitation.role.label,
        invited_by=invitation.invited_by,
        expires=moment(invitation.expires_at, now),
        status=invite_status(invitation.state),
        can_revoke=invitation.state in {"open", "expired"},
    )


def roles_page() -> RolesPage:
    return RolesPage(
        roles=[role.label for role in Role],
        rows=[RoleRow(what, [role in HELD_BY[permission] for role in Role]) for what, permission in _MAY],
    )


def compared_access(person: Person, role: Role, grants: Grants) -> list[tuple[str, str, str]]:
    """What is stored of the person's access beside what was chosen."""
    return [
        ("Role", person.role.label, role.label),
        ("Apps", _apps(person.role, person.grants, most=_COMPARED), _apps(role, grants, most=_COMPARED)),
    ]


def _apps(role: Role, grants: Grants, *, most: int = _NAMED) -> str:
    if grants.apps is None or role is Role.ADMIN:
        return "all"
    more = len(grants.apps) - most
    named = grants.apps[:most]
    return ", ".join(named) + (f" and {more} more" if more > 0 else "") if named else "none"
