"""Volumes: of an app, and all that lie on a node."""

import msgspec
from litestar import delete, get

from bakery.delivery.volumes import NamedBy, list_node_volumes, list_volumes, remove_volume
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.model.volumes import parse_volume_name
from bakery.web.api.listing import Listing, listing
from bakery.web.api.problems import problems
from bakery.web.context import Parts

_MANAGE = {"permission": Permission.MANAGE_NODES}


class AppVolume(msgspec.Struct, kw_only=True):
    """`path` null: nobody names it any more, and its files are kept. `named_by` is `settings` or `bakery.toml`."""

    name: str
    path: str | None
    named_by: NamedBy
    is_made: bool


class NodeVolume(msgspec.Struct, kw_only=True):
    """`has_app`: the app is there. `is_used`: it has the volume, or is to have it. `bytes` null: not counted."""

    app: str
    environment: str
    name: str
    runtime: Runtime
    has_app: bool
    is_used: bool
    bytes: int | None


@get(
    "/apps/{app:str}/volumes",
    operation_id="listVolumes",
    summary="List an app's volumes",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Apps"],
)
async def get_volumes(parts: Parts, actor: Actor, where: AppAt) -> Listing[AppVolume]:
    """Those that are named, and those whose files are kept. They are set with the app's other settings."""
    return listing(AppVolume, await list_volumes(parts.store, where, actor=actor), None)


@get(
    "/nodes/{node:str}/volumes",
    operation_id="listNodeVolumes",
    summary="List a node's volumes",
    opt=_MANAGE,
    responses=problems(409),
    tags=["Nodes"],
)
async def get_node_volumes(parts: Parts, actor: Actor, node: str) -> Listing[NodeVolume]:
    """All that apps have there, and what deleted apps left. The node counts, which may take a moment."""
    return listing(NodeVolume, await list_node_volumes(parts.store, parts.links, node, actor=actor), None)


@delete(
    "/nodes/{node:str}/volumes/{app:str}/{volume:str}",
    operation_id="deleteVolume",
    summary="Delete a volume",
    opt=_MANAGE,
    responses=problems(409),
    tags=["Nodes"],
)
async def delete_volume(parts: Parts, actor: Actor, node: str, where: AppAt, volume: str) -> None:
    """With all that is in it. Refused while its app has it."""
    name = parse_volume_name(volume)
    await remove_volume(parts.store, parts.links, node, where.app, where.environment, name, actor=actor)


ROUTES = (get_volumes, get_node_volumes, delete_volume)
