"""Requests to releases by the minute, as the probes of nodes tell of them.

They count by the minute in which we heard of them, and each line of a probe counts once: what is written again after a
failure changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec
import structlog
from psycopg.rows import class_row

from bakery.store.store import Store

log = structlog.get_logger()

ARE_KEPT = timedelta(days=3)
STEPS = 30
MOST_WAITING = 500  # batches, for a database that is away
_SHORTEST, _STEP = 1.0, 1.5  # milliseconds; the steps of nodes/probe.py


class Heard(Protocol):
    """Requests to one release, since the line before."""

    @property
    def site(self) -> str: ...
    @property
    def release(self) -> int: ...
    @property
    def requests(self) -> int: ...
    @property
    def errors(self) -> int: ...
    @property
    def times(self) -> Mapping[int, int]: ...
    @property
    def is_sampled(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Minute:
    """What a release answered within one. `at` is its beginning."""

    release_id: int
    at: datetime
    requests: int
    errors: int
    times: Sequence[int]
    is_sampled: bool


@dataclass(slots=True)
class _Sum:
    seen: int = 0
    requests: int = 0
    errors: int = 0
    times: list[int] = field(default_factory=lambda: [0] * STEPS)
    is_sampled: bool = False


_Key = tuple[int, str, int, datetime]  # node, site, release, minute


class TrafficWriter:
    """Keeps what it is given in memory until `flush`, and for longer when that fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sums: dict[_Key, _Sum] = {}
        self._batches: list[dict[_Key, _Sum]] = []

    def add(self, node_id: int, heard: Collection[Heard], at: datetime) -> None:
        moment = at.astimezone(UTC)
        for one in heard:
            key = (node_id, one.site, one.release, moment.replace(second=0, microsecond=0))
            found = self._sums.setdefault(key, _Sum())
            found.seen |= 1 << moment.second
            found.requests += one.requests
            found.errors += one.errors
            found.is_sampled |= one.is_sampled
            for step, count in one.times.items():
                found.times[step] += count

    async def flush(self) -> None:
        """A batch stays as it was when it is tried again: so what was written after all is known by its seconds."""
        if self._sums:
            self._batches.append(self._sums)
            self._sums = {}
        if len(self._batches) > MOST_WAITING:
            del self._batches[: MOST_WAITING // 2]
            log.warning("traffic_dropped")
        while self._batches:
            async with self._store.connection() as connection:
                await connection.execute(_ADD, (msgspec.json.encode(_rows(self._batches[0])).decode(),))
            del self._batches[0]


async def minutes(store: Store, release_ids: Collection[int], since: datetime) -> list[Minute]:
    """In order of time; the minute of `since` is among them."""
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Minute)) as cursor:
        await cursor.execute(
            """
            SELECT release_id, at, requests, errors, times, is_sampled FROM traffic_minutes
            WHERE release_id = ANY(%s) AND at >= date_trunc('minute', %s, 'UTC') ORDER BY at, release_id
            """,
            (list(release_ids), since),
        )
        return await cursor.fetchall()


async def forget_traffic(store: Store, now: datetime) -> None:
    async with store.connection() as connection:
        await connection.execute("DELETE FROM traffic_minutes WHERE at < %s", (now - ARE_KEPT,))


def percentile(times: Sequence[int], share: float) -> float | None:
    """Milliseconds in which that share of requests was answered, as exactly as the steps tell. None without any."""
    count = sum(times)
    if not count:
        return None
    wanted, passed = share * count, 0
    for step, here in enumerate(times):
        if here and passed + here >= wanted:
            low = 0.0 if step == 0 else _SHORTEST * _STEP ** (step - 1)
            high = _SHORTEST * _STEP**step
            return round(low + (high - low) * (wanted - passed) / here, 1)
        passed += here
    return None


def added(all_times: Collection[Sequence[int]]) -> list[int]:
    return [sum(counts) for counts in zip(*all_times, strict=True)] if all_times else []


def _rows(sums: Mapping[_Key, _Sum]) -> list[dict[str, object]]:
    return [
        {
            "node_id": node_id,
            "site": site,
            "release": release,
            "at": at.isoformat(),
            "seen": found.seen,
            "requests": found.requests,
            "errors": found.errors,
            "times": found.times,
            "is_sampled": found.is_sampled,
        }
        for (node_id, site, release, at), found in sums.items()
    ]


# A node tells of its own apps only. What it says of a release that is gone is dropped.
_ADD = """
INSERT INTO traffic_minutes AS m (release_id, at, seen, requests, errors, times, is_sampled)
SELECT releases.id, said.at, said.seen, said.requests, said.errors, said.times, said.is_sampled
FROM jsonb_to_recordset(%s::jsonb) AS said (node_id bigint, site text, release bigint, at timestamptz, seen bigint,
                                            requests bigint, errors bigint, times bigint[], is_sampled boolean)
JOIN environments ON environments.node_id = said.node_id
JOIN apps ON apps.id = environments.app_id AND apps.slug || '-' || environments.name = said.site
    AND apps.deleted_at IS NULL
JOIN releases ON releases.environment_id = environments.id AND releases.number = said.release
ORDER BY 1, 2
ON CONFLICT (release_id, at) DO UPDATE SET
    seen = m.seen | excluded.seen,
    requests = m.requests + excluded.requests,
    errors = m.errors + excluded.errors,
    times = ARRAY(SELECT mine + theirs FROM unnest(m.times, excluded.times) WITH ORDINALITY AS t (mine, theirs, step)
                  ORDER BY step),
    is_sampled = m.is_sampled OR excluded.is_sampled
WHERE m.seen & excluded.seen = 0
"""
