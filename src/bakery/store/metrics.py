"""Figures of nodes: the newest of each, and by the minute. Written for all nodes at once, however many there are.

A figure counts by the second in which we heard it, and each second of a minute counts once: whatever is written again
after a failure, or by another process, changes nothing. `rollups.py` makes hours and days of the minutes, and
`series.py` reads them all.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Protocol

import msgspec
import structlog
from psycopg.errors import IntegrityError
from psycopg.rows import class_row

from bakery.store.rollups import ensure_days
from bakery.store.store import Store
from bakery.store.traffic import TrafficWriter
from bakery.store.transaction import Transaction

log = structlog.get_logger()

TOPIC = "metrics"
MOST_WAITING = 50_000  # samples, for a database that is away: minutes for thousands of nodes, in some 25 MB
_MOST_BYTES = 2**56  # sums of sixty of them fit into a bigint
_MOST_LOAD = 1e6


class Measured(Protocol):
    """What a machine said of itself."""

    @property
    def cpu(self) -> float:
        """Percent."""

    @property
    def memory_used(self) -> int: ...
    @property
    def memory_total(self) -> int: ...
    @property
    def disk_used(self) -> int: ...
    @property
    def disk_total(self) -> int: ...
    @property
    def load1(self) -> float: ...

    def as_line(self) -> Mapping[str, Any]:
        """All of it, for who shows the newest. What is missing here stays as it was."""


Figures = tuple[float, int, int, int, int, float]
"""cpu, memory used and total, disk used and total, load: such that no machine can upset the sums of all."""


@dataclass(frozen=True, slots=True)
class Latest:
    """`line` is JSON; `at` is when we heard it."""

    node_id: int
    at: datetime
    line: str


class MetricsWriter:
    """Keeps what it is given in memory until `flush`, and for longer when that fails."""

    def __init__(self, store: Store) -> None:
        self.traffic = TrafficWriter(store)  # which the same lines tell of
        self._store = store
        self._samples: dict[tuple[int, datetime], Figures] = {}
        self._newest: dict[int, tuple[datetime, Mapping[str, Any]]] = {}
        self._one_at_a_time = asyncio.Lock()

    def add(self, node_id: int, measured: Measured, at: datetime) -> None:
        self._samples.setdefault((node_id, at.astimezone(UTC).replace(microsecond=0)), _figures(measured))
        _, line = self._newest.get(node_id, (at, {}))
        self._newest[node_id] = (at, {**line, **measured.as_line()})
        if len(self._samples) > MOST_WAITING:
            self._let_go_of_the_oldest()

    async def flush(self) -> None:
        """Writes all of it in one transaction. When that fails, it is kept for the next time."""
        async with self._one_at_a_time:
            await self.traffic.flush()
            samples, self._samples = self._samples, {}
            newest, self._newest = self._newest, {}
            if not newest:
                return
            try:
                await self._write(samples, newest)
            except BaseException:
                self._samples = {**samples, **self._samples}
                self._newest = _merged(newest, self._newest)
                raise

    async def _write(
        self, samples: Mapping[tuple[int, datetime], Figures], newest: Mapping[int, tuple[datetime, Mapping[str, Any]]]
    ) -> None:
        days = {second.date() for _, second in samples}
        for is_last in (False, True):
            await ensure_days(self._store, days)
            try:
                async with self._store.transaction() as tx:
                    await _write_newest(tx, newest)
                    await _write_minutes(tx, samples)
                    tx.publish(TOPIC)
            except IntegrityError:  # a node or a day's partition went away in that moment
                if is_last:
                    raise
            else:
                return

    def _let_go_of_the_oldest(self) -> None:
        count = len(self._samples) // 2
        self._samples = dict(islice(self._samples.items(), count, None))
        log.warning("metrics_dropped", count=count)


async def latest(store: Store, node_ids: Collection[int]) -> dict[int, Latest]:
    """By node; of one that was never heard there is nothing."""
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Latest)) as cursor:
        await cursor.execute(
            "SELECT node_id, at, line::text FROM node_vitals WHERE node_id = ANY(%s)", (list(node_ids),)
        )
        return {found.node_id: found async for found in cursor}


async def _write_newest(tx: Transaction, newest: Mapping[int, tuple[datetime, Mapping[str, Any]]]) -> None:
    nodes = list(newest)
    times = [at for at, _ in newest.values()]
    lines = [_jsonb(line) for _, line in newest.values()]
    await tx.connection.execute(_NEWEST, (nodes, times, lines))


async def _write_minutes(tx: Transaction, samples: Mapping[tuple[int, datetime], Figures]) -> None:
    nodes, seconds = ([key[part] for key in samples] for part in (0, 1))
    await tx.connection.execute(_MINUTES, (nodes, seconds, *map(list, zip(*samples.values(), strict=True))))


def _figures(measured: Measured) -> Figures:
    return (
        min(max(0.0, measured.cpu), 100.0),  # in this order NaN becomes 0
        min(max(0, measured.memory_used), _MOST_BYTES),
        min(max(0, measured.memory_total), _MOST_BYTES),
        min(max(0, measured.disk_used), _MOST_BYTES),
        min(max(0, measured.disk_total), _MOST_BYTES),
        min(max(0.0, measured.load1), _MOST_LOAD),
    )


def _merged(
    older: Mapping[int, tuple[datetime, Mapping[str, Any]]], newer: Mapping[int, tuple[datetime, Mapping[str, Any]]]
) -> dict[int, tuple[datetime, Mapping[str, Any]]]:
    both = {
        node: (at, {**older[node][1], **line}) if node in older else (at, line) for node, (at, line) in newer.items()
    }
    return {**older, **both}


def _jsonb(line: Mapping[str, Any]) -> str:
    """The one character that JSON may hold and jsonb may not would make the statement fail, for all nodes."""
    return msgspec.json.encode(line).decode().replace("\\u0000", "\\ufffd")


# A line that is older than the one that is there comes from the process that looked after the node before; if it is
# older by far, then our clock was put back, and it counts. In order, so that two processes cannot block each other.
_NEWEST = """
INSERT INTO node_vitals AS v (node_id, at, line)
SELECT node_id, said.at, line::jsonb
FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[]) AS said (node_id, at, line) JOIN nodes ON nodes.id = node_id
ORDER BY node_id
ON CONFLICT (node_id) DO UPDATE SET at = excluded.at, line = v.line || excluded.line
WHERE v.at <= excluded.at OR v.at > excluded.at + interval '1 minute'
"""

# The last condition is for a commit of which we heard nothing, and which is still under way when we try again.
_MINUTES = """
WITH sample AS (
    SELECT said.*, date_trunc('minute', at) AS minute, 1::bigint << extract(second FROM at)::int AS second
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::float8[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                %s::float8[]) AS said (node_id, at, cpu, memory_used, memory_total, disk_used, disk_total, load1)
), fresh AS (
    SELECT * FROM sample WHERE 0 = second & coalesce(
        (SELECT seen FROM node_minutes m WHERE m.node_id = sample.node_id AND m.at = sample.minute), 0)
)
INSERT INTO node_minutes AS m (node_id, at, seen, samples, cpu, cpu_min, cpu_max, memory_used, memory_total,
                               disk_used, disk_total, load1)
SELECT node_id, minute, bit_or(second), count(*), avg(cpu), min(cpu), max(cpu), avg(memory_used), max(memory_total),
       avg(disk_used), max(disk_total), avg(load1)
FROM fresh GROUP BY node_id, minute ORDER BY node_id, minute
ON CONFLICT (node_id, at) DO UPDATE SET
    seen = m.seen | excluded.seen,
    samples = m.samples + excluded.samples,
    cpu = (m.cpu * m.samples + excluded.cpu * excluded.samples) / (m.samples + excluded.samples),
    cpu_min = least(m.cpu_min, excluded.cpu_min),
    cpu_max = greatest(m.cpu_max, excluded.cpu_max),
    memory_used = (m.memory_used * m.samples + excluded.memory_used * excluded.samples)
                  / (m.samples + excluded.samples),
    memory_total = greatest(m.memory_total, excluded.memory_total),
    disk_used = (m.disk_used * m.samples + excluded.disk_used * excluded.samples) / (m.samples + excluded.samples),
    disk_total = greatest(m.disk_total, excluded.disk_total),
    load1 = (m.load1 * m.samples + excluded.load1 * excluded.samples) / (m.samples + excluded.samples)
WHERE m.seen & excluded.seen = 0
"""
