"""How visitors fare with a release: how many came, how many were failed, and how long they waited."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bakery.store.store import Store
from bakery.store.traffic import Minute, added, minutes, percentile

P95 = 0.95


@dataclass(frozen=True, slots=True)
class Traffic:
    """`errors` are answers of 500 and more; `p95` is in milliseconds, None where nothing was measured."""

    requests: int
    errors: int
    p95: float | None

    @property
    def error_share(self) -> float:
        """From 0 to 1; none of no request."""
        return self.errors / self.requests if self.requests else 0.0


async def traffic_of(store: Store, environment_id: int, release_id: int, since: datetime) -> Traffic:
    """Of one release, whose environment it is, from the minute of `since` on. What Bakery did not hear of is missing:
    requests while it had no connection to the node."""
    found = await minutes(store, [release_id], since)
    return summed(found if await _is_of(store, environment_id, release_id) else [])


async def _is_of(store: Store, environment_id: int, release_id: int) -> bool:
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT FROM releases WHERE id = %s AND environment_id = %s", (release_id, environment_id)
        )
        return await cursor.fetchone() is not None


def summed(found: Collection[Minute]) -> Traffic:
    times = added([minute.times for minute in found])
    return Traffic(
        sum(minute.requests for minute in found), sum(minute.errors for minute in found), percentile(times, P95)
    )
