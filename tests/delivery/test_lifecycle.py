"""What happens to an app besides a deployment that goes well."""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import sql

from bakery.commands.command import command
from bakery.delivery import actions
from bakery.delivery.delete import Departure, clear_environment, delete_app, what_goes
from bakery.delivery.history import show_deployment
from bakery.delivery.local import Address, ensure_local_node, local_node_id
from bakery.delivery.request import cancel_deployment, request_deployment
from bakery.delivery.rounds import find_lost_work, resume, tidy
from bakery.delivery.running import restart_app, settle, start_app, stop_app
from bakery.delivery.uploads import uploads_folder
from bakery.delivery.watch import Watch
from bakery.delivery.work import Work
from bakery.model.apps import AppStatus
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.errors import Conflict, NodeUnreachable, NotFound, NotReady
from bakery.model.names import UnitName
from bakery.model.terms import Terms
from bakery.store import logs
from bakery.store.store import Store
from tests.delivery.fleet import ADMIN, Fleet, an_app, packed
from tests.support.machine import a_node, machine_of
from tests.support.places import at
from tests.support.waiting import until

BLUE = UnitName("bakery-shop-production-blue")
GREEN = UnitName("bakery-shop-production-green")


async def ended(fleet: Fleet, number: int) -> DeploymentState:
    """Waits for the worker."""
    async with asyncio.timeout(30):
        while True:
            found = await show_deployment(fleet.store, at("shop"), number, actor=ADMIN)
            if found.deployment.state.is_over:
                return found.deployment.state
            await asyncio.sleep(0.05)


