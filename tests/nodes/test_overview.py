"""All machines at a glance: what is added up, and who needs a look most."""

from datetime import timedelta

import msgspec
import pytest

from bakery.model.actor import Actor
from bakery.model.errors import NotAllowed
from bakery.nodes.overview import NAMED, FleetFigures, Heard, Totals, fleet_figures
from bakery.nodes.vitals import Vitals
from bakery.store.metrics import MetricsWriter
from bakery.store.series import MOST_ADDED_UP
from bakery.store.store import Store
from bakery.web.moments import now
from tests.support.machines import vitals
from tests.support.people import HERE, SYSTEM

GB = 2**30


async def fleet(store: Store, **nodes: str) -> dict[str, int]:
    """Each is looked after, and in the state that is said."""
    async with store.connection() as connection:
        ids = {}
        for slug, state in nodes.items():
            found = await connection.execute(
                "INSERT INTO nodes (slug, kind, name, machine_id, apps_domain, state) "
                "VALUES (%s, 'local', 'N', 'm', 'localhost', %s) RETURNING id",
                (slug, state),
            )
            ids[slug] = next(iter(await found.fetchall()))[0]
            await connection.execute(
                "INSERT INTO leases VALUES (%s, gen_random_uuid(), now() + interval '1 hour')", (f"node:{slug}",)
            )
    return ids


async def heard(store: Store, node: int, said: Vitals, *, ago: timedelta = timedelta(0)) -> None:
    metrics = MetricsWriter(store)
    metrics.add(node, said, now() - ago)
    await metrics.flush()


def with_disk(said: Vitals, percent: int) -> Vitals:
    disk = msgspec.structs.replace(said.disks[0], total=100 * GB, used=percent * GB)
    return msgspec.structs.replace(said, disks=(disk,))


async def figures(store: Store) -> FleetFigures:
    return await fleet_figures(store, now(), actor=SYSTEM)


async def test_without_machines_there_is_nothing_to_tell(store: Store) -> None:
    assert await figures(store) == FleetFigures(0, 0, (), None, None, ())


async def test_one_machine_is_all_of_them(store: Store) -> None:
    nodes = await fleet(store, one="online")
    await heard(store, nodes["one"], vitals(cpu=34.0))

    found = await figures(store)

    assert (found.total, found.online) == (1, 1)
    assert found.totals == Totals(1, 0.34, 4, 5 * GB, 8 * GB, 1.2)
    assert found.worst[0].heard == Heard(0.34, 0.625, 182 * GB, 200 * GB, 1.2, 4)
    assert found.fullest == found.worst[0]
    assert [point for point in found.hour if point][-1].cpu == pytest.approx(0.34)


async def test_a_machine_that_fell_silent_has_no_figures(store: Store) -> None:
    nodes = await fleet(store, one="online")
    await heard(store, nodes["one"], vitals(), ago=timedelta(minutes=2))

    found = await figures(store)

    assert (found.totals, found.fullest, found.worst[0].heard) == (None, None, None)


async def test_those_that_need_a_person_come_first_then_those_that_have_most_to_do(store: Store) -> None:
    nodes = await fleet(
        store, calm="online", busy="online", full="online", away="unreachable", odd="blocked", fresh="new"
    )
    for slug, said in {
        "calm": with_disk(vitals(cpu=1.0), 10),
        "busy": with_disk(vitals(cpu=99.0), 10),
        "full": with_disk(vitals(cpu=1.0), 90),
    }.items():
        await heard(store, nodes[slug], said)

    found = await figures(store)

    assert [node.slug for node in found.worst] == ["odd", "away", "full", "busy", "calm"]
    assert (found.total, found.online) == (6, 3)
    assert found.fullest == found.worst[2]
    assert found.totals is not None
    assert (found.totals.nodes, found.totals.memory_total) == (3, 24 * GB)


async def test_of_many_machines_a_few_are_named_and_the_fullest_disk_is_found_among_all(store: Store) -> None:
    nodes = await fleet(store, **{f"n{number}": "online" for number in range(200)})
    metrics = MetricsWriter(store)
    for number, node in enumerate(nodes.values()):
        metrics.add(node, with_disk(vitals(cpu=float(number % 90)), 80 if number == 0 else 10), now())
    await metrics.flush()

    found = await figures(store)

    assert (found.total, found.online, len(found.worst), len(nodes) > MOST_ADDED_UP) == (200, 200, NAMED, True)
    assert found.hour == ()
    assert [node.slug for node in found.worst[:2]] == ["n179", "n89"]
    assert found.fullest is not None
    assert (found.fullest.slug, found.totals is not None and found.totals.nodes) == ("n0", 200)


async def test_who_may_read_nothing_sees_nothing(store: Store) -> None:
    with pytest.raises(NotAllowed):
        await fleet_figures(store, now(), actor=Actor(HERE, person_id=None))
