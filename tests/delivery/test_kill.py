"""The worker is killed with SIGKILL in the middle of a step, and a deployment is taken up again."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bakery.delivery.history import DeploymentSummary
from bakery.delivery.request import cancel_deployment
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.errors import Conflict
from bakery.model.faults import Moment, Point
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.delivery.invariants import Visitor, expect_no_leftovers
from tests.delivery.test_pipeline import a_project
from tests.support.places import at

STEPS = ["unpack", "start", "check", "switch", "retire"]
EVERYTHING = bool(os.environ.get("BAKERY_TEST_ALL"))
BEGUN_AND_DONE = [f"{step}.{moment}" for step in STEPS for moment in Moment]
WHERE_IT_HURTS = ["unpack.done", "start.done", "check.done", "switch.begun", "switch.done", "retire.begun"]
POINTS = [
    *(BEGUN_AND_DONE if EVERYTHING else WHERE_IT_HURTS),
    Point.START_SLOT_TAKEN,
    Point.SWITCH_TRAFFIC_MOVED,
    Point.SWITCH_RECORDED,
    Point.RETIRE_PROGRAM_GONE,
    Point.TIDY_DONE,
]
UNDOING = [Point.FAILURE_NOTED, Point.UNDO_BEGUN, Point.UNDO_PART_DONE, Point.UNDO_DONE]


async def run_until_killed(fleet: Fleet, deployment: DeploymentSummary, point: str) -> None:
    worker = await a_worker(fleet, deployment, f"{point}:kill")
    async with asyncio.timeout(60):
        assert await worker.wait() == -signal.SIGKILL


async def a_worker(fleet: Fleet, deployment: DeploymentSummary, fault: str) -> asyncio.subprocess.Process:
    assert fleet.node.ingress is not None
    words = [
        fleet.store.dsn,
        str(fleet.node.folders.root),
        str(fleet.node.ingress.port),
        str(deployment.id),
        fault,
    ]
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.support.deploying_worker", *words)


async def until_it_says(fleet: Fleet, deployment: DeploymentSummary, text: str) -> None:
    async with asyncio.timeout(60):
        while text not in await fleet.log(deployment):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("point", POINTS)
async def test_a_deployment_goes_on_after_a_kill(fleet: Fleet, point: str) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    requested = await fleet.request(an_app("two"))
    async with Visitor(fleet) as visitor:
        await run_until_killed(fleet, requested, point)
        found = await fleet.run(requested)
    assert visitor.failed == []
    assert found.deployment.state is DeploymentState.SUCCEEDED
    assert [step.state for step in found.steps] == [StepState.DONE] * 5
    assert await fleet.visitors_see("two")
    await expect_no_leftovers(fleet, units=("bakery-shop-production-green",), releases=("1", "2"))
    text = (await fleet.log(requested)).encode()
    assert b"".join(text[step.from_byte : step.to_byte] for step in found.steps) == text


@pytest.mark.parametrize(("step", "releases"), [("unpack", ("1",)), ("start", ("1", "2")), ("check", ("1", "2"))])
async def test_a_deployment_that_was_cancelled_while_bakery_was_away_leaves_only_what_a_retry_takes(
    fleet: Fleet, step: str, releases: tuple[str, ...]
) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    requested = await fleet.request(an_app("two"))
    await run_until_killed(fleet, requested, f"{step}.done")
    await cancel_deployment(fleet.store, at("shop"), requested.number, actor=ADMIN)
    found = await fleet.run(requested)
    assert found.deployment.state is DeploymentState.CANCELLED
    assert await fleet.visitors_see("one")
    await expect_no_leftovers(fleet, units=("bakery-shop-production-blue",), releases=releases)


@pytest.mark.parametrize("point", UNDOING if EVERYTHING else [Point.UNDO_PART_DONE])
async def test_what_a_failed_deployment_left_goes_although_bakery_is_killed_meanwhile(
    fleet: Fleet, point: Point
) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    requested = await fleet.request(an_app("two", before="sys.exit(3)"))
    async with Visitor(fleet) as visitor:
        await run_until_killed(fleet, requested, point)
        found = await fleet.run(requested)
    assert visitor.failed == []
    assert found.deployment.state is DeploymentState.FAILED
    assert found.deployment.failure.startswith("The app ended 3 times")
    await expect_no_leftovers(fleet, units=("bakery-shop-production-blue",), releases=("1", "2"))  # for a retry


async def test_a_deployment_that_switches_traffic_is_not_cancelled_any_more(fleet: Fleet) -> None:
    await fleet.make()
    requested = await fleet.request(an_app("one"))
    await run_until_killed(fleet, requested, "switch.begun")
    with pytest.raises(Conflict, match="switching traffic already"):
        await cancel_deployment(fleet.store, at("shop"), requested.number, actor=ADMIN)
    assert (await fleet.run(requested)).deployment.state is DeploymentState.SUCCEEDED


async def test_a_build_goes_on_while_bakery_is_away_and_is_adopted(fleet: Fleet, tmp_path: Path) -> None:
    await fleet.make(command="")
    await fleet.deploy_well(a_project("one"))
    (tmp_path / "held").touch()
    asked = await fleet.request(a_project("two", test=f"echo held; while test -e {tmp_path}/held; do sleep 0.05; done"))
    async with Visitor(fleet) as visitor:
        worker = await a_worker(fleet, asked, f"{Point.TIDY_DONE}:kill")
        await until_it_says(fleet, asked, "\nheld\n")
        worker.kill()
        await worker.wait()
        (tmp_path / "held").unlink()
        found = await fleet.run(asked)
    assert visitor.failed == []
    assert found.deployment.state is DeploymentState.SUCCEEDED
    assert (await fleet.log(asked)).count("\nheld\n") == 1
    assert await fleet.node.jobs.list() == {}
    await expect_no_leftovers(fleet, units=("bakery-shop-production-green",), releases=("1", "2"))
