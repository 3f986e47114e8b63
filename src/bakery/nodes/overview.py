"""How all machines are doing at a glance. Two queries, however many there are, and a few rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from bakery.model.actor import Actor
from bakery.model.nodes import NodeState
from bakery.model.permissions import Permission
from bakery.store.series import FleetPoint, hour_of_all
from bakery.store.store import Store

NAMED = 5
FRESH = timedelta(seconds=60)  # older figures are of a machine that fell silent
_NEARLY_FULL = 0.85


@dataclass(frozen=True, slots=True)
class Heard:
    """What a machine said of itself within the last minute. Shares are between 0 and 1."""

    cpu: float
    memory: float
    disk_used: int
    disk_total: int
    load: float
    cpus: int

    @property
    def disk(self) -> float:
        return self.disk_used / self.disk_total if self.disk_total else 0.0


@dataclass(frozen=True, slots=True)
class NodeAtAGlance:
    """`differs`: so much was otherwise there than it should be, when somebody looked last."""

    slug: str
    is_local: bool
    state: NodeState
    is_watched: bool
    is_draining: bool
    heard: Heard | None
    differs: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the machines that were heard: `cpu` is their average, the rest is added up."""

    nodes: int
    cpu: float
    cpus: int
    memory_used: int
    memory_total: int
    load: float


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """`worst` are those that need a person most, `fullest` is the one with the fullest disk, `hour` has a point a
    minute unless there are too many machines for that."""

    total: int
    online: int
    worst: tuple[NodeAtAGlance, ...]
    totals: Totals | None
    fullest: NodeAtAGlance | None
    hour: Sequence[FleetPoint | None]


async def fleet_figures(store: Store, now: datetime, *, actor: Actor) -> FleetFigures:
    actor.require(Permission.READ)
    async with store.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_FLEET, {"heard_since": now - FRESH, "nearly_full": _NEARLY_FULL, "named": NAMED})
        rows = await cursor.fetchall()
    if not rows:
        return FleetFigures(0, 0, (), None, None, ())
    first = rows[0]
    return FleetFigures(
        total=first["total"],
        online=first["online"],
        worst=tuple(_at_a_glance(row) for row in rows if row["place"] <= NAMED),
        totals=_totals(first) if first["heard"] else None,
        fullest=next((_at_a_glance(row) for row in rows if row["is_fullest"]), None),
        hour=await hour_of_all(store, now),
    )


def _at_a_glance(row: dict[str, Any]) -> NodeAtAGlance:
    heard = None
    if row["cpu"] is not None:
        heard = Heard(row["cpu"], row["memory"], row["disk_used"], row["disk_total"], row["load"], row["cpus"])
    return NodeAtAGlance(
        slug=row["slug"],
        is_local=row["is_local"],
        state=NodeState(row["state"]),
        is_watched=row["is_watched"],
        is_draining=row["is_draining"],
        heard=heard,
        differs=row["differs"],
    )


def _totals(row: dict[str, Any]) -> Totals:
    return Totals(
        nodes=row["heard"],
        cpu=row["all_cpu"],
        cpus=row["all_cpus"],
        memory_used=row["all_memory_used"],
        memory_total=row["all_memory_total"],
        load=row["all_load"],
    )


# Worst first: who is blocked, who cannot be reached, whose disk fills up, and then who has most to do. A machine that
# waits for its first handshake needs its installer, not a look.
_FLEET = """
WITH seen AS (
    SELECT slug, kind = 'local' AS is_local, state, is_draining, leases.name IS NOT NULL AS is_watched,
           (line ->> 'cpu')::float8 / 100 AS cpu, (line ->> 'cpus')::int AS cpus,
           (line ->> 'memory_used')::bigint AS memory_used, (line ->> 'memory_total')::bigint AS memory_total,
           (line #>> '{disks,0,used}')::bigint AS disk_used, (line #>> '{disks,0,total}')::bigint AS disk_total,
           (line #>> '{load,0}')::float8 AS load, coalesce(cardinality(keys), 0) AS differs
    FROM nodes
    LEFT JOIN leases ON leases.name = 'node:' || slug AND leases.until > now()
    LEFT JOIN drift_looks ON drift_looks.node_id = nodes.id
    LEFT JOIN node_vitals ON node_vitals.node_id = nodes.id AND node_vitals.at >= %(heard_since)s
), shares AS (
    SELECT *, memory_used::float8 / nullif(memory_total, 0) AS memory, disk_used::float8 / nullif(disk_total, 0) AS disk
    FROM seen
), ranked AS (
    SELECT *,
           row_number() OVER (ORDER BY state = 'blocked' DESC,
                                       state = 'unreachable' OR (state = 'online' AND NOT is_watched) DESC,
                                       coalesce(disk, 0) >= %(nearly_full)s DESC, differs > 0 DESC, state = 'new',
                                       greatest(cpu, memory, disk) DESC NULLS LAST, slug) AS place,
           row_number() OVER (ORDER BY disk DESC NULLS LAST, slug) = 1 AND disk IS NOT NULL AS is_fullest,
           count(*) OVER () AS total,
           count(*) FILTER (WHERE state = 'online' AND is_watched) OVER () AS online,
           count(cpu) OVER () AS heard,
           avg(cpu) OVER () AS all_cpu,
           sum(cpus) OVER () AS all_cpus,
           (sum(memory_used) OVER ())::bigint AS all_memory_used,
           (sum(memory_total) OVER ())::bigint AS all_memory_total,
           sum(load) OVER () AS all_load
    FROM shares
)
SELECT slug, is_local, state, is_draining, is_watched, differs, cpu, cpus, coalesce(memory, 0) AS memory, disk_used,
       disk_total, load, place, is_fullest, total, online, heard, all_cpu, all_cpus, all_memory_used, all_memory_total,
       all_load
FROM ranked WHERE place <= %(named)s OR is_fullest ORDER BY place
"""
