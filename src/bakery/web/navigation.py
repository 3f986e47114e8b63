"""The navigation is this table. What has no capability has no row here, and so no menu entry."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.addresses import Addresses
from bakery.web.views.shell import NavItem


@dataclass(frozen=True, slots=True)
class Entry:
    """One place. `needs` hides it from who could only be refused there."""

    key: str
    title: str
    path: str
    icon: str
    needs: Permission = Permission.READ


ENTRIES: Sequence[Entry] = (
    Entry("dashboard", "Dashboard", "/", "house"),
    Entry("apps", "Apps", "/apps", "layout-list"),
    Entry("nodes", "Nodes", "/nodes", "server"),
    Entry("tasks", "Tasks", "/tasks", "circle-play"),
    Entry("activity", "Activity", "/activity", "history"),
    Entry("team", "Team", "/team", "users", Permission.SEE_PEOPLE),
    Entry("settings", "Settings", "/settings/general", "settings-2", Permission.MANAGE_SYSTEM),
    Entry("help", "Help", "/help", "file-text", Permission.OWN_ACCOUNT),
)


def navigation(actor: Actor, here: str, addresses: Addresses) -> list[NavItem]:
    return [
        NavItem(
            key=entry.key, title=entry.title, href=addresses.url(entry.path), icon=entry.icon, current=entry.key == here
        )
        for entry in ENTRIES
        if actor.may(entry.needs)
    ]
