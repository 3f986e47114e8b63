"""What a node has otherwise than Bakery wants it."""

from collections.abc import Sequence

import msgspec
from litestar import get, post

from bakery.delivery.drift import Difference as Found
from bakery.delivery.drift import Kind
from bakery.delivery.node_drift import look_for_drift, repair
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_MANAGE = {"permission": Permission.MANAGE_NODES}


class Difference(msgspec.Struct, kw_only=True):
    """`key` names it when it is to be repaired. `diff` leads from what Bakery writes to what is there. What is doubtful
    is repaired only when it is named."""

    key: str
    kind: Kind
    name: str
    app: str
    path: str
    said: str
    how: str
    is_repairable: bool
    is_doubtful: bool
    diff: Sequence[str]


class NodeDrift(msgspec.Struct, kw_only=True):
    """What differs of all that was `looked_at`, and sentences about what was left out."""

    looked_at: int
    differences: Sequence[Difference]
    notes: Sequence[str]


class Repaired(msgspec.Struct, kw_only=True):
    """What is being put right."""

    repairs: Sequence[Difference]


class RepairWanted(msgspec.Struct, forbid_unknown_fields=True):
    """Keys of differences; none: all that is repairable and not doubtful."""

    what: Sequence[str] = ()


@get(
    "/nodes/{node:str}/drift",
    operation_id="showNodeDrift",
    summary="Show a node's drift",
    opt=_MANAGE,
    responses=problems(409),
    tags=["Nodes"],
)
async def get_drift(parts: Parts, actor: Actor, node: str) -> NodeDrift:
    """Sites, programs and certificates that are not as Bakery wants them. The node is asked, and nothing is changed."""
    found = await look_for_drift(parts.store, parts.queue, parts.links, node, actor=actor)
    shown = [_shown(one) for one in found.differences]
    return NodeDrift(looked_at=found.looked_at, differences=shown, notes=found.notes)


@post(
    "/nodes/{node:str}/repair",
    operation_id="repairNode",
    summary="Repair a node's drift",
    opt=_MANAGE,
    status_code=202,
    responses=problems(409),
    tags=["Nodes"],
)
async def post_repair(parts: Parts, actor: Actor, node: str, data: RepairWanted) -> Repaired:
    """A worker makes what differs as Bakery wants it: the answer lists what. What is not Bakery's is never touched."""
    chosen = await repair(parts.store, parts.queue, parts.links, node, data.what, actor=actor)
    return Repaired(repairs=[_shown(one) for one in chosen])


def _shown(one: Found) -> Difference:
    return Difference(
        key=one.key,
        kind=one.kind,
        name=one.name,
        app=one.app,
        path=one.path,
        said=one.said,
        how=one.how,
        is_repairable=one.is_repairable,
        is_doubtful=one.is_doubtful,
        diff=one.diff,
    )


ROUTES = (get_drift, post_repair)
