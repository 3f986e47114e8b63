"""Processes beside the one with the port, on a real machine."""

import pytest

from bakery.delivery import steadiness
from bakery.delivery.delete import clear_environment, delete_app
from bakery.delivery.local import local_node_id
from bakery.delivery.rounds import resume
from bakery.delivery.running import restart_app, settle, stop_app
from bakery.delivery.scale import list_processes, scale, scale_app
from bakery.delivery.watch import Watch
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BadInput
from bakery.model.names import ProcessName, UnitName
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

WORKER = ProcessName("worker")
LOOPS = "while true; do sleep 0.1; done"


def a_project(version: str, **processes: str) -> dict[str, str]:
    lines = ["web: python3 app.py", *(f"{name}: {command}" for name, command in processes.items())]
    return {**an_app(version), "Procfile": "\n".join(lines) + "\n"}


async def units(fleet: Fleet) -> set[str]:
    names = await fleet.node.transport.names_in(fleet.node.folders.units)
    return {name.removeprefix("bakery-shop-production-") for name in names}


async def running(fleet: Fleet) -> set[str]:
    names = [UnitName(name) for name in await fleet.node.transport.names_in(fleet.node.folders.units)]
    states = await fleet.node.units.states(*names)
    return {name.removeprefix("bakery-shop-production-") for name, state in states.items() if state.is_running}


async def test_workers_come_with_their_release_are_counted_and_end_with_it(fleet: Fleet) -> None:
    await fleet.make(command="")
    found = await fleet.deploy_well(a_project("one", worker=f"echo works $PORT; {LOOPS}", mail=LOOPS))
    assert await running(fleet) == {"blue", "blue-mail-1", "blue-worker-1"}
    assert "Started beside it: mail (1), worker (1). They have to run for 0.5 s." in await fleet.log(found.deployment)
    log = fleet.node.folders.unit_log(UnitName("bakery-shop-production-blue-worker-1"))
    assert await fleet.node.transport.get(log) == b"works\n"

    app = await fleet.app()
    pid = (await fleet.node.units.state(UnitName("bakery-shop-production-blue"))).process_id
    await scale_app(fleet.store, fleet.queue, at("shop"), {WORKER: 3, ProcessName("mail"): 0}, actor=ADMIN)
    await scale(fleet.store, fleet.node, app.environment_id)
    assert await running(fleet) == {"blue", "blue-worker-1", "blue-worker-2", "blue-worker-3"}
    assert (await fleet.node.units.state(UnitName("bakery-shop-production-blue"))).process_id == pid

    await fleet.deploy_well(a_project("two", worker=LOOPS, extra=LOOPS))
    assert await units(fleet) == {"green", "green-extra-1", "green-worker-1", "green-worker-2", "green-worker-3"}
    await scale_app(fleet.store, fleet.queue, at("shop"), {WORKER: 1}, actor=ADMIN)
    await scale(fleet.store, fleet.node, app.environment_id)
    assert await units(fleet) == {"green", "green-extra-1", "green-worker-1"}

    await fleet.deploy_well(a_project("three"))
    assert await units(fleet) == {"blue"}


async def test_a_worker_that_ends_again_and_again_fails_the_deployment(fleet: Fleet) -> None:
    await fleet.make(command="")
    await fleet.deploy_well(a_project("one", worker=LOOPS))
    found = await fleet.deploy(a_project("two", worker="echo no queue; exit 7", mail=LOOPS))
    assert found.deployment.state is DeploymentState.FAILED
    assert found.deployment.failure == (
        "The process worker ended 3 times after it was started: it ended with status 7."
    )
    assert "  no queue\n" in await fleet.log(found.deployment)
    assert await fleet.visitors_see("one")
    assert await running(fleet) == {"blue", "blue-worker-1"}


async def test_all_programs_of_an_app_stop_start_and_go_together(fleet: Fleet) -> None:
    await fleet.make(command="")
    await fleet.deploy_well(a_project("one", worker=LOOPS))
    app = await fleet.app()
    await stop_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    await settle(fleet.store, fleet.node, app.environment_id)
    assert await running(fleet) == set()
    await restart_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    await settle(fleet.store, fleet.node, app.environment_id)
    assert await running(fleet) == {"blue", "blue-worker-1"}

    await fleet.node.units.stop(UnitName("bakery-shop-production-blue-worker-1"))
    await Watch(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store)).look()
    assert "The process worker 1 does not run" in ((await fleet.app()).health_note or "")
    web, worker = await list_processes(fleet.store, at("shop"), actor=ADMIN)
    assert [one.is_running for one in (*web.instances, *worker.instances)] == [True, False]
    await resume(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    async with fleet.store.transaction() as tx:
        assert await fleet.queue.has(tx, "settle", app.environment_id)

    await delete_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    await clear_environment(fleet.store, fleet.node, app.environment_id)
    assert await units(fleet) == set()


async def test_a_process_that_the_release_does_not_have_cannot_be_counted(fleet: Fleet) -> None:
    await fleet.make(command="")
    await fleet.deploy_well(a_project("one", worker=LOOPS))
    with pytest.raises(BadInput, match="has no process mail") as refused:
        await scale_app(fleet.store, fleet.queue, at("shop"), {ProcessName("mail"): 2}, actor=ADMIN)
    assert refused.value.hint.startswith("It has: web, worker.")


async def test_an_app_that_must_not_run_twice_has_its_workers_end_before_others_begin(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steadiness, "CRASHES_ALLOWED", 1)
    await bare_fleet.make(command="")
    await bare_fleet.deploy_well(a_project("one", worker=LOOPS, mail=LOOPS))
    await bare_fleet.deploy_well(a_project("two", worker=LOOPS))
    assert await running(bare_fleet) == {"blue", "blue-worker-1"}
    found = await bare_fleet.deploy(a_project("three", worker="exit 7", extra=LOOPS))
    assert found.deployment.state is DeploymentState.FAILED
    assert await running(bare_fleet) == {"blue", "blue-worker-1"}
