"""Who works here, who is invited, and what each role may do."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.moments import Moment
from bakery.web.views.forms import Clash, Form, Options
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One person. What only Admins see is None or empty for others."""

    id: int
    email: str
    name: str
    role: str
    status: StatusView
    apps: str = ""
    has_second_factor: bool | None = None
    seen: Moment | None = None
    is_you: bool = False


@dataclass(frozen=True, slots=True)
class MembersPage:
    """team/members.html."""

    members: Sequence[MemberRow]
    can_manage: bool


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A link that is shown once, to be handed over by other means."""

    url: str
    title: str
    expires: Moment


@dataclass(frozen=True, slots=True)
class MemberPage:
    """team/member.html, for Admins. Fields: role, all_apps (on or absent), apps (one per slug), version; `answer` is
    “theirs” to take those; confirm to remove.

    `granted` holds the slugs of the apps granted; `last_admin`: why this person cannot be demoted or removed;
    `by_link`: the apps that their link to GitHub opens.
    """

    member: MemberRow
    form: Form
    roles: Options
    apps: Options
    sees_all_apps: bool
    granted: frozenset[str]
    remove: Form
    version: str
    clash: Clash | None = None
    by_link: Sequence[str] = ()
    suspended: bool = False
    last_admin: str = ""
    link: OneTimeLink | None = None


@dataclass(frozen=True, slots=True)
class InviteRow:
    id: int
    email: str
    role: str
    invited_by: str
    expires: Moment
    status: StatusView
    can_revoke: bool


@dataclass(frozen=True, slots=True)
class InvitesPage:
    """team/invites.html, for Admins. Fields: email, role."""

    invites: Sequence[InviteRow]
    form: Form
    roles: Options
    link: OneTimeLink | None = None


@dataclass(frozen=True, slots=True)
class RoleRow:
    """One thing that can be done, and whether each role (in the order of `roles`) may do it."""

    what: str
    allowed: Sequence[bool]


@dataclass(frozen=True, slots=True)
class RolesPage:
    """team/roles.html."""

    roles: Sequence[str]
    rows: Sequence[RoleRow]
