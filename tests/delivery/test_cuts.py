"""The way to the node breaks at a place of a deployment, or what is done there takes long."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bakery.delivery.planned import StepKey
from bakery.model.deployments import DeploymentState
from bakery.model.faults import Moment, Point, arm, parse_fault
from tests.delivery.fleet import Fleet, an_app
from tests.delivery.invariants import Visitor, expect_no_leftovers
from tests.delivery.test_pipeline import a_project

STEPS = ["unpack", "start", "check", "switch", "retire"]
WHERE_IT_HURTS = [Point.START_SLOT_TAKEN, Point.SWITCH_TRAFFIC_MOVED, Point.RETIRE_PROGRAM_GONE]
EVERYWHERE = [*WHERE_IT_HURTS, Point.SWITCH_RECORDED, *(f"{step}.{moment}" for step in STEPS for moment in Moment)]
EVERYTHING = bool(os.environ.get("BAKERY_TEST_ALL"))
POINTS = EVERYWHERE if EVERYTHING else WHERE_IT_HURTS
BUILDING = [Point.JOB_ENDED, *(f"{step}.{moment}" for step in ("install", "build", "test") for moment in Moment)]


@pytest.fixture(autouse=True)
def no_fault_is_left() -> Iterator[None]:
    yield
    arm(None)


def arm_with(text: str) -> None:
    arm(parse_fault(text, steps=frozenset(StepKey)))


@pytest.mark.parametrize("point", POINTS)
async def test_a_deployment_goes_on_after_a_cut(fleet: Fleet, point: str) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    asked = await fleet.request(an_app("two"))
    arm_with(f"{point}:cut")
    waiting = replace(fleet, patience=replace(fleet.patience, away=30))  # longer than any step takes here
    async with Visitor(fleet) as visitor:
        found = await waiting.run(asked)
    assert visitor.failed == []
    assert found.deployment.state is DeploymentState.SUCCEEDED
    assert f"The connection was cut on purpose, at {point}. Bakery tries again." in await fleet.log(asked)
    assert await fleet.visitors_see("two")
    await expect_no_leftovers(fleet, units=("bakery-shop-production-green",), releases=("1", "2"))


@pytest.mark.parametrize("point", BUILDING if EVERYTHING else [Point.JOB_ENDED])
async def test_a_build_is_not_done_twice_after_a_cut(fleet: Fleet, point: str) -> None:
    await fleet.make(command="")
    await fleet.deploy_well(a_project("one"))
    asked = await fleet.request(a_project("two"))
    arm_with(f"{point}:cut")
    async with Visitor(fleet) as visitor:
        found = await fleet.run(asked)
    assert visitor.failed == []
    assert found.deployment.state is DeploymentState.SUCCEEDED
    log = await fleet.log(asked)
    assert f"The connection was cut on purpose, at {point}. Bakery tries again." in log
    assert (log.count("\ninstalling\n"), log.count("\ntwo comes\n")) == (1, 1)
    assert await fleet.node.jobs.list() == {}
    await expect_no_leftovers(fleet, units=("bakery-shop-production-green",), releases=("1", "2"))


async def test_an_undoing_that_takes_long_does_not_look_interrupted_and_goes_on_after_a_cut(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    asked = await fleet.request(an_app("two", before="sys.exit(3)"))
    arm_with(f"{Point.UNDO_BEGUN}:slow:4")
    running = asyncio.create_task(fleet.run(asked))
    await until(fleet, "failure <> ''", asked.id)
    async with fleet.store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE deployments SET heartbeat_at = now() - interval '1 hour' WHERE id = %s", (asked.id,)
        )
    await until(fleet, "state = 'running' AND heartbeat_at > now() - interval '1 minute'", asked.id)
    arm_with(f"{Point.UNDO_PART_DONE}:cut")
    found = await running
    assert found.deployment.state is DeploymentState.FAILED
    assert "cut on purpose, at undo.part-done. Bakery tries again." in await fleet.log(asked)
    await expect_no_leftovers(fleet, units=("bakery-shop-production-blue",), releases=("1", "2"))  # for a retry


async def until(fleet: Fleet, condition: str, deployment_id: int) -> None:
    async with asyncio.timeout(20):
        while True:
            async with fleet.store.connection() as connection:
                cursor = await connection.execute(
                    f"SELECT FROM deployments WHERE id = %s AND {condition}",  # of this file alone
                    (deployment_id,),
                )
                if await cursor.fetchone() is not None:
                    return
            await asyncio.sleep(0.1)
