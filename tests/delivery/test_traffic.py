"""What visitors did on a machine, as the probe there sums it up."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import count

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


async def test_visits_count_for_the_release_that_answered_them(fleet: Fleet) -> None:
    app = await fleet.make()
    await fleet.deploy_well(an_app("one", answer="(500 if self.path == '/broken' else 200, b'one')"))
    writer, node_id = TrafficWriter(fleet.store), await local_node_id(fleet.store)
    since = datetime.now(UTC) - timedelta(minutes=1)
    moments = (since + timedelta(seconds=second) for second in count())
    first = await _release_id(fleet)

    async def heard(release: int, *paths: str) -> Traffic:
        """Visits that are made when the probe has begun to watch."""
        found, left = Traffic(0, 0, None), list(paths)
        probe = watch(fleet.node.transport, interval=0.2, folder=fleet.node.folders.root)
        async with asyncio.timeout(20), aclosing(probe) as lines:
            async for vitals in lines:
                while left:
                    await fleet.visit(path=left.pop())
                writer.add(node_id, vitals.traffic, next(moments))  # a second counts once, and lines come faster here
                await writer.flush()
                found = await traffic_of(fleet.store, app.environment_id, release, since)
                if found.requests >= len(paths):
                    break
        return found

    before = await heard(first, "/", "/", "/broken")
    assert (before.requests, before.errors, before.p95 is not None) == (3, 1, True)
    await fleet.deploy_well(an_app("two"))
    after = await heard(await _release_id(fleet), "/")
    assert (after.requests, after.errors) == (1, 0)
