"""What visitors did on a machine, as the probe there sums it up."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from bakery.delivery.local import local_node_id
from bakery.delivery.traffic import Traffic, traffic_of
from bakery.nodes.vitals import watch
from bakery.store.rows import only
from bakery.store.traffic import TrafficWriter
from tests.delivery.fleet import Fleet, an_app


async def _release_id(fleet: Fleet) -> int:
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT release_id FROM slots WHERE state = 'live'")
        return int((await only(cursor))[0])


async def test_visits_count_for_the_release_that_answered_them_and_those_of_a_switch_do_not(fleet: Fleet) -> None:
    app = await fleet.make()
    await fleet.deploy_well(an_app("one", answer="(500 if self.path == '/broken' else 200, b'one')"))
    writer, node_id = TrafficWriter(fleet.store), await local_node_id(fleet.store)
    since = datetime.now(UTC) - timedelta(minutes=1)
    first = await _release_id(fleet)

    async def heard(release: int, requests: int) -> Traffic:
        found = Traffic(0, 0, None)
        probe = watch(fleet.node.transport, interval=0.2, folder=fleet.node.folders.root)
        async with asyncio.timeout(20), aclosing(probe) as lines:
            async for vitals in lines:
                if found == Traffic(0, 0, None):
                    for path in ("/", "/", "/broken") if release == first else ("/",):
                        await fleet.visit(path=path)
                writer.add(node_id, vitals.traffic, datetime.now(UTC))
                await writer.flush()
                found = await traffic_of(fleet.store, app.environment_id, release, since)
                if found.requests >= requests:
                    break
        return found

    before = await heard(first, 3)
    assert (before.requests % 3, before.errors * 3, before.p95 is not None) == (0, before.requests, True)
    await fleet.deploy_well(an_app("two"))
    after = await heard(await _release_id(fleet), 1)
    assert after.errors == 0
