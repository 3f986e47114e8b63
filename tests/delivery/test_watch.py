"""What a look at an app finds is said of the release that was looked at, and of no other."""

import pytest

from bakery.delivery import troubles, watch
from bakery.delivery.app_settings import change_app
from bakery.delivery.local import local_node_id
from bakery.delivery.slot_figures import slot_figures
from bakery.delivery.tasks import RESTART
from bakery.delivery.watch import Watch
from bakery.model.apps import AppStatus
from bakery.model.deployments import Health, Trouble
from bakery.model.names import AppName, EnvironmentName, UnitName
from bakery.model.terms import Terms
from bakery.model.unit import Limits
from bakery.nodes.health import Answer, CheckKind
from bakery.nodes.supervised_units import SupervisedUnits
from bakery.nodes.units import Use
from bakery.web.moments import now
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

FAILURES_ALLOWED = Terms().threshold


async def test_a_release_that_came_in_the_meantime_is_not_called_down(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bare_fleet.make()
    await bare_fleet.deploy_well(an_app("one"))
    watching, asked = (
        Watch(bare_fleet.store, bare_fleet.queue, bare_fleet.links, await local_node_id(bare_fleet.store)),
        0,
    )

    async def ask_the_old_one(*_: object) -> Answer:
        nonlocal asked
        asked += 1
        if asked == FAILURES_ALLOWED:
            await bare_fleet.deploy_well(an_app("two"))  # in the same slot
        return Answer(CheckKind.FRONT_PAGE, is_well=False, said="It is gone")

    monkeypatch.setattr(watch, "ask_release", ask_the_old_one)
    for _ in range(FAILURES_ALLOWED):
        await watching.look()
    app = await bare_fleet.app()
    assert (app.live_number, app.status) == (2, AppStatus.HEALTHY)


async def test_an_app_is_asked_for_the_page_that_its_repository_names(bare_fleet: Fleet) -> None:
    fleet = bare_fleet
    await fleet.make()
    well = "self.path == '/up' or not os.path.exists('broken')"
    await fleet.deploy_well(an_app("one", answer=f"(200 if {well} else 503, b'')"))
    async with fleet.store.connection() as connection:
        await connection.execute(
            """UPDATE builds SET recipe = '{"stack": "python", "why": [], "health_path": "/up"}'"""
        )
    folder = fleet.node.folders.releases(AppName("shop"), EnvironmentName("production")) / "1"
    await fleet.node.transport.put(folder / "broken", b"")
    watching = Watch(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    for _ in range(FAILURES_ALLOWED):
        await watching.look()
    assert (await fleet.app()).status is AppStatus.HEALTHY


async def test_what_a_slot_uses_stands_beside_its_limits(bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet, counts = bare_fleet, iter([Use(2**26, 1_000_000), Use(2**27, 1_000_000)])
    await fleet.make()
    await change_app(fleet.store, at(AppName("shop")), {"memory": "512"}, actor=ADMIN)
    await fleet.deploy_well(an_app("one"))
    monkeypatch.setattr(watch, "_COUNTS_EVERY", 1)

    async def uses(_: object, *names: UnitName) -> dict[UnitName, Use]:
        return dict.fromkeys(names, next(counts))

    monkeypatch.setattr(SupervisedUnits, "uses", uses)
    watching, seen = Watch(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store)), []
    for _ in range(2):
        await watching.look()
        (slot,) = await slot_figures(fleet.store, at("shop"), actor=ADMIN, now=now())
        seen.append((slot.used_memory, slot.used_cpu, slot.limits))
    assert seen == [(2**26, None, Limits(2**29)), (2**27, 0, Limits(2**29))]


async def activity(fleet: Fleet) -> list[str]:
    async with fleet.store.connection() as connection:
        cursor = await connection.execute(
            "SELECT action FROM audit WHERE action IN ('app.unhealthy', 'app.crash_loop', 'app.recovered') ORDER BY id"
        )
        return [action for (action,) in await cursor.fetchall()]


async def test_what_stays_down_is_told_once_restarted_and_told_again_when_it_recovers(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("UNHEALTHY_AFTER", "CALM_FOR"):
        monkeypatch.setattr(troubles, limit, 0.0)
    fleet = bare_fleet
    app = await fleet.make()
    await fleet.deploy_well(an_app("one", answer="(503 if os.path.exists('broken') else 200, b'')"))
    folder = fleet.node.folders.releases(AppName("shop"), EnvironmentName("production")) / "1"
    watching = Watch(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    await fleet.node.transport.put(folder / "broken", b"")
    for _ in range(FAILURES_ALLOWED + 4):
        await watching.look()
    (slot,) = await slot_figures(fleet.store, at("shop"), actor=ADMIN, now=now())
    assert (slot.trouble, slot.revivals, slot.check) == (Trouble.UNHEALTHY, 1, CheckKind.HEALTH_PAGE)
    assert await activity(fleet) == ["app.unhealthy"]
    async with fleet.store.transaction() as tx:
        assert await fleet.queue.has(tx, RESTART, app.environment_id)
    await fleet.node.transport.remove(folder / "broken")
    for _ in range(3):
        await watching.look()
    (slot,) = await slot_figures(fleet.store, at("shop"), actor=ADMIN, now=now())
    assert (slot.trouble, slot.revivals, slot.health) == (Trouble.NONE, 0, Health.HEALTHY)
    assert await activity(fleet) == ["app.unhealthy", "app.recovered"]


async def test_a_program_that_ends_again_and_again_is_one_state_and_one_line(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, counts = bare_fleet, iter([0, 1, 2, 3, 4, 5, 6])
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    watching = Watch(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    monkeypatch.setattr(watch, "_COUNTS_EVERY", 1)

    async def ended_once_more(_: object, *names: UnitName) -> dict[UnitName, int]:
        return dict.fromkeys(names, next(counts))

    monkeypatch.setattr(SupervisedUnits, "restarts", ended_once_more)
    for _ in range(7):
        await watching.look()
    (slot,) = await slot_figures(fleet.store, at("shop"), actor=ADMIN, now=now())
    assert (slot.trouble, slot.restarts, slot.health) == (Trouble.CRASH_LOOP, 6, Health.HEALTHY)
    assert await activity(fleet) == ["app.crash_loop"]
