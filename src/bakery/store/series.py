"""What a chart shows of a node: at most 300 points, the extremes kept, and a gap where nothing was heard."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from psycopg import sql
from psycopg.rows import DictRow, dict_row

from bakery.store.rollups import COMBINED, MINUTES
from bakery.store.store import Store


class Span(StrEnum):
    """How far back a chart goes."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


@dataclass(frozen=True, slots=True)
class Band:
    """The average, and between what it moved."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class Point:
    """`at` is its beginning. Memory and disk in bytes, the processors in percent."""

    at: datetime
    samples: int
    cpu: Band
    memory: Band
    memory_total: int
    disk: Band
    disk_total: int
    load: Band


@dataclass(frozen=True, slots=True)
class Series:
    """A point a step from `since` on; None: nothing was heard then."""

    since: datetime
    step: timedelta
    points: tuple[Point | None, ...]


async def series(store: Store, node_id: int, span: Span, now: datetime) -> Series:
    """The last point is the one that `now` lies in."""
    step, count = _GRIDS[span]
    since = _floor(now, step) - step * (count - 1)
    is_fine = step < timedelta(hours=1)
    async with store.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _OF_MINUTES if is_fine else _OF_HOURS,
            {"node_id": node_id, "step": step, "since": since, "until": since + step * count},
        )
        points = {row["at"]: _point(row) for row in await cursor.fetchall()}
    return Series(since, step, tuple(points.get(since + step * index) for index in range(count)))


@dataclass(frozen=True, slots=True)
class FleetPoint:
    """A minute of all machines together: shares, between 0 and 1."""

    cpu: float
    memory: float


async def hour_of_all(store: Store, now: datetime) -> tuple[FleetPoint | None, ...]:
    """A point a minute; nothing at all where more than MOST_ADDED_UP machines would have to be added up."""
    since = _floor(now, _MINUTE) - _MINUTE * 59
    async with store.connection() as connection:
        cursor = await connection.execute(_HOUR_OF_ALL, {"since": since, "most": MOST_ADDED_UP})
        points = {at: FleetPoint(cpu, memory) async for at, cpu, memory in cursor}
    return tuple(points.get(since + _MINUTE * index) for index in range(60)) if points else ()


def _floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - datetime(1970, 1, 1, tzinfo=UTC)) % step


def _point(row: DictRow) -> Point:
    return Point(
        at=row["at"],
        samples=row["samples"],
        cpu=_band(row, "cpu", mean="cpu"),
        memory=_band(row, "memory", mean="memory_used"),
        memory_total=row["memory_total"],
        disk=_band(row, "disk", mean="disk_used"),
        disk_total=row["disk_total"],
        load=_band(row, "load1", mean="load1"),
    )


def _band(row: DictRow, name: str, *, mean: str) -> Band:
    return Band(row[f"{name}_min"], row[mean], row[f"{name}_max"])


MOST_ADDED_UP = 20
_MINUTE = timedelta(minutes=1)
_HOUR_OF_ALL = """
SELECT at, avg(cpu)::float8 / 100, coalesce(sum(memory_used)::float8 / nullif(sum(memory_total), 0), 0)
FROM node_minutes
WHERE at >= %(since)s AND node_id IN (SELECT id FROM nodes) AND (SELECT count(*) FROM nodes) <= %(most)s GROUP BY at
"""
_GRIDS: Mapping[Span, tuple[timedelta, int]] = {
    Span.HOUR: (timedelta(minutes=1), 60),
    Span.DAY: (timedelta(minutes=5), 288),
    Span.WEEK: (timedelta(hours=1), 168),
    Span.MONTH: (timedelta(hours=3), 240),
}
_BINNED = sql.SQL("SELECT date_bin(%(step)s, at, %(since)s) AS at, {combined} FROM ({rows}) AS row GROUP BY 1")
_MINUTES_OF_NODE = sql.SQL("SELECT * FROM ({minutes}) AS m WHERE node_id = %(node_id)s AND at < %(until)s").format(
    minutes=MINUTES
)
_OF_MINUTES = _BINNED.format(combined=COMBINED, rows=_MINUTES_OF_NODE + sql.SQL(" AND at >= %(since)s"))
# The newest hour and what follows comes from the minutes, for as long as there are any: it may not be summed up yet.
_OF_HOURS = _BINNED.format(
    combined=COMBINED,
    rows=sql.SQL("""
        WITH newest AS (
            SELECT coalesce(max(at), '-infinity') AS at FROM node_hours WHERE node_id = %(node_id)s AND at < %(until)s
        ), edge AS (
            SELECT coalesce(date_trunc('hour', min(at), 'UTC'), 'infinity') AS at FROM node_minutes
            WHERE node_id = %(node_id)s AND at >= (SELECT at FROM newest)
        )
        SELECT * FROM node_hours
        WHERE node_id = %(node_id)s AND at >= %(since)s AND at < least(%(until)s, (SELECT at FROM edge))
        UNION ALL
        {minutes} AND at >= greatest(%(since)s, (SELECT at FROM edge))
    """).format(minutes=_MINUTES_OF_NODE),
)
