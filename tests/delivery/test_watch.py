"""What a look at an app finds is said of the release that was looked at, and of no other."""

import asyncio
from typing import NoReturn

import pytest

from bakery.delivery import glances, troubles, watch
from bakery.delivery.app_settings import change_app
from bakery.delivery.glances import Glances
from bakery.delivery.local import local_node_id
from bakery.delivery.rounds import look_after_apps
from bakery.delivery.slot_figures import slot_figures
from bakery.delivery.tasks import RESTART, SETTLE
from bakery.delivery.watch import Watch
from bakery.model.apps import AppStatus
from bakery.model.deployments import Health, Trouble
from bakery.model.errors import CommandFailed, NodeUnreachable, NotUnderstood
from bakery.model.names import AppName, EnvironmentName, UnitName
from bakery.model.runtimes import Runtime
from bakery.model.terms import Terms
from bakery.model.unit import Limits
from bakery.nodes.containers import Containers
from bakery.nodes.health import Answer, CheckKind
from bakery.nodes.local import LocalTransport
from bakery.nodes.supervised_units import SupervisedUnits
from bakery.nodes.units import Use
from bakery.store.rows import only
from bakery.web.moments import now
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at
from tests.support.waiting import until

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


def docker_is_away(monkeypatch: pytest.MonkeyPatch, *, seconds: float | None) -> list[UnitName]:
    """Nothing that Docker keeps is told of: it is refused after so long, or never answered. Gives who was asked for."""
    asked: list[UnitName] = []

    async def refuse(_: object, *names: UnitName) -> NoReturn:
        asked.extend(names)
        await (asyncio.Event().wait() if seconds is None else asyncio.sleep(seconds))
        raise CommandFailed("Docker did not answer on this machine for 60 s.", exit_status=1)

    for verb in ("states", "state", "restarts", "uses"):
        monkeypatch.setattr(Containers, verb, refuse)
    return asked


async def keep_by_docker(fleet: Fleet, slug: str) -> None:
    async with fleet.store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE environments SET runtime = 'docker' WHERE app_id = (SELECT id FROM apps WHERE slug = %s)", (slug,)
        )


async def live_release(fleet: Fleet) -> int:
    async with fleet.store.connection() as connection:
        (release,) = await only(await connection.execute("SELECT release_id FROM slots WHERE state = 'live'"))
        return int(release)


async def test_an_app_of_docker_is_down_while_docker_is_away(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubles, "UNHEALTHY_AFTER", 0.0)
    fleet = bare_fleet
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await keep_by_docker(fleet, "shop")
    docker_is_away(monkeypatch, seconds=0)
    await fleet.node.units.stop(UnitName("bakery-shop-production-blue"))
    watching = Watch(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    for _ in range(FAILURES_ALLOWED + 1):
        await watching.look()
    app = await fleet.app()
    said = "the port does not accept connections. What keeps it running does not answer either."
    assert (app.status, app.health_note) == (AppStatus.DOWN, said)
    assert await activity(fleet) == ["app.unhealthy"]
    assert watching.kept_for(app.environment_id, await live_release(fleet)) == 0  # which is not the release's fault
    async with fleet.store.transaction() as tx:
        assert await fleet.queue.has(tx, RESTART, app.environment_id)


async def test_docker_is_not_waited_for_by_every_look(bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glances, "PATIENCE", 0.0)
    fleet = bare_fleet
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await keep_by_docker(fleet, "shop")
    asked = docker_is_away(monkeypatch, seconds=None)
    await fleet.node.units.stop(UnitName("bakery-shop-production-blue"))
    watching = Watch(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    for _ in range(FAILURES_ALLOWED + 5):
        await watching.look()
    assert (await fleet.app()).status is AppStatus.DOWN
    assert asked == ["bakery-shop-production-blue"]


async def test_a_machine_that_does_not_answer_is_not_taken_for_docker_that_is_away(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glances, "PATIENCE", 0.0)
    docker_is_away(monkeypatch, seconds=None)
    name = UnitName("bakery-shop-production-blue")
    assert await Glances().states(bare_fleet.node, Runtime.DOCKER, name) is None

    async def run(*_: object) -> NoReturn:
        raise NodeUnreachable("local did not answer.")

    monkeypatch.setattr(LocalTransport, "run", run)
    with pytest.raises(NodeUnreachable):
        await Glances().states(bare_fleet.node, Runtime.DOCKER, name)


async def test_docker_that_is_away_holds_up_no_other_app_of_its_node(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(watch, "SHORTEST_PAUSE", 0.0)
    fleet = bare_fleet
    for slug in ("blog", "shop"):
        await fleet.make(slug)
        await fleet.deploy_well(an_app("one"), slug)
    await keep_by_docker(fleet, "blog")
    docker_is_away(monkeypatch, seconds=None)
    shop = await fleet.app()
    await fleet.node.units.stop(UnitName("bakery-shop-production-blue"))
    node_id = await local_node_id(fleet.store)

    async def is_found_out() -> bool:
        async with fleet.store.transaction() as tx:
            is_settled = await fleet.queue.has(tx, SETTLE, shop.environment_id)
        return is_settled and (await fleet.app()).status is AppStatus.DOWN

    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look_after_apps(fleet.store, fleet.queue, fleet.links, node_id, drift_every=None))
        await until(is_found_out, what="the app that Docker does not keep is down, and is going to be settled")
        looking.cancel()


async def test_what_a_node_says_of_one_app_in_words_of_its_own_keeps_no_other_from_being_looked_at(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = bare_fleet
    for slug in ("blog", "shop"):
        await fleet.make(slug)
        await fleet.deploy_well(an_app("one"), slug)

    async def ask(_: object, name: UnitName, *__: object) -> Answer:
        if name == "bakery-blog-production-blue":
            raise NotUnderstood("The helper on the node answered in words that Bakery does not understand.")
        return Answer(CheckKind.FRONT_PAGE, is_well=False, said="It is gone")

    monkeypatch.setattr(watch, "ask_release", ask)
    watching = Watch(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    for _ in range(FAILURES_ALLOWED):
        await watching.look()
    assert [(await fleet.app(slug)).status for slug in ("blog", "shop")] == [AppStatus.HEALTHY, AppStatus.DOWN]


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
