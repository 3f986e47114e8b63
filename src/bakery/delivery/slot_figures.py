"""How each slot of an app is doing: its health, its restarts, and the traffic of the last hour."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bakery.delivery.find import find_app
from bakery.delivery.traffic import Traffic, summed
from bakery.model.actor import Actor
from bakery.model.deployments import Health, SlotState, Trouble
from bakery.model.names import AppAt, Colour
from bakery.model.permissions import Permission
from bakery.model.terms import Said
from bakery.model.unit import Limits
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.traffic import Minute, minutes

SPAN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class MinuteFigures:
    """`p95` is in milliseconds."""

    at: datetime
    requests: int
    errors: int
    p95: float | None


@dataclass(frozen=True, slots=True)
class SlotFigures:
    """`check` is what was looked at last, `health_since` when it began to be so. `restarts` counts the ends that nobody
    asked for since its program was started, `revivals` how often Bakery restarted it in its trouble. `is_sampled`: more
    requests came than were read, and some stand for all. `minutes` are those with a visitor. `used_memory` is in bytes,
    `used_cpu` in percent of one; None: nobody counted it. `limits` are those that its program was started with."""

    environment_id: int
    release_id: int
    colour: Colour
    state: SlotState
    release: int
    since: datetime
    health: Health
    health_note: str
    health_since: datetime
    check: str
    trouble: Trouble
    restarts: int
    revivals: int
    traffic: Traffic
    is_sampled: bool
    minutes: Sequence[MinuteFigures]
    used_memory: int | None = None
    used_cpu: int | None = None
    limits: Limits = field(default_factory=Limits)


async def slot_figures(store: Store, where: AppAt, *, actor: Actor, now: datetime) -> list[SlotFigures]:
    actor.require(Permission.READ)
    return await figures_of(store, (await find_app(store, where, actor)).environment_id, now=now)


async def figures_of(store: Store, environment_id: int, *, now: datetime) -> list[SlotFigures]:
    """Of the slots in which something runs, the live one first; of the last hour."""
    async with store.connection() as connection, connection.cursor(row_factory=typed(_Row)) as cursor:
        await cursor.execute(
            """
            SELECT slots.environment_id, colour, slots.state, release_id, number AS release, since, health,
                   health_note, health_since, check_kind, trouble, restarts, revivals, used_memory, used_cpu,
                   memory_bytes, cpu_percent, defaults, recipe -> 'limits' AS recipe_limits
            FROM slots JOIN releases ON releases.id = release_id JOIN builds ON builds.id = build_id
            WHERE slots.environment_id = %s
            ORDER BY slots.state = 'live' DESC, colour
            """,
            (environment_id,),
        )
        rows = await cursor.fetchall()
    found = await minutes(store, [row.release_id for row in rows], now - SPAN) if rows else []
    return [_figures(row, [minute for minute in found if minute.release_id == row.release_id]) for row in rows]


@dataclass(frozen=True, slots=True)
class _Row:
    environment_id: int
    colour: Colour
    state: SlotState
    release_id: int
    release: int
    since: datetime
    health: Health
    health_note: str
    health_since: datetime
    check_kind: str
    trouble: Trouble
    restarts: int
    revivals: int
    used_memory: int | None
    used_cpu: int | None
    memory_bytes: int | None
    cpu_percent: int | None
    defaults: Said
    recipe_limits: Limits | None

    @property
    def limits(self) -> Limits:
        installation = Limits(self.defaults.memory_bytes, self.defaults.cpu_percent)
        return Limits(self.memory_bytes, self.cpu_percent).over((self.recipe_limits or Limits()).over(installation))


def _figures(row: _Row, found: Sequence[Minute]) -> SlotFigures:
    each = ((minute.at, summed([minute])) for minute in found)
    return SlotFigures(
        environment_id=row.environment_id,
        release_id=row.release_id,
        colour=row.colour,
        state=row.state,
        release=row.release,
        since=row.since,
        health=row.health,
        health_note=row.health_note,
        health_since=row.health_since,
        check=row.check_kind,
        trouble=row.trouble,
        restarts=row.restarts,
        revivals=row.revivals,
        traffic=summed(found),
        is_sampled=any(minute.is_sampled for minute in found),
        minutes=[MinuteFigures(at, traffic.requests, traffic.errors, traffic.p95) for at, traffic in each],
        used_memory=row.used_memory,
        used_cpu=row.used_cpu,
        limits=row.limits,
    )
