"""The machines that apps run on, as their pages and lists show them."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection

from bakery.model.actor import Actor
from bakery.model.errors import NotFound
from bakery.model.nodes import NodeState, expect_node_name
from bakery.model.permissions import Permission
from bakery.nodes.capabilities import IngressKind, UnitKeeper
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class MachineFacts:
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
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeCheck:
    """One line of what verifying found. `fix` says what to do when it is not well."""

    name: str
    is_well: bool
    said: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class NodeSummary:
    """`site_port` is where nginx answers; None: there is no nginx. `is_watched`: a worker looks after it right now.
    `facts` is None before the first handshake."""

    id: int
    slug: str
    name: str
    kind: str
    state: NodeState
    state_since: datetime
    trouble: str
    trouble_hint: str
    is_draining: bool
    host: str | None
    port: int | None
    login: str | None
    bastion: str | None
    public_address: str | None
    public_ipv6: str | None
    apps_domain: str
    site_port: int | None
    facts: MachineFacts | None
    looked_at: datetime
    handshake_at: datetime | None
    handshake_seconds: float | None
    key_public: str | None
    host_key: str | None
    bastion_host_key: str | None
    other_host_key: str | None
    other_is_bastions: bool
    checks: tuple[NodeCheck, ...]
    checked_at: datetime | None
    is_checking: bool
    is_rotating: bool
    is_watched: bool
    apps: int

    @property
    def is_local(self) -> bool:
        return self.kind == "local"

    @property
    def pinned_before_other(self) -> str | None:
        """What `other_host_key` was shown instead of."""
        return self.bastion_host_key if self.other_is_bastions else self.host_key


@dataclass(frozen=True, slots=True)
class LastDeployment:
    app: str
    number: int
    at: datetime


async def list_nodes(store: Store, *, actor: Actor) -> list[NodeSummary]:
    actor.require(Permission.READ)
    async with store.connection() as connection, connection.cursor(row_factory=typed(NodeSummary)) as cursor:
        await cursor.execute(_NODES, {"slug": None})
        return await cursor.fetchall()


async def show_node(store: Store, slug: str, *, actor: Actor) -> NodeSummary:
    actor.require(Permission.READ)
    expect_node_name(slug)
    async with store.connection() as connection:
        return await _read(connection, slug)


async def lock_node(tx: Transaction, slug: str) -> NodeSummary:
    """As whoever changed it just before left it; until the transaction ends nobody else changes it."""
    expect_node_name(slug)
    await tx.connection.execute("SELECT FROM nodes WHERE slug = %s FOR UPDATE", (slug,))
    return await _read(tx.connection, slug)


async def _read(connection: AsyncConnection, slug: str) -> NodeSummary:
    async with connection.cursor(row_factory=typed(NodeSummary)) as cursor:
        await cursor.execute(_NODES, {"slug": slug})
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("There is no such node.")
    return found


async def last_deployment(store: Store, node_id: int, *, actor: Actor) -> LastDeployment | None:
    """The last one that succeeded there."""
    actor.require(Permission.MANAGE_NODES)
    async with store.connection() as connection, connection.cursor(row_factory=typed(LastDeployment)) as cursor:
        await cursor.execute(
            """
            SELECT app, number, ended_at AS at FROM deployment_facts
            JOIN environments ON environments.id = environment_id
            WHERE node_id = %s AND state = 'succeeded' ORDER BY deployment_facts.id DESC LIMIT 1
            """,
            (node_id,),
        )
        return await cursor.fetchone()


async def apps_on(store: Store, slug: str, *, actor: Actor) -> list[str]:
    """The names of the apps that live there."""
    actor.require(Permission.MANAGE_NODES)
    async with store.connection() as connection:
        return await read_apps_on(connection, slug)


async def read_apps_on(connection: AsyncConnection, slug: str) -> list[str]:
    cursor = await connection.execute(
        "SELECT DISTINCT slug FROM environment_facts WHERE node = %s ORDER BY slug", (slug,)
    )
    return [app for (app,) in await cursor.fetchall()]


_NODES = """
SELECT id, slug, name, kind, state, state_since, trouble, trouble_hint, is_draining, host, port, login, bastion,
       public_address, public_ipv6, apps_domain, site_port,
       CASE WHEN facts <> '{}' THEN facts END AS facts, seen_at AS looked_at,
       handshake_at, handshake_seconds, key_public, host_key, bastion_host_key, other_host_key, other_is_bastions,
       checks, checked_at,
       (check_asked_at > coalesce(checked_at, '-infinity')) IS TRUE AS is_checking,
       next_key_public IS NOT NULL AS is_rotating,
       EXISTS (SELECT FROM leases WHERE leases.name = 'node:' || slug AND until > now()) AS is_watched,
       (SELECT count(DISTINCT id) FROM environment_facts WHERE environment_facts.node = nodes.slug) AS apps
FROM nodes WHERE %(slug)s::text IS NULL OR slug = %(slug)s ORDER BY kind, slug
"""
