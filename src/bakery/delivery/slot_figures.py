"""How each slot of an app is doing: its health, its restarts, and the traffic of the last hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bakery.delivery.find import find_app
from bakery.delivery.traffic import Traffic, summed, traffic_of
from bakery.model.actor import Actor
from bakery.model.deployments import Health, SlotState
from bakery.model.names import Colour
from bakery.model.permissions import Permission
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.traffic import minutes

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
    requests came than were read, and some stand for all. `minutes` are those with a visitor."""

    colour: Colour
    state: SlotState
    release: int
    since: datetime
    health: Health
    health_note: str
    health_since: datetime
    check: str
    trouble: str
    restarts: int
    revivals: int
    traffic: Traffic
    is_sampled: bool
    minutes: Sequence[MinuteFigures]


async def slot_figures(store: Store, slug: str, *, actor: Actor, now: datetime) -> list[SlotFigures]:
    """Of those in which something runs, the live one first; of the last hour."""
    actor.require(Permission.READ)
    app = await find_app(store, slug, actor)
    async with store.connection() as connection, connection.cursor(row_factory=typed(_Row)) as cursor:
        await cursor.execute(
            """
            SELECT colour, slots.state, release_id, number AS release, since, health, health_note, health_since,
                   check_kind, trouble, restarts, revivals
            FROM slots JOIN releases ON releases.id = release_id WHERE slots.environment_id = %s
            ORDER BY slots.state = 'live' DESC, colour
            """,
            (app.environment_id,),
        )
        rows = await cursor.fetchall()
    return [await _figures(store, app.environment_id, row, now - SPAN) for row in rows]


@dataclass(frozen=True, slots=True)
class _Row:
    colour: Colour
    state: SlotState
    release_id: int
    release: int
    since: datetime
    health: Health
    health_note: str
    health_since: datetime
    check_kind: str
    trouble: str
    restarts: int
    revivals: int


async def _figures(store: Store, environment_id: int, row: _Row, since: datetime) -> SlotFigures:
    found = await minutes(store, [row.release_id], since)
    each = ((minute.at, summed([minute])) for minute in found)
    return SlotFigures(
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
        traffic=await traffic_of(store, environment_id, row.release_id, since),
        is_sampled=any(minute.is_sampled for minute in found),
        minutes=[MinuteFigures(at, traffic.requests, traffic.errors, traffic.p95) for at, traffic in each],
    )
