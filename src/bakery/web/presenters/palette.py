"""What the palette offers for a few letters: apps, nodes, pages, and things to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.delivery.fleet import AppSummary
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.nodes.catalogue import NodeSummary
from bakery.web.navigation import ENTRIES
from bakery.web.presenters.links import Url
from bakery.web.views.shell import PaletteGroup, PaletteItem
from bakery.web.views.status import app_status, node_status

_MOST_APPS = 8
_MOST_NODES = 4


@dataclass(frozen=True, slots=True)
class _Place:
    title: str
    path: str
    icon: str
    needs: Permission = Permission.OWN_ACCOUNT


_PAGES = (
    *(_Place(entry.title, entry.path, entry.icon, entry.needs) for entry in ENTRIES),
    _Place("Roles", "/team/roles", "users", Permission.SEE_PEOPLE),
    _Place("Your profile", "/account/profile", "circle-user"),
    _Place("Your sessions", "/account/sessions", "monitor"),
    _Place("Your tokens", "/account/tokens", "key-round"),
    _Place("Your preferences", "/account/preferences", "sun-moon"),
)
_ACTIONS = (
    _Place("New app", "/apps/new", "plus", Permission.CREATE_APP),
    _Place("Invite someone", "/team/invites", "user-plus", Permission.MANAGE_PEOPLE),
    _Place("Create a token", "/account/tokens", "key-round"),
    _Place("Change your password", "/account/security", "shield-check"),
    _Place("Set up your second factor", "/account/security", "shield-check"),
    _Place("Let a command line in", "/cli", "terminal"),
)


def palette(
    query: str, apps: Sequence[AppSummary], nodes: Sequence[NodeSummary], *, actor: Actor, url: Url
) -> Sequence[PaletteGroup]:
    """`apps` are those that match, `nodes` are all. Groups without a match are left away."""
    found = [node for node in nodes if query.casefold() in f"{node.slug} {node.name}".casefold()]
    groups = (
        PaletteGroup("Apps", [_app(app, url) for app in apps[:_MOST_APPS]]),
        PaletteGroup("Nodes", [_node(node, url) for node in found[:_MOST_NODES]]),
        PaletteGroup("Pages", _matching(_PAGES, query, actor, url)),
        PaletteGroup("Actions", _matching(_ACTIONS, query, actor, url)),
    )
    return [group for group in groups if group.items]


def _app(app: AppSummary, url: Url) -> PaletteItem:
    status = app_status(app.status)
    return PaletteItem(app.name, url(f"/apps/{app.slug}"), status.shape, status.word, status.tone)


def _node(node: NodeSummary, url: Url) -> PaletteItem:
    status = node_status("online" if node.is_watched else "offline")
    name = node.slug if node.name == node.slug else f"{node.slug}, {node.name}"
    return PaletteItem(name, f"{url('/nodes')}#node-{node.slug}", status.shape, status.word, status.tone)


def _matching(places: Sequence[_Place], query: str, actor: Actor, url: Url) -> Sequence[PaletteItem]:
    return [
        PaletteItem(place.title, url(place.path), place.icon)
        for place in places
        if actor.may(place.needs) and query.casefold() in place.title.casefold()
    ]
