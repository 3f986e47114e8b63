"""Requests by the minute, as probes tell of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from bakery.delivery.traffic import Traffic, traffic_of
from bakery.nodes import probe
from bakery.store import traffic
from bakery.store.rows import only
from bakery.store.store import Store
from bakery.store.traffic import TrafficWriter, forget_traffic, percentile

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    site: str = "shop-production"
    release: int = 3
    requests: int = 10
    errors: int = 1
    times: Mapping[int, int] = field(default_factory=lambda: {7: 10})
    is_sampled: bool = False


@dataclass(frozen=True)
class Place:
    node: int
    environment: int
    release: int


@pytest.fixture
async def place(store: Store) -> Place:
    async with store.connection() as connection:

        async def made(statement: str, *values: object) -> int:
            return int((await only(await connection.execute(statement, values)))[0])

        node = await made(
            """
            INSERT INTO nodes (slug, kind, name, machine_id, facts, public_address, apps_domain)
            VALUES ('local', 'local', 'here', 'machine', '{}', '127.0.0.1', 'localhost') RETURNING id
            """
        )
        app = await made("INSERT INTO apps (slug, name) VALUES ('shop', 'shop') RETURNING id")
        environment = await made(
            "INSERT INTO environments (app_id, node_id, runtime, name) VALUES (%s, %s, 'static', 'production')"
            " RETURNING id", app, node
        )  # fmt: skip
        build = await made(
            """
            INSERT INTO builds (app_id, source, title, version, archive) VALUES (%s, 'folder', 'files', '', 'archive')
            RETURNING id
            """,
            app,
        )
        release = await made(
            "INSERT INTO releases (environment_id, number, build_id, runtime) VALUES (%s, 3, %s, 'static')"
            " RETURNING id", environment, build
        )  # fmt: skip
        return Place(node, environment, release)


async def found(store: Store, place: Place) -> Traffic:
    return await traffic_of(store, place.environment, place.release, NOON)


def test_the_steps_are_those_of_the_probe() -> None:
    assert (traffic.STEPS, traffic._SHORTEST, traffic._STEP) == (probe.STEPS, probe.SHORTEST, probe.STEP)


@pytest.mark.parametrize(
    ("times", "milliseconds"), [([0] * 30, None), ([20, *[0] * 29], 0.9), ([95, 0, 0, 0, 5, *[0] * 25], 1.0),
                               ([90, 0, 0, 0, 10, *[0] * 25], 4.2)]
)  # fmt: skip
def test_the_time_within_which_most_were_answered(times: list[int], milliseconds: float | None) -> None:
    assert percentile(times, 0.95) == milliseconds


async def test_lines_of_minutes_are_added_up_and_only_a_nodes_own_releases_count(store: Store, place: Place) -> None:
    writer = TrafficWriter(store)
    writer.add(place.node, [Said(), Said(site="other-production"), Said(release=99)], NOON)
    writer.add(place.node + 1, [Said()], NOON)
    writer.add(place.node, [Said(errors=0, times={0: 10})], NOON + timedelta(seconds=10))
    await writer.flush()
    writer.add(place.node, [Said()], NOON + timedelta(seconds=20))
    await writer.flush()
    assert await found(store, place) == Traffic(30, 2, 16.7)
    assert await traffic_of(store, place.environment + 1, place.release, NOON) == Traffic(0, 0, None)


async def test_a_batch_that_was_written_after_all_counts_once(store: Store, place: Place) -> None:
    writer = TrafficWriter(store)
    writer.add(place.node, [Said()], NOON)
    batch = dict(writer._sums)
    await writer.flush()
    writer._batches.append(batch)  # as when only its answer was lost
    writer.add(place.node, [Said()], NOON + timedelta(seconds=10))
    await writer.flush()
    assert (await found(store, place)).requests == 20


async def test_what_is_old_goes(store: Store, place: Place) -> None:
    writer = TrafficWriter(store)
    writer.add(place.node, [Said()], NOON)
    await writer.flush()
    await forget_traffic(store, NOON + timedelta(days=3, seconds=1))
    assert await found(store, place) == Traffic(0, 0, None)
