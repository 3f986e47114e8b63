"""Samples about people: team and account."""

import dataclasses
from datetime import timedelta

from markupsafe import Markup

from bakery.web.moments import moment
from bakery.web.views.account import (
    Enrolment,
    NewToken,
    PreferencesPage,
    ProfilePage,
    SecurityPage,
    SessionRow,
    SessionsPage,
    TokenRow,
    TokensPage,
)
from bakery.web.views.forms import Form, Option
from bakery.web.views.github import GitHubLinkPage
from bakery.web.views.status import (
    invite_status,
    person_status,
)
from bakery.web.views.team import (
    InviteRow,
    InvitesPage,
    MemberPage,
    MemberRow,
    MembersPage,
    OneTimeLink,
    RoleRow,
    RolesPage,
)
from tests.web.samples.frame import NOW, Pages, a_shell, ago

ROLES = [
    Option("viewer", "Viewer", "Reads everything in the apps granted, except secrets."),
    Option("developer", "Developer", "Also deploys and changes them."),
    Option("admin", "Admin", "Everything, in all apps."),
]
APPS = [Option("shop", "shop"), Option("api", "api")]
WRONG = Form(
    values={"email": "ops1", "name": "CI", "scope": "deploy", "role": "viewer"},
    errors={
        "email": "This is not an e-mail address like name@example.com.",
        "password": "That was not the password.",
        "name": "Taken.",
    },
    problem="Nothing was saved.",
)
LINK = OneTimeLink(
    "https://bakery.example.com/invite/Zk3vX8…", "Invitation for new@example.com", moment(NOW + timedelta(hours=1), NOW)
)


def team_pages() -> Pages:
    """Who works here."""
    return {
        "team": ("team/members.html", MembersPage(_members(), can_manage=True), a_shell("team", "Team")),
        "team-viewer": ("team/members.html", MembersPage(_members(), can_manage=False), a_shell("team", "Team")),
        "member": ("team/member.html", _member(), a_shell("team", "Team", "dev")),
        "invites": (
            "team/invites.html",
            InvitesPage(_invites(), WRONG, ROLES, LINK),
            a_shell("team", "Team", "Invitations"),
        ),
        "roles": ("team/roles.html", _roles(), a_shell("team", "Team", "Roles")),
    }


def account_pages() -> Pages:
    """One's own account."""
    qr = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29"><path stroke="#000" d="M4 4.5h7m4 0h7"/></svg>'
    )
    return {
        "profile": (
            "account/profile.html",
            ProfilePage(Form(values={"name": "ops1"}), "ops1@example.com", "Admin", "all", ago(days=40)),
            a_shell("", "Account", "Profile"),
        ),
        "security": (
            "account/security.html",
            SecurityPage(WRONG, Form(), has_second_factor=False, password_changed=ago(days=9)),
            a_shell("", "Account", "Security"),
        ),
        "security-enrol": (
            "account/security.html",
            SecurityPage(
                Form(),
                Form(),
                has_second_factor=False,
                password_changed=ago(days=9),
                enrolment=Enrolment(Form(), qr, "JBSW Y3DP EHPK 3PXP"),
            ),
            a_shell("", "Account", "Security"),
        ),
        "security-on": (
            "account/security.html",
            SecurityPage(
                Form(),
                WRONG,
                has_second_factor=True,
                password_changed=ago(days=9),
                recovery_left=10,
                recovery_codes=[f"k3f9-x{n}tq" for n in range(10)],
            ),
            a_shell("", "Account", "Security"),
        ),
        "sessions": ("account/sessions.html", _sessions(), a_shell("", "Account", "Sessions")),
        "tokens": ("account/tokens.html", _tokens(), a_shell("", "Account", "Tokens")),
        **{
            f"account-github{state}": ("account/github.html", page, a_shell("", "Account", "GitHub"))
            for state, page in (
                ("", GitHubLinkPage("https://github.com", None, None, "person:1", may_set_up=True)),
                ("-unknown", GitHubLinkPage(None, None, None, "person:1", may_set_up=True)),
                ("-ask", GitHubLinkPage(None, None, None, "person:1", may_set_up=False)),
                ("-linked", GitHubLinkPage("https://github.com", "ann", ago(days=3), "person:1", may_set_up=True)),
                (
                    "-refused",
                    GitHubLinkPage(
                        "https://github.com",
                        None,
                        None,
                        "person:1",
                        may_set_up=True,
                        problem="You did not allow it at GitHub, so nothing is linked.",
                    ),
                ),
            )
        },
        "preferences": (
            "account/preferences.html",
            PreferencesPage(Form(values={"theme": "system", "shortcuts": "on"})),
            a_shell("", "Account", "Preferences"),
        ),
    }


def _members() -> list[MemberRow]:
    return [
        MemberRow(
            1,
            "ops1@example.com",
            "ops1",
            "Admin",
            person_status("active"),
            "all",
            has_second_factor=True,
            seen=ago(seconds=20),
            is_you=True,
        ),
        MemberRow(
            2,
            "dev@example.com",
            "dev",
            "Developer",
            person_status("active"),
            "shop, api",
            has_second_factor=False,
            seen=ago(hours=3),
        ),
        MemberRow(3, "old@example.com", "", "Viewer", person_status("suspended"), "all", has_second_factor=False),
    ]


def _member() -> MemberPage:
    form = Form(values={"role": "developer"})
    return MemberPage(
        dataclasses.replace(_members()[1], has_second_factor=True),
        form,
        ROLES,
        APPS,
        sees_all_apps=False,
        granted=frozenset({"shop"}),
        remove=Form(),
        version="0",
        link=LINK,
    )


def _invites() -> list[InviteRow]:
    later = moment(NOW + timedelta(days=3), NOW)
    return [
        InviteRow(1, "new@example.com", "Developer", "ops1", later, invite_status("open"), can_revoke=True),
        InviteRow(2, "past@example.com", "Viewer", "ops1", ago(days=3), invite_status("expired"), can_revoke=False),
    ]


def _roles() -> RolesPage:
    rows = [
        RoleRow("Read pages and lists", (True, True, True)),
        RoleRow("Deploy, restart and stop apps", (False, True, True)),
    ]
    return RolesPage(("Viewer", "Developer", "Admin"), [*rows, RoleRow("Manage people", (False, False, True))])


def _sessions() -> SessionsPage:
    rows = [
        SessionRow(1, "Firefox on Linux", "203.0.113.9", ago(hours=5), ago(seconds=9), current=True),
        SessionRow(2, "Safari on iPhone", "198.51.100.20", ago(days=3), ago(hours=7)),
    ]
    return SessionsPage(rows, "person:1")


def _tokens() -> TokensPage:
    scopes = [Option("read", "Read"), Option("deploy", "Read and deploy"), Option("admin", "All that you may")]
    rows = [
        TokenRow(
            1,
            "CI of shop",
            "deploy shop",
            "bky_k3f9",
            ago(days=12),
            moment(NOW + timedelta(days=78), NOW),
            ago(minutes=18),
        ),
        TokenRow(2, "old script", "read", "bky_x2", ago(days=120), ago(days=30), None, is_expired=True),
    ]
    made = NewToken("CI of shop", "bky_k3f9Zt0qgqJc5n2aPq8uK1dXw7r")
    return TokensPage(
        rows,
        "person:1",
        WRONG,
        scopes,
        [Option("", "All apps"), *APPS],
        [Option("90", "in 90 days"), Option("30", "in 30 days")],
        made,
        needs_code=True,
    )
