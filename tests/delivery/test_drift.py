"""What a node has otherwise than the rows say, and putting it right: on a real node with a real nginx."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bakery.delivery.drift import Kind
from bakery.delivery.node_drift import NodeDrift, look_for_drift, repair
from bakery.model.actor import Actor, Origin
from bakery.model.errors import CommandFailed, Conflict, NotAllowed, NotFound
from bakery.model.names import AppName, Colour, EnvironmentName, Port, unit_name
from bakery.model.permissions import Role
from bakery.nodes.helper_ingress import HelperIngress
from bakery.store.queue import Queue
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.waiting import until

NOTHING = NodeDrift((), (), 2)  # of a site and a program
SHOP = "site:shop-production"


async def look(fleet: Fleet) -> NodeDrift:
    return await look_for_drift(fleet.store, fleet.queue, fleet.links, "local", actor=ADMIN)


async def put_right(fleet: Fleet, *keys: str) -> list[str]:
    chosen = await repair(fleet.store, fleet.queue, fleet.links, "local", keys, actor=ADMIN)
    return [one.key for one in chosen]


@contextlib.asynccontextmanager
async def working(queue: Queue) -> AsyncIterator[None]:
    work = asyncio.create_task(queue.work())
    try:
        yield
    finally:
        queue.stop()
        await work


@pytest.fixture
async def shop(fleet: Fleet) -> Fleet:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    return fleet


def conf(fleet: Fleet, name: str = "shop-production") -> Path:
    return Path(fleet.node.folders.root) / f"nginx/bakery.d/{name}.conf"


async def test_a_node_that_has_all_as_it_should_be_has_no_drift(shop: Fleet) -> None:
    assert await look(shop) == NOTHING


async def test_a_changed_site_is_shown_and_repaired_and_foreign_files_stay(shop: Fleet) -> None:
    conf(shop).write_text(conf(shop).read_text() + "# By hand.\n")
    conf(shop, "mine").write_text("# Mine.\n")
    found = await look(shop)
    [site] = found.differences
    assert (site.key, site.app, site.is_repairable, site.diff[-1]) == (SHOP, "shop", True, "+# By hand.")
    assert found.notes == (f"{conf(shop, 'mine')} is not Bakery's, and is left alone.",)
    assert await put_right(shop, SHOP) == [SHOP]
    left_out = "shop is left out: other work on it is under way."
    assert left_out in (await look(shop)).notes

    async def is_well() -> bool:
        return left_out not in (seen := await look(shop)).notes and not seen.differences

    async with working(shop.queue):
        await until(is_well, what="nothing drifts")
    assert "# By hand." not in conf(shop).read_text()
    assert conf(shop, "mine").read_text() == "# Mine.\n"
    assert await shop.visitors_see("one")
    async with shop.store.connection() as connection:
        cursor = await connection.execute("SELECT action, after FROM audit ORDER BY id DESC LIMIT 1")
        assert await cursor.fetchone() == ("node.repaired", {"what": [SHOP]})


async def test_a_missing_site_and_a_stopped_program_are_repaired_at_once(shop: Fleet) -> None:
    unit = unit_name(AppName("shop"), EnvironmentName("production"), Colour.BLUE)
    conf(shop).unlink()
    await shop.node.units.stop(unit)
    assert {one.key for one in (await look(shop)).differences} == {SHOP, f"unit:{unit}"}
    assert set(await put_right(shop)) == {SHOP, f"unit:{unit}"}

    async def is_well() -> bool:
        return await look(shop) == NOTHING

    async with working(shop.queue):
        await until(is_well, what="nothing drifts")
    assert await shop.visitors_see("one")


async def test_a_site_that_is_nobodys_goes_only_when_it_is_named(shop: Fleet) -> None:
    text = conf(shop).read_text().replace("shop", "lost")
    conf(shop, "lost-production").write_text(text)
    [lost] = (await look(shop)).differences
    assert (lost.kind, lost.name, lost.is_doubtful) == (Kind.SITE, "lost-production", True)
    assert await put_right(shop) == []
    assert conf(shop, "lost-production").exists()
    assert await put_right(shop, lost.key) == [lost.key]
    assert not conf(shop, "lost-production").exists()
    assert await look(shop) == NOTHING


async def test_what_a_deployment_is_at_is_left_out(shop: Fleet) -> None:
    conf(shop).unlink()
    async with shop.store.transaction() as tx:
        await tx.connection.execute("UPDATE deployments SET state = 'running', ended_at = NULL")
    assert await look(shop) == NodeDrift((), ("shop is left out: a deployment runs.",), 0)


async def test_an_older_helper_is_told_kindly(shop: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise CommandFailed("There is no such verb.", exit_status=1)

    monkeypatch.setattr(HelperIngress, "look_for_drift", refuse)
    with pytest.raises(Conflict, match="its helper is of an older Bakery"):
        await look(shop)


async def test_bakerys_own_site_is_put_right_by_whoever_looks_after_its_machine(shop: Fleet) -> None:
    async with shop.store.transaction() as tx:
        await tx.connection.execute(
            """
            INSERT INTO settings (name, value) VALUES ('own_site', '{"is_wanted": true}'),
                ('own_site_found', '{"host": "bakery.example"}')
            """
        )
    [found] = (await look(shop)).differences
    assert (found.key, found.said) == ("nginx:01-bakery.conf", "It is missing, so nobody reaches Bakery by it.")
    asked = await events_about_settings(shop)
    assert await put_right(shop) == ["nginx:01-bakery.conf"]
    assert await events_about_settings(shop) == asked + 1
    assert shop.node.ingress is not None
    await shop.node.ingress.put_own_site("bakery.example", Port(4100))  # as that does
    assert await look(shop) == NOTHING


async def events_about_settings(fleet: Fleet) -> int:
    async with fleet.store.connection() as connection:
        row = await (await connection.execute("SELECT count(*) FROM events WHERE topic = 'settings'")).fetchone()
    assert row
    return int(row[0])


async def test_what_does_not_differ_is_not_repaired(shop: Fleet) -> None:
    with pytest.raises(NotFound, match=f"{SHOP} does not differ"):
        await put_right(shop, SHOP)


async def test_only_who_manages_nodes_sees_it(shop: Fleet) -> None:
    developer = Actor(Origin("browser"), person_id=1, role=Role.DEVELOPER)
    with pytest.raises(NotAllowed):
        await look_for_drift(shop.store, shop.queue, shop.links, "local", actor=developer)
    with pytest.raises(NotAllowed):
        await repair(shop.store, shop.queue, shop.links, "local", (), actor=developer)
