"""Long builds keep nothing else from beginning."""

import asyncio
from pathlib import Path

from bakery.delivery.history import show_deployment
from bakery.delivery.rollback import request_rollback
from bakery.delivery.running import restart_app
from bakery.delivery.worker import register_tasks
from bakery.model.deployments import DeploymentState
from bakery.store.lanes import Lane
from bakery.store.queue import Queue
from tests.delivery.conftest import PATIENCE
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.delivery.test_pipeline import a_project
from tests.support.places import at
from tests.support.waiting import until


async def test_an_app_goes_back_and_is_restarted_although_all_places_for_builds_are_taken(
    bare_fleet: Fleet, tmp_path: Path
) -> None:
    fleet = bare_fleet
    queue = Queue(fleet.store, places={Lane.SHORT: 2, Lane.BUILDS: 1, Lane.COMMANDS: 1})
    register_tasks(queue, fleet.store, fleet.links, patience=PATIENCE)
    await queue.open()
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await fleet.deploy_well(an_app("two"))
    await fleet.make("slow", command="")
    await fleet.make("next")
    held = tmp_path / "held"
    held.touch()
    slow = await fleet.request(a_project("one", test=f"while test -e {held}; do sleep 0.05; done"), "slow")
    working = asyncio.create_task(queue.work())

    async def state(app: str, number: int) -> DeploymentState:
        return (await show_deployment(fleet.store, at(app), number, actor=ADMIN)).deployment.state

    async def runs() -> bool:
        return await state("slow", slow.number) is DeploymentState.RUNNING

    await until(runs, what="the slow build runs")
    waiting = await fleet.request(an_app("one"), "next")
    back = await request_rollback(fleet.store, queue, at("shop"), actor=ADMIN)

    async def is_back() -> bool:
        return await state("shop", back.number) is DeploymentState.SUCCEEDED

    await until(is_back, what="the app is back", seconds=30)
    await restart_app(fleet.store, queue, at("shop"), actor=ADMIN)

    async def is_settled() -> bool:
        async with fleet.store.transaction() as tx:
            return not await queue.subjects(tx, ["restart"])

    await until(is_settled, what="the app is restarted", seconds=30)
    assert await state("slow", slow.number) is DeploymentState.RUNNING
    found = await fleet.look(waiting)
    assert found.turn is not None
    assert (found.deployment.state, found.turn.position) == (DeploymentState.QUEUED, 1)
    held.unlink()

    async def is_built() -> bool:
        return await state("next", waiting.number) is DeploymentState.SUCCEEDED

    await until(is_built, what="the next one has its place", seconds=60)
    queue.stop()
    await working
