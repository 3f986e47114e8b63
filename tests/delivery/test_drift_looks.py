"""Looking by itself for what is otherwise on a node: what is told, once, and that it is over when it is right again."""

from datetime import UTC, datetime, timedelta

import pytest

from bakery.delivery.node_drift import look_by_itself, look_for_drift
from bakery.helper.nginx_seal import sealed
from bakery.nodes.overview import fleet_figures
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.delivery.test_drift import NOTHING, SHOP, conf, put_right, working
from tests.support.waiting import until

HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(fleet: Fleet) -> Fleet:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await by_itself(fleet)
    return fleet


async def by_itself(fleet: Fleet) -> None:
    """As when its time has come."""
    await look_by_itself(fleet.store, fleet.queue, fleet.links, await node_id(fleet), every=HOUR)
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("UPDATE drift_looks SET next_at = now()")


async def node_id(fleet: Fleet) -> int:
    async with fleet.store.connection() as connection:
        row = await (await connection.execute("SELECT id FROM nodes")).fetchone()
    assert row
    return int(row[0])


async def is_right(fleet: Fleet) -> bool:
    found = await look_for_drift(fleet.store, fleet.queue, fleet.links, "local", actor=ADMIN)
    return found == NOTHING


async def told(fleet: Fleet) -> tuple[int, int]:
    """How much the dashboard says that differs, and how often it was told."""
    figures = await fleet_figures(fleet.store, datetime.now(UTC), actor=ADMIN)
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM audit WHERE action = 'node.drifted'")
        row = await cursor.fetchone()
    assert row
    return figures.worst[0].differs, int(row[0])


async def test_what_differs_twice_is_told_once_and_is_over_when_it_is_right_again(shop: Fleet) -> None:
    await by_itself(shop)
    assert await told(shop) == (0, 0)
    conf(shop).write_text("# By hand.\n")
    await by_itself(shop)
    assert await told(shop) == (0, 0)  # perhaps it is being changed at this moment
    await by_itself(shop)
    await by_itself(shop)
    assert await told(shop) == (1, 1)
    assert conf(shop).read_text() == "# By hand.\n"  # nothing is repaired by itself

    conf(shop).unlink()
    await by_itself(shop)
    assert await told(shop) == (1, 1)
    async with working(shop.queue):
        assert await put_right(shop, SHOP) == [SHOP]
        await until(lambda: is_right(shop), what="it is right")
    assert await told(shop) == (0, 1)


async def test_what_an_earlier_bakery_wrote_is_told_to_nobody_and_repaired_with_all(shop: Fleet) -> None:
    text = conf(shop).read_text()
    head, _, rest = text.partition("\n")
    conf(shop).write_text(sealed(f"{head}\n# Older.\n{rest}"))
    for _ in range(3):
        await by_itself(shop)
    assert await told(shop) == (0, 0)
    (found,) = (await look_for_drift(shop.store, shop.queue, shop.links, "local", actor=ADMIN)).differences
    assert found.said == "Bakery would write its file otherwise by now; nobody changed it by hand."
    async with working(shop.queue):
        assert await put_right(shop) == [SHOP]
        await until(lambda: is_right(shop), what="it is right")
    assert conf(shop).read_text() == text


async def test_a_node_is_looked_at_when_its_time_has_come_and_not_before(shop: Fleet) -> None:
    conf(shop).write_text("# By hand.\n")
    where = await node_id(shop)
    assert await look_by_itself(shop.store, shop.queue, shop.links, where, every=HOUR) is True
    assert await look_by_itself(shop.store, shop.queue, shop.links, where, every=HOUR) is False
    async with shop.store.transaction() as tx:
        cursor = await tx.connection.execute("SELECT next_at - now() < interval '2 minutes' FROM drift_looks")
        assert await cursor.fetchone() == (True,)  # once more, soon: then it is told
