"""The machines that apps run on, as their page shows them."""

from dataclasses import dataclass
from datetime import datetime

from bakery.store.rows import typed
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.nodes.capabilities import IngressKind, UnitKeeper
from bakery.store.store import Store


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
    limits: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeSummary:
    """`site_port` is where nginx answers; None: there is no nginx. `is_watched`: a worker looks after it right now."""

    slug: str
    name: str
    public_address: str | None
    apps_domain: str
    site_port: int | None
    facts: MachineFacts
    looked_at: datetime
    is_watched: bool
    apps: int


async def list_nodes(store: Store, *, actor: Actor) -> list[NodeSummary]:
    actor.require(Permission.READ)
    async with store.connection() as connection, connection.cursor(row_factory=typed(NodeSummary)) as cursor:
        await cursor.execute(
            """
            SELECT slug, name, public_address, apps_domain, site_port, facts, seen_at AS looked_at,
                   EXISTS (SELECT FROM leases WHERE leases.name = 'node:' || slug AND until > now()) AS is_watched,
                   (SELECT count(*) FROM app_facts WHERE app_facts.node = nodes.slug) AS apps
            FROM nodes ORDER BY slug
            """
        )
        return await cursor.fetchall()
