"""Nodes: the machines that apps run on."""

from datetime import datetime

import msgspec
from litestar import Response, delete, get, patch, post
from msgspec import UNSET, UnsetType

from bakery.ingress.places import edit_node
from bakery.model.actor import Actor
from bakery.model.nodes import AGENT, NodeState, parse_new_node
from bakery.model.permissions import Permission
from bakery.nodes import registry
from bakery.nodes.bootstrap import make_bootstrap
from bakery.nodes.capabilities import IngressKind, UnitKeeper
from bakery.nodes.catalogue import NodeSummary, list_nodes, show_node
from bakery.nodes.installer import TAKE_OVER, WITH_POSTGRES
from bakery.nodes.login import fingerprint
from bakery.web.api.etags import tagged
from bakery.web.api.listing import Listing, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest
from bakery.web.moments import now

_READ = {"permission": Permission.READ}
_MANAGE = {"permission": Permission.MANAGE_NODES}


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


class Check(msgspec.Struct, kw_only=True):
    """One line of what verifying found; `fix` says what to do when it is not well."""

    name: str
    is_well: bool
    said: str
    fix: str


class Node(msgspec.Struct, kw_only=True):
    """`is_watched`: a worker looks after it right now. What only Admins are told is left out for others."""

    slug: str
    name: str
    state: NodeState
    is_watched: bool
    is_draining: bool
    kind: str | UnsetType = UNSET
    apps: int | UnsetType = UNSET
    trouble: str | UnsetType = UNSET
    trouble_hint: str | UnsetType = UNSET
    host: str | UnsetType | None = UNSET
    port: int | UnsetType | None = UNSET
    login: str | UnsetType | None = UNSET
    bastion: str | UnsetType | None = UNSET
    public_address: str | UnsetType | None = UNSET
    public_ipv6: str | UnsetType | None = UNSET
    apps_domain: str | UnsetType = UNSET
    site_port: int | UnsetType | None = UNSET
    key_public: str | UnsetType | None = UNSET
    host_key: str | UnsetType | None = UNSET
    host_key_fingerprint: str | UnsetType | None = UNSET
    other_host_key_fingerprint: str | UnsetType | None = UNSET
    handshake_at: datetime | UnsetType | None = UNSET
    handshake_seconds: float | UnsetType | None = UNSET
    checks: list[Check] | UnsetType = UNSET
    checked_at: datetime | UnsetType | None = UNSET
    is_checking: bool | UnsetType = UNSET
    is_rotating: bool | UnsetType = UNSET
    looked_at: datetime | UnsetType = UNSET
    facts: Machine | UnsetType | None = UNSET


class NodeWanted(msgspec.Struct, kw_only=True):
    """`bastion` is written `user@host:port`; the node is reached through it."""

    slug: str
    host: str
    port: int = 22
    user: str = AGENT
    bastion: str = ""
    name: str = ""


class NodeEdit(msgspec.Struct, kw_only=True):
    """What is left out stays. An empty `bastion` means none, and an empty `public_ipv6` that there is none, whatever
    the machine is seen to have."""

    name: str | UnsetType = UNSET
    host: str | UnsetType = UNSET
    port: int | UnsetType = UNSET
    user: str | UnsetType = UNSET
    bastion: str | UnsetType = UNSET
    apps_domain: str | UnsetType = UNSET
    public_address: str | UnsetType = UNSET
    public_ipv6: str | UnsetType = UNSET


class KeyAccepted(msgspec.Struct):
    """The fingerprint of the host key that was compared with the machine's own."""

    fingerprint: str


class InstallerWanted(msgspec.Struct):
    """`take_over`: the machine may belong to another Bakery. `with_postgres`: a PostgreSQL server is installed too."""

    take_over: bool = False
    with_postgres: bool = False


class Installer(msgspec.Struct):
    """`line` is for a shell of root on the machine. The address is good until `until`, or the first handshake."""

    line: str
    url: str
    sha256: str
    until: datetime
    script: str


@get("/nodes", operation_id="listNodes", summary="List nodes", opt=_READ, responses=problems(), tags=["Nodes"])
async def get_nodes(parts: Parts, actor: Actor) -> Listing[Node]:
    """The name and the state of each; for Admins with what each can do."""
    return Listing([_shown(node, actor) for node in await list_nodes(parts.store, actor=actor)])


