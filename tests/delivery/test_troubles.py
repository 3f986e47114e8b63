"""What may come in between, and what must not come of it."""

import asyncio

import pytest

from bakery.delivery import actions, keeping, run, running, undo
from bakery.delivery.history import DeploymentSummary
from bakery.delivery.look import Environment, look_at_deployment, look_at_environment
from bakery.delivery.moves import move_deployment
from bakery.delivery.ownership import take_up
from bakery.delivery.planned import Nothing, PlannedStep, StepKey
from bakery.delivery.ports import leave_taken_port
from bakery.delivery.request import cancel_deployment
from bakery.delivery.running import restart_app, settle, stop_app
from bakery.delivery.steps import begin_step, store_steps
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.errors import Conflict, NodeUnreachable
from bakery.model.names import AppName, Colour, EnvironmentName, unit_name
from bakery.nodes.traffic import Traffic
from bakery.nodes.units import UnitState
from bakery.store.queue import TakenOver
from bakery.store.store import Store
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at
from tests.support.waiting import until

ENDLESS = """
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404 if self.path == "/health" else 200)
        self.end_headers()
        while self.path != "/health":
            self.wfile.write(b"tick\\n")
            time.sleep(0.1)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


async def test_a_failure_is_told_although_the_apps_own_words_cannot_be_read(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def be_away(*_: object, **__: object) -> list[str]:
        raise NodeUnreachable("The node was cut off.")

    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    monkeypatch.setattr(keeping, "last_lines", be_away)
    found = await fleet.deploy(an_app("two", before="sys.exit(3)"))
    assert found.deployment.failure.startswith("The app ended 3 times")
    assert "What the app itself wrote cannot be read: The node was cut off." in await fleet.log(found.deployment)
    assert await fleet.visitors_see("one")


async def test_a_page_that_never_ends_holds_up_no_switch(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well({"app.py": ENDLESS})
    found = await asyncio.wait_for(fleet.deploy({"app.py": ENDLESS + "\n"}), 30)
    assert found.deployment.state is DeploymentState.SUCCEEDED
    assert "Visits during the switch: 0 of " in await fleet.log(found.deployment)


async def test_who_cancels_while_the_switch_begins_comes_too_late(fleet: Fleet) -> None:
    await fleet.make()
    asked = await fleet.request(an_app("one"))
    async with fleet.store.transaction() as tx:
        await store_steps(tx, asked.id, [PlannedStep(StepKey.SWITCH, "Switch traffic to it", Nothing(""))])
        await tx.connection.execute(
            "UPDATE deployments SET state = 'running', started_at = now() WHERE id = %s", (asked.id,)
        )
    async with fleet.store.pool.connection() as other:
        await other.execute("SELECT FROM deployments WHERE id = %s FOR UPDATE", (asked.id,))
        cancelling = asyncio.create_task(cancel_deployment(fleet.store, at("shop"), asked.number, actor=ADMIN))
        await _until_somebody_waits(fleet)
        await other.execute(
            "UPDATE steps SET state = 'running', started_at = now() WHERE deployment_id = %s", (asked.id,)
        )
    with pytest.raises(Conflict, match="is switching traffic already"):
        await cancelling


async def _until_somebody_waits(fleet: Fleet) -> None:
    async def somebody_waits() -> bool:
        async with fleet.store.connection() as connection:
            cursor = await connection.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return await cursor.fetchone() is not None

    await until(somebody_waits, what="somebody waits for the row")


async def test_a_cancel_that_was_interrupted_begins_nothing_again(fleet: Fleet) -> None:
    await fleet.make()
    asked = await fleet.request(an_app("one"))
    async with fleet.store.transaction() as tx:
        await store_steps(tx, asked.id, [PlannedStep(StepKey.UNPACK, "Unpack the source", Nothing(""))])
        await tx.connection.execute(
            "UPDATE deployments SET state = 'running', started_at = now() WHERE id = %s", (asked.id,)
        )
    async with fleet.store.transaction() as tx:
        await begin_step(tx, asked.id, StepKey.UNPACK, at_byte=0)
    await cancel_deployment(fleet.store, at("shop"), asked.number, actor=ADMIN)
    found = await fleet.run(asked)
    assert found.deployment.state is DeploymentState.CANCELLED
    assert [step.state for step in found.steps] == [StepState.CANCELLED]
    assert "Unpack" not in await fleet.log(asked)


async def taken_over(fleet: Fleet, asked: DeploymentSummary) -> None:
    """Another process goes on with it, as when ours stood still for too long."""
    async with fleet.store.transaction() as tx:
        await take_up(tx, asked.id)


async def test_who_was_taken_for_dead_has_nothing_to_say_when_it_wakes_up(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    asked = await fleet.request(an_app("two"))

    async def stand_still(*_: object) -> None:
        await taken_over(fleet, asked)
        raise NodeUnreachable("It was away for too long.")

    with monkeypatch.context() as patch:
        patch.setattr(actions, "_check", stand_still)
        found = await fleet.run(asked)
    assert found.deployment.state is DeploymentState.RUNNING
    assert await fleet.node.units.state(unit_name(AppName("shop"), EnvironmentName("production"), Colour.GREEN)) != (
        UnitState(is_running=False)
    )
    found = await fleet.run(asked)
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(asked)
    assert await fleet.visitors_see("two")


async def units_of(fleet: Fleet) -> dict[Colour, UnitState]:
    names = {colour: unit_name(AppName("shop"), EnvironmentName("production"), colour) for colour in Colour}
    return {colour: await fleet.node.units.state(name) for colour, name in names.items()}


async def test_who_was_taken_over_takes_nothing_away_any_more(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    asked = await fleet.request(an_app("two", answer="(500, b'')"))

    async def stand_still(_: object) -> bool:
        await taken_over(fleet, asked)
        return False

    monkeypatch.setattr(undo, "_keep_what_was_made", stand_still)
    found = await fleet.run(asked)

    assert found.deployment.state is DeploymentState.RUNNING
    assert (await units_of(fleet))[Colour.GREEN].is_running
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT colour, state FROM slots ORDER BY colour")
        assert await cursor.fetchall() == [("blue", "live"), ("green", "starting")]


async def test_who_was_taken_over_while_it_waited_for_visitors_ends_no_slot(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    asked = await fleet.request(an_app("two"))

    async def stand_still(*_: object, **__: object) -> int:
        await taken_over(fleet, asked)
        return 0

    monkeypatch.setattr(Traffic, "wait_for_drain", stand_still)
    found = await fleet.run(asked)

    assert found.deployment.state is DeploymentState.RUNNING
    assert [state.is_running for state in (await units_of(fleet)).values()] == [True, True]


@pytest.mark.parametrize(("version", "act"), [(an_app("two"), "tidy"), (an_app("two", before="sys.exit(3)"), "undo")])
async def test_who_learns_that_it_was_taken_over_ends_whatever_it_is_at(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, version: dict[str, str], act: str
) -> None:
    await fleet.make()
    asked = await fleet.request(version)

    async def stand_still(_: object) -> None:
        await taken_over(fleet, asked)
        await asyncio.Event().wait()

    monkeypatch.setattr(run, act, stand_still)
    async with asyncio.timeout(60):
        found = await fleet.run(asked)
    assert found.deployment.state is DeploymentState.RUNNING


async def test_who_was_taken_over_restarts_nothing(bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = bare_fleet
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    before = await units_of(fleet)
    is_over = asyncio.Event()

    async def stand_still(store: Store, environment_id: int) -> Environment | None:
        async with store.connection() as connection:
            await connection.execute(
                """
                WITH other AS (INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id)
                UPDATE procrastinate_jobs SET attempts = attempts + 1, worker_id = other.id FROM other
                WHERE status = 'doing'
                """
            )
        is_over.set()
        return await look_at_environment(store, environment_id)

    monkeypatch.setattr(running, "look_at_environment", stand_still)
    await restart_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    working = asyncio.create_task(fleet.queue.work())
    await is_over.wait()
    fleet.queue.stop()
    await working
    assert await units_of(fleet) == before


async def test_a_stopped_app_stays_stopped_when_a_deployment_of_it_fails(bare_fleet: Fleet) -> None:
    await bare_fleet.make()
    await bare_fleet.deploy_well(an_app("one"))
    await stop_app(bare_fleet.store, bare_fleet.queue, at("shop"), actor=ADMIN)
    app = await bare_fleet.app()
    await settle(bare_fleet.store, bare_fleet.node, app.environment_id)
    found = await bare_fleet.deploy(an_app("two", before="sys.exit(3)"))
    assert found.deployment.state is DeploymentState.FAILED
    names = [unit_name(AppName("shop"), EnvironmentName("production"), colour) for colour in Colour]
    assert [(await bare_fleet.node.units.state(name)).is_running for name in names] == [False, False]


async def test_a_repository_of_thousands_of_files_is_looked_into(fleet: Fleet) -> None:
    await fleet.make(command="")
    many = {f"some/folder/of/a/large/repository/with/a/file/number/{number:06}.txt": "" for number in range(20_000)}
    found = await fleet.deploy({**many, **an_app("one"), "Procfile": "web: python3 app.py\n"})
    assert found.deployment.state is DeploymentState.SUCCEEDED, found.deployment.failure


async def a_deployment_that_begins(fleet: Fleet, asked: DeploymentSummary) -> int:
    """Its generation."""
    async with fleet.store.transaction() as tx:
        await move_deployment(tx, asked.id, DeploymentState.RUNNING)
        return await take_up(tx, asked.id)


async def test_a_mistake_of_who_was_taken_over_ends_nothing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await fleet.make()
    asked = await fleet.request(an_app("one"))

    async def stumble(*_: object) -> None:
        await taken_over(fleet, asked)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(actions, "_check", stumble)
        with pytest.raises(ZeroDivisionError):
            await fleet.run(asked)
    assert (await fleet.look(asked)).deployment.state is DeploymentState.RUNNING
    assert (await fleet.run(asked)).deployment.state is DeploymentState.SUCCEEDED


async def test_who_is_taken_over_before_its_first_step_writes_none(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fleet.make()
    asked = await fleet.request(an_app("one"))

    async def stand_still(store: Store, deployment_id: int) -> dict[StepKey, StepState]:
        async with store.transaction() as tx:
            await take_up(tx, deployment_id)
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(run, "read_steps", stand_still)
        found = await fleet.run(asked)
    assert (found.deployment.state, found.steps) == (DeploymentState.RUNNING, ())


async def test_who_was_taken_over_gives_its_slot_no_other_port(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = bare_fleet
    await fleet.make()
    asked = await fleet.request(an_app("one"))
    await a_deployment_that_begins(fleet, asked)
    deployment = await look_at_deployment(fleet.store, asked.id)
    assert deployment is not None

    async def is_taken(_: object, port: int) -> bool:
        await taken_over(fleet, asked)
        return port == 20000

    monkeypatch.setattr(Traffic, "is_taken", is_taken)
    with pytest.raises(TakenOver):
        await leave_taken_port(fleet.store, fleet.node, deployment)
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT port FROM slots ORDER BY port")
        assert await cursor.fetchall() == [(20000,), (20001,)]


async def test_who_was_taken_over_while_it_took_releases_away_brings_none_of_them_back(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "KEPT_RELEASES", 1)
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    asked = await fleet.request(an_app("two"))

    async def stand_still(*_: object) -> None:
        await taken_over(fleet, asked)
        raise TakenOver

    monkeypatch.setattr(undo, "_remove_files", stand_still)
    found = await fleet.run(asked)
    assert found.deployment.state is DeploymentState.RUNNING
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT number FROM releases WHERE removed_at IS NOT NULL")
        assert await cursor.fetchall() == [(1,)]