async def count(store: Store, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    async with store.connection() as connection:
        row = await (await connection.execute(query)).fetchone()
    return int(row[0]) if row else 0


async def test_the_worker_deploys_what_was_requested(fleet: Fleet) -> None:
    await fleet.make()
    requested = await fleet.request(an_app("one"))
    working = asyncio.create_task(fleet.queue.work())
    assert await ended(fleet, requested.number) is DeploymentState.SUCCEEDED, await fleet.log(requested)
    fleet.queue.stop()
    await working


async def test_a_running_deployment_is_cancelled_and_leaves_nothing(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    requested = await fleet.request(an_app("two", before="time.sleep(60)"))
    running = asyncio.create_task(fleet.run(requested))
    await fleet.until_checked(requested)
    assert (await cancel_deployment(fleet.store, at("shop"), 2, actor=ADMIN)).is_cancelling
    found = await running
    assert found.deployment.state is DeploymentState.CANCELLED
    assert [step.state for step in found.steps][2:] == [StepState.CANCELLED, StepState.SKIPPED, StepState.SKIPPED]
    assert await fleet.visitors_see("one")
    assert await fleet.node.transport.names_in(fleet.node.folders.units) == (BLUE,)
    with pytest.raises(Conflict, match="nothing to cancel"):
        await cancel_deployment(fleet.store, at("shop"), 2, actor=ADMIN)


async def test_a_deployment_that_failed_is_not_cancelled_any_more(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fleet.make()
    requested = await fleet.request(an_app("one"))
    refused: list[str] = []

    async def run_out_of_time(*_: object) -> None:
        raise TimeoutError

    async def cancel(_: Work) -> None:
        with pytest.raises(Conflict, match="failed already") as caught:
            await cancel_deployment(fleet.store, at("shop"), requested.number, actor=ADMIN)
        refused.append(caught.value.message)

    monkeypatch.setattr(actions, "_check", run_out_of_time)
    monkeypatch.setattr("bakery.delivery.run.undo", cancel)
    found = await fleet.run(requested)
    assert refused
    assert found.deployment.state is DeploymentState.FAILED
    assert found.deployment.failure == "The machine did not do it in time."


async def test_a_mistake_of_ours_is_loud_and_holds_nobody_up(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await fleet.make()
    requested = await fleet.request(an_app("one"))

    async def stumble(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(actions, "_check", stumble)
        with pytest.raises(ZeroDivisionError):
            await fleet.run(requested)
    assert "a mistake of its own" in (await fleet.look(requested)).deployment.failure
    await fleet.deploy_well(an_app("two"))
    assert await fleet.visitors_see("two")


async def test_a_newer_deployment_takes_the_place_of_one_that_waits(fleet: Fleet) -> None:
    await fleet.make()
    first, second = await fleet.request(an_app("one")), await fleet.request(an_app("two"))
    assert (await fleet.look(first)).deployment.state is DeploymentState.SUPERSEDED
    assert (await fleet.run(first)).deployment.state is DeploymentState.SUPERSEDED
    assert (await fleet.run(second)).deployment.state is DeploymentState.SUCCEEDED


async def test_the_same_idempotency_key_makes_one_deployment(fleet: Fleet) -> None:
    await fleet.make()
    upload = await fleet.upload(packed(an_app("one")))
    asked = [
        await request_deployment(fleet.store, fleet.queue, at("shop"), upload, actor=ADMIN, idempotency_key="k")
        for _ in range(2)
    ]
    assert asked[0].id == asked[1].id
    other = await fleet.upload(packed(an_app("two")))
    with pytest.raises(Conflict, match="another source"):
        await request_deployment(fleet.store, fleet.queue, at("shop"), other, actor=ADMIN, idempotency_key="k")
    assert (await fleet.request(an_app("two"))).number == 2


async def test_a_scheduled_deployment_waits_for_its_time_and_holds_nobody_up(fleet: Fleet) -> None:
    await fleet.make()
    working = asyncio.create_task(fleet.queue.work())
    upload = await fleet.upload(packed(an_app("later")))
    when = datetime.now(UTC) + timedelta(seconds=4)
    later = await request_deployment(fleet.store, fleet.queue, at("shop"), upload, actor=ADMIN, at=when)
    assert later.state is DeploymentState.SCHEDULED
    assert await ended(fleet, (await fleet.request(an_app("now"))).number) is DeploymentState.SUCCEEDED
    assert await ended(fleet, later.number) is DeploymentState.SUCCEEDED
    assert await fleet.visitors_see("later")
    fleet.queue.stop()
    await working


async def test_an_app_is_stopped_started_and_restarted(fleet: Fleet) -> None:
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await stop_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    await settle(fleet.store, fleet.node, app.environment_id)
    assert (await fleet.app()).status is AppStatus.STOPPED
    assert not (await fleet.node.units.state(BLUE)).is_running
    await start_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    await settle(fleet.store, fleet.node, app.environment_id)
    assert (await fleet.app()).status is AppStatus.HEALTHY
    assert await fleet.visitors_see("one")
    before = (await fleet.node.units.state(BLUE)).process_id
    working = asyncio.create_task(fleet.queue.work())
    await restart_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)

    async def is_another() -> bool:
        return (await fleet.node.units.state(BLUE)).process_id not in {before, None}

    await until(is_another, what="another process runs")
    fleet.queue.stop()
    await working
    assert await fleet.visitors_see("one")


async def test_what_was_never_deployed_cannot_be_restarted(fleet: Fleet) -> None:
    await fleet.make()
    with pytest.raises(Conflict, match="never deployed"):
        await restart_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)


async def test_a_deleted_app_leaves_nothing(fleet: Fleet) -> None:
    before = await everything_below(fleet)
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await fleet.deploy_well(an_app("two"))
    assert (await fleet.deploy(an_app("three", before="sys.exit(3)"))).deployment.state is DeploymentState.FAILED
    goes = await what_goes(fleet.store, at("shop"), actor=ADMIN)
    assert goes == Departure(address=app.address, ports=goes.ports, releases=2, deployments=3)
    assert len(goes.ports) == 2
    await delete_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    with pytest.raises(NotFound):
        await fleet.app()
    await clear_environment(fleet.store, fleet.node, app.environment_id)
    assert await everything_below(fleet) == before
    for table in ("apps", "environments", "builds", "releases", "deployments", "steps", "slots", "log_streams"):
        assert await count(fleet.store, table) == 0, table
    static = await fleet.make(runtime="static")
    await fleet.deploy_well({"index.html": "one"})
    await fleet.deploy_well({"index.html": "two"})
    await delete_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    await clear_environment(fleet.store, fleet.node, static.environment_id)
    assert await everything_below(fleet) == before


async def test_an_app_is_deleted_once_and_what_waits_is_over(fleet: Fleet) -> None:
    await fleet.make()
    waiting = await fleet.request(an_app("one"))
    clicks = [delete_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN) for _ in range(2)]
    outcomes = await asyncio.gather(*clicks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome] == [NotFound]
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM audit WHERE action = 'app.deleted'")
        assert await cursor.fetchone() == (1,)
        cursor = await connection.execute("SELECT state FROM deployments")
        assert await cursor.fetchall() == [(DeploymentState.CANCELLED,)]
    log = await logs.extent(fleet.store, waiting.log_stream)
    assert log is not None
    assert log.is_closed


async def everything_below(fleet: Fleet) -> list[str]:
    """The files and folders of the node, without what belongs to the node itself."""
    root = fleet.node.folders.root
    found = await fleet.node.transport.run(command("find", root, "-path", f"{root}/*"))
    own = {f"{root}/{name}" for name in ("programs/supervisor.py", "uploads", "apps", "logs/supervisor.log")}
    temporary = f"{root}/nginx/temp/"
    return sorted(line for line in found.output.splitlines() if line not in own and not line.startswith(temporary))


async def test_five_releases_are_kept(fleet: Fleet) -> None:
    await fleet.make()
    for version in range(7):
        await fleet.deploy_well(an_app(f"v{version}"))
    folder = fleet.node.folders.root / "apps/shop/production/releases"
    assert await fleet.node.transport.names_in(folder) == ("3", "4", "5", "6", "7")


async def test_pages_learn_that_an_app_is_down_and_well_again(fleet: Fleet) -> None:
    app = await fleet.make()
    await fleet.deploy_well(an_app("one"))
    watch = Watch(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    await watch.look()
    assert (await fleet.app()).status is AppStatus.HEALTHY
    await fleet.node.units.stop(BLUE)
    for _ in range(Terms().threshold):
        await watch.look()
    assert (await fleet.app()).status is AppStatus.DOWN
    assert "does not accept connections" in ((await fleet.app()).health_note or "")
    await settle(fleet.store, fleet.node, app.environment_id)
    await watch.look()
    assert (await fleet.app()).status is AppStatus.HEALTHY


async def test_after_a_reboot_what_was_live_runs_again(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await fleet.node.units.stop(BLUE)
    await resume(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    working = asyncio.create_task(fleet.queue.work())

    async def runs() -> bool:
        return (await fleet.node.units.state(BLUE)).is_running

    await until(runs, what="it runs again")
    fleet.queue.stop()
    await working
    assert await fleet.visitors_see("one")


async def test_an_old_release_that_could_not_be_stopped_is_stopped_later(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))

    async def fail(*_: object) -> None:
        raise NodeUnreachable("The machine is away.")

    with monkeypatch.context() as patch:
        patch.setattr(actions, "_retire", fail)
        second = await fleet.deploy_well(an_app("two"))
    assert "tries again later: The machine is away." in await fleet.log(second.deployment)
    assert await fleet.node.transport.names_in(fleet.node.folders.units) == (BLUE, GREEN)
    await tidy(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    working = asyncio.create_task(fleet.queue.work())

    async def is_one_left() -> bool:
        return await fleet.node.transport.names_in(fleet.node.folders.units) == (GREEN,)

    await until(is_one_left, what="the other unit is gone")
    fleet.queue.stop()
    await working
    assert await fleet.visitors_see("two")


async def test_an_upload_that_nobody_deploys_goes_after_an_hour(fleet: Fleet) -> None:
    await fleet.make()
    unused, scheduled, fresh = [await fleet.upload(packed(an_app("one"))) for _ in range(3)]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await request_deployment(fleet.store, fleet.queue, at("shop"), scheduled, actor=ADMIN, at=tomorrow)
    folder = uploads_folder(Path(fleet.node.folders.root))
    an_hour_ago = time.time() - 3700
    for upload in (unused, scheduled):
        os.utime(folder / upload.archive, (an_hour_ago, an_hour_ago))
    await tidy(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    assert {path.name for path in folder.iterdir()} == {scheduled.archive, fresh.archive}
    await cancel_deployment(fleet.store, at("shop"), 1, actor=ADMIN)
    await tidy(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    assert {path.name for path in folder.iterdir()} == {fresh.archive}


async def test_work_that_the_queue_gave_up_gets_its_place_again_once(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.request(an_app("one"))
    lost = await job_of_the_deployment(fleet.store)
    await find_lost_work(fleet.store, fleet.queue)
    assert await job_of_the_deployment(fleet.store) == lost
    await fleet.queue.cancel(lost)
    await find_lost_work(fleet.store, fleet.queue)
    found = await job_of_the_deployment(fleet.store)
    assert found != lost
    assert await fleet.queue.status(found) == "todo"


async def job_of_the_deployment(store: Store) -> int:
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT job_id FROM deployments")).fetchone()
    assert row is not None
    return int(row[0])


async def test_local_is_one_machine_and_no_other(fleet: Fleet) -> None:
    async with a_node(None) as another:
        with pytest.raises(NotReady, match="another machine"):
            await ensure_local_node(fleet.store, fleet.queue, machine_of(another), Address(None, "localhost"))