@get(
    "/nodes/{node:str}", operation_id="showNode", summary="Show a node", opt=_READ, responses=problems(), tags=["Nodes"]
)
async def get_node(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[Node | None]:
    """One of them. Sends a weak ETag."""
    return tagged(request, _shown(await show_node(parts.store, node, actor=actor), actor))


@post("/nodes", operation_id="addNode", summary="Add a node", opt=_MANAGE, responses=problems(409), tags=["Nodes"])
async def post_node(parts: Parts, actor: Actor, data: NodeWanted) -> Node:
    """A machine with a key of its own. It waits for its first handshake: run its installer there."""
    new = parse_new_node(
        slug=data.slug, host=data.host, port=data.port, user=data.user, bastion=data.bastion, name=data.name
    )
    added = await registry.add_node(parts.store, new, apps_domain=parts.general.apps_domain, actor=actor)
    return _shown(added, actor)


@patch(
    "/nodes/{node:str}",
    operation_id="editNode",
    summary="Change a node",
    opt=_MANAGE,
    responses=problems(409),
    tags=["Nodes"],
)
async def patch_node(parts: Parts, actor: Actor, node: str, data: NodeEdit) -> Node:
    """Its name, its address, or where its apps are found."""
    wanted = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    return _shown(await edit_node(parts.store, parts.queue, node, wanted, actor=actor), actor)


@post(
    "/nodes/{node:str}/verify",
    operation_id="verifyNode",
    summary="Verify a node",
    opt=_MANAGE,
    status_code=202,
    responses=problems(),
    tags=["Nodes"],
)
async def post_verify(parts: Parts, actor: Actor, node: str) -> Node:
    """A worker looks at everything that it needs; `checks` has a line for each when `is_checking` is over."""
    await registry.verify_node(parts.store, parts.queue, node, actor=actor)
    return await _node(parts, node, actor)


@post(
    "/nodes/{node:str}/drain",
    operation_id="drainNode",
    summary="Drain a node",
    opt=_MANAGE,
    status_code=200,
    responses=problems(),
    tags=["Nodes"],
)
async def post_drain(parts: Parts, actor: Actor, node: str) -> Node:
    """No new app comes to it; those that are there stay."""
    await registry.drain_node(parts.store, node, is_draining=True, actor=actor)
    return await _node(parts, node, actor)


@post(
    "/nodes/{node:str}/undrain",
    operation_id="undrainNode",
    summary="End draining a node",
    opt=_MANAGE,
    status_code=200,
    responses=problems(),
    tags=["Nodes"],
)
async def post_undrain(parts: Parts, actor: Actor, node: str) -> Node:
    """New apps may come to it again."""
    await registry.drain_node(parts.store, node, is_draining=False, actor=actor)
    return await _node(parts, node, actor)


@post(
    "/nodes/{node:str}/rotate-key",
    operation_id="rotateNodeKey",
    summary="Change a node's key",
    opt=_MANAGE,
    status_code=202,
    responses=problems(409),
    tags=["Nodes"],
)
async def post_rotate_key(parts: Parts, actor: Actor, node: str) -> Node:
    """A new one is brought there and proven before the old one goes; `is_rotating` until then."""
    await registry.rotate_key(parts.store, parts.queue, node, actor=actor)
    return await _node(parts, node, actor)


@post(
    "/nodes/{node:str}/accept-key",
    operation_id="acceptHostKey",
    summary="Accept a changed host key",
    opt=_MANAGE,
    status_code=202,
    responses=problems(409),
    tags=["Nodes"],
)
async def post_accept_key(parts: Parts, actor: Actor, node: str, data: KeyAccepted) -> Node:
    """For a machine that was reinstalled. The fingerprint says which key was looked at."""
    await registry.accept_host_key(parts.store, parts.queue, node, data.fingerprint, actor=actor)
    return await _node(parts, node, actor)


@post(
    "/nodes/{node:str}/bootstrap",
    operation_id="bootstrapNode",
    summary="Get a node's installer",
    opt=_MANAGE,
    status_code=201,
    responses=problems(409),
    tags=["Nodes"],
)
async def post_bootstrap(
    request: WebRequest, parts: Parts, actor: Actor, node: str, data: InstallerWanted | None = None
) -> Installer:
    """The line to run on the machine, and the script itself. Running it again repairs a node."""
    base = request.app.state["urls"].absolute("", request)
    options = _options(data or InstallerWanted())
    made = await make_bootstrap(parts.store, node, base_url=base, now=now(), options=options, actor=actor)
    return Installer(made.line, made.url, made.sha256, made.until, made.script)


@delete(
    "/nodes/{node:str}",
    operation_id="removeNode",
    summary="Remove a node",
    opt=_MANAGE,
    responses=problems(409),
    tags=["Nodes"],
)
async def delete_node(parts: Parts, actor: Actor, node: str) -> None:
    """Bakery forgets it, with its jobs and their logs. Refused while apps live there."""
    await registry.remove_node(parts.store, node, actor=actor)


async def _node(parts: Parts, slug: str, actor: Actor) -> Node:
    return _shown(await show_node(parts.store, slug, actor=actor), actor)


def _options(wanted: InstallerWanted) -> list[str]:
    asked = ((wanted.with_postgres, WITH_POSTGRES), (wanted.take_over, TAKE_OVER))
    return [option for is_asked, option in asked if is_asked]


def _shown(node: NodeSummary, actor: Actor) -> Node:
    if not actor.may(Permission.MANAGE_NODES):
        return Node(
            slug=node.slug,
            name=node.name,
            state=node.state,
            is_watched=node.is_watched,
            is_draining=node.is_draining,
        )
    seen = shown(Node, node)
    seen.host_key_fingerprint = fingerprint(node.host_key) if node.host_key else None
    seen.other_host_key_fingerprint = fingerprint(node.other_host_key) if node.other_host_key else None
    return seen


ROUTES = (
    get_nodes,
    get_node,
    post_node,
    patch_node,
    post_verify,
    post_drain,
    post_undrain,
    post_rotate_key,
    post_accept_key,
    post_bootstrap,
    delete_node,
)
