"""The worker is killed with SIGKILL in the middle of a step, and a deployment is taken up again."""

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest

from bakery.delivery.history import DeploymentSummary
from bakery.delivery.request import cancel_deployment
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.errors import Conflict
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.deploying_worker import STUCK

STEPS = ["unpack", "start", "check", "switch", "retire"]


async def run_until_killed(fleet: Fleet, deployment: DeploymentSummary, when: str, step: str) -> None:
    assert fleet.node.ingress is not None
    words = [
        fleet.store.dsn,
        str(fleet.node.folders.root),
        str(fleet.node.ingress.port),
        str(deployment.id),
        when,
        step,
    ]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.deploying_worker", *words, stdout=PIPE
    )
    assert worker.stdout is not None
    async with asyncio.timeout(60):
        assert await worker.stdout.readline() == STUCK.encode()
    worker.kill()
    await worker.wait()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_deployment_goes_on_after_a_kill(fleet: Fleet, step: str, when: str) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    requested = await fleet.request(an_app("two"))
    await run_until_killed(fleet, requested, when, step)
    assert (await fleet.visit()).status_code == 200
    found = await fleet.run(requested)
    assert found.deployment.state is DeploymentState.SUCCEEDED
    assert [step.state for step in found.steps] == [StepState.DONE] * 5
    assert await fleet.visitors_see("two")
    assert await fleet.node.transport.names_in(fleet.node.folders.units) == ("bakery-shop-production-green",)
    text = (await fleet.log(requested)).encode()
    assert b"".join(text[step.from_byte : step.to_byte] for step in found.steps) == text


@pytest.mark.parametrize("step", ["unpack", "start", "check"])
async def test_a_deployment_that_was_cancelled_while_bakery_was_away_leaves_nothing(fleet: Fleet, step: str) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    requested = await fleet.request(an_app("two"))
    await run_until_killed(fleet, requested, "after", step)
    await cancel_deployment(fleet.store, "shop", requested.number, actor=ADMIN)
    found = await fleet.run(requested)
    assert found.deployment.state is DeploymentState.CANCELLED
    assert await fleet.visitors_see("one")
    assert await fleet.node.transport.names_in(fleet.node.folders.units) == ("bakery-shop-production-blue",)


async def test_a_deployment_that_switches_traffic_is_not_cancelled_any_more(fleet: Fleet) -> None:
    await fleet.make()
    requested = await fleet.request(an_app("one"))
    await run_until_killed(fleet, requested, "before", "switch")
    with pytest.raises(Conflict, match="switching traffic already"):
        await cancel_deployment(fleet.store, "shop", requested.number, actor=ADMIN)
    assert (await fleet.run(requested)).deployment.state is DeploymentState.SUCCEEDED
