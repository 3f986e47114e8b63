"""Nodes: the machines that apps run on."""

from datetime import datetime

import msgspec
from litestar import Response, get
from msgspec import UNSET, UnsetType

from bakery.delivery.nodes import NodeSummary, list_nodes
from bakery.model.actor import Actor
from bakery.model.errors import NotFound
from bakery.model.permissions import Permission
from bakery.nodes.capabilities import IngressKind, UnitKeeper
from bakery.web.api.etags import tagged
from bakery.web.api.listing import Listing, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest

_READ = {"permission": Permission.READ}


class Machine(msgspec.Struct, kw_only=True):
    """What Bakery saw when it last looked. `limits` and `notes` are sentences."""

    user: str
    is_root: bool
    has_docker: bool
    nginx: str | None
    python: str
    disk_free_bytes: int
    memory_bytes: int
    cpus: int
    units: UnitKeeper
    ingress: IngressKind
    limits: list[str]
    notes: list[str]


class Node(msgspec.Struct, kw_only=True):
    """`is_watched`: a worker looks after it right now. What only Admins are told is left out for others."""

    slug: str
    name: str
    is_watched: bool
    apps: int | UnsetType = UNSET
    public_address: str | UnsetType | None = UNSET
    apps_domain: str | UnsetType = UNSET
    site_port: int | UnsetType | None = UNSET
    looked_at: datetime | UnsetType = UNSET
    facts: Machine | UnsetType = UNSET


@get("/nodes", operation_id="listNodes", summary="List nodes", opt=_READ, responses=problems(), tags=["Nodes"])
async def get_nodes(parts: Parts, actor: Actor) -> Listing[Node]:
    """The name and the state of each; for Admins with what each can do."""
    return Listing([_shown(node, actor) for node in await list_nodes(parts.store, actor=actor)])


@get(
    "/nodes/{node:str}", operation_id="showNode", summary="Show a node", opt=_READ, responses=problems(), tags=["Nodes"]
)
async def get_node(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[Node | None]:
    """One of them. Sends a weak ETag."""
    for found in await list_nodes(parts.store, actor=actor):
        if found.slug == node:
            return tagged(request, _shown(found, actor))
    raise NotFound("There is no such node.")


def _shown(node: NodeSummary, actor: Actor) -> Node:
    if actor.may(Permission.MANAGE_NODES):
        return shown(Node, node)
    return Node(slug=node.slug, name=node.name, is_watched=node.is_watched)


ROUTES = (get_nodes, get_node)
