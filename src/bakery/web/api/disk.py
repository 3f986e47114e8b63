"""Room on nodes, and what of Bakery's lies there that nobody needs."""

from collections.abc import Sequence

import msgspec
from litestar import get, post

from bakery.delivery.leftovers import Kind
from bakery.delivery.pruning import Prunable, prune_node, what_would_go
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_MANAGE = {"permission": Permission.MANAGE_NODES}


class FreeSpace(msgspec.Struct, kw_only=True):
    path: str
    free_bytes: int


class Leftover(msgspec.Struct, kw_only=True):
    """Images share layers, so that less may become free than their sizes say."""

    kind: Kind
    name: str
    bytes: int
    why: str


class NodeDisk(msgspec.Struct, kw_only=True):
    """What is free where releases lie and where Docker keeps its data; what nobody needs; and sentences about what
    stays."""

    free: Sequence[FreeSpace]
    leftovers: Sequence[Leftover]
    bytes: int
    notes: Sequence[str]


@get(
    "/nodes/{node:str}/disk",
    operation_id="showNodeDisk",
    summary="Show a node's disk",
    opt=_MANAGE,
    responses=problems(409),
    tags=["Nodes"],
)
async def get_disk(parts: Parts, actor: Actor, node: str) -> NodeDisk:
    """What is free there, and what pruning would take away. The node is asked for it, which may take a moment."""
    return _shown(await what_would_go(parts.store, parts.links, node, actor=actor))


@post(
    "/nodes/{node:str}/prune",
    operation_id="pruneNode",
    summary="Prune a node",
    opt=_MANAGE,
    status_code=202,
    responses=problems(409),
    tags=["Nodes"],
)
async def post_prune(parts: Parts, actor: Actor, node: str) -> NodeDisk:
    """A worker takes away what nobody needs: the answer lists it. What is not Bakery's is never touched."""
    found = await what_would_go(parts.store, parts.links, node, actor=actor)
    await prune_node(parts.store, parts.queue, node, actor=actor)
    return _shown(found)


def _shown(found: Prunable) -> NodeDisk:
    rooms = [room for room in (found.space.node, found.space.docker) if room]
    return NodeDisk(
        free=[FreeSpace(path=room.path, free_bytes=room.free) for room in rooms],
        leftovers=[Leftover(kind=one.kind, name=one.name, bytes=one.bytes, why=one.why) for one in found.leftovers],
        bytes=found.bytes,
        notes=found.notes,
    )


ROUTES = (get_disk, post_prune)
