"""Minutes become hours, and hours days; each is kept for its time. Minutes lie in a partition a day, in UTC."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from bakery.store.store import Store

MINUTES_ARE_KEPT = timedelta(days=3)
HOURS_ARE_KEPT = timedelta(days=60)
DAYS_ARE_KEPT = timedelta(days=2 * 365)
_LATE_BY = timedelta(hours=2)  # what comes later than that counts in its minute only
_ONE_AT_A_TIME = 0x726F6C6C  # "roll": any number, the same in every process
_WHOLE_DAY = timedelta(days=1)


async def keep_metrics(store: Store, now: datetime) -> None:
    """To be called every few minutes, by any process: makes room for what comes, sums up, lets go of what is old."""
    today = now.astimezone(UTC).date()
    await ensure_days(store, (today, today + _WHOLE_DAY))
    async with store.connection() as connection:
        await _alone(connection)
        await connection.execute(_HOURS, {"now": now, "kept_since": now - MINUTES_ARE_KEPT, "late_by": _LATE_BY})
        await connection.execute(_DAYS, {"now": now, "kept_since": now - HOURS_ARE_KEPT, "late_by": _LATE_BY})
        await connection.execute(
            "DELETE FROM node_hours WHERE at < date_trunc('day', %s, 'UTC')", (now - HOURS_ARE_KEPT,)
        )
        await connection.execute("DELETE FROM node_days WHERE at < %s", (now - DAYS_ARE_KEPT,))
    async with store.connection() as connection:
        await _alone(connection)
        await _drop_days(connection, before=(now - MINUTES_ARE_KEPT).astimezone(UTC).date())


async def ensure_days(store: Store, days: Collection[date]) -> None:
    """That minutes of these days have a place. Nobody who reads or writes waits for it."""
    async with store.connection() as connection:
        if set(days) <= await _days(connection):
            return
        await _alone(connection)
        for day in sorted(days):
            await connection.execute("SELECT make_day_of_minutes(%s)", (day,))


async def _drop_days(connection: AsyncConnection[TupleRow], *, before: date) -> None:
    for day in sorted(await _days(connection)):
        if day < before:
            await connection.execute("SELECT drop_day_of_minutes(%s)", (day,))


async def _days(connection: AsyncConnection[TupleRow]) -> set[date]:
    """Those that have a partition."""
    found = await connection.execute(
        """
        SELECT to_date(right(relname, 8), 'YYYYMMDD') FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'node_minutes'::regclass
        """
    )
    return {day for (day,) in await found.fetchall()}


async def _alone(connection: AsyncConnection[TupleRow]) -> None:
    """Until the end of the transaction. Who cannot have a lock soon does without, and tries again the next time."""
    await connection.execute("SET LOCAL lock_timeout = '4s'")
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ONE_AT_A_TIME,))


COMBINED = sql.SQL("""
    sum(samples)::int AS samples,
    sum(cpu * samples) / sum(samples) AS cpu, min(cpu_min) AS cpu_min, max(cpu_max) AS cpu_max,
    (sum(memory_used::numeric * samples) / sum(samples))::bigint AS memory_used, min(memory_min) AS memory_min,
    max(memory_max) AS memory_max, max(memory_total) AS memory_total,
    (sum(disk_used::numeric * samples) / sum(samples))::bigint AS disk_used, min(disk_min) AS disk_min,
    max(disk_max) AS disk_max, max(disk_total) AS disk_total,
    sum(load1 * samples) / sum(samples) AS load1, min(load1_min) AS load1_min, max(load1_max) AS load1_max
""")
"""One row of several. The columns of `node_hours`, in their order."""

MINUTES = sql.SQL("""
    SELECT node_id, at, samples, cpu, cpu_min, cpu_max,
           memory_used, memory_used AS memory_min, memory_used AS memory_max, memory_total,
           disk_used, disk_used AS disk_min, disk_used AS disk_max, disk_total,
           load1, load1 AS load1_min, load1 AS load1_max
    FROM node_minutes
""")
"""Minutes with the columns of hours."""

_ROLL_UP = sql.SQL("""
    INSERT INTO {table} AS coarse
    SELECT node_id, date_trunc({unit}, finer.at, 'UTC'), {combined}
    FROM ({finer}) AS finer JOIN nodes ON nodes.id = node_id
    WHERE finer.at >= greatest(date_trunc({unit}, %(kept_since)s, 'UTC'),
        date_trunc({unit}, least(coalesce((SELECT max(at) FROM {table}), '-infinity'), %(now)s) - %(late_by)s, 'UTC'))
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (node_id, at) DO UPDATE SET
        samples = excluded.samples, cpu = excluded.cpu, cpu_min = excluded.cpu_min, cpu_max = excluded.cpu_max,
        memory_used = excluded.memory_used, memory_min = excluded.memory_min, memory_max = excluded.memory_max,
        memory_total = excluded.memory_total, disk_used = excluded.disk_used, disk_min = excluded.disk_min,
        disk_max = excluded.disk_max, disk_total = excluded.disk_total, load1 = excluded.load1,
        load1_min = excluded.load1_min, load1_max = excluded.load1_max
    WHERE coarse.* IS DISTINCT FROM excluded.*
""")
_HOURS = _ROLL_UP.format(table=sql.Identifier("node_hours"), unit=sql.Literal("hour"), finer=MINUTES, combined=COMBINED)
_DAYS = _ROLL_UP.format(
    table=sql.Identifier("node_days"),
    unit=sql.Literal("day"),
    finer=sql.SQL("SELECT * FROM node_hours"),
    combined=COMBINED,
)
