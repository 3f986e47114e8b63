"""Between two steps of a deployment lies one transaction."""

import pytest

from bakery.delivery.history import DeploymentSummary, show_deployment
from bakery.delivery.log import DeploymentLog
from bakery.delivery.planned import Nothing, PlannedStep, StepKey
from bakery.delivery.progress import Progress
from bakery.delivery.steps import CancelAsked, store_steps
from bakery.model.deployments import StepState
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

STEPS = (StepKey.UNPACK, StepKey.TEST, StepKey.START)


@pytest.fixture
async def asked(fleet: Fleet) -> DeploymentSummary:
    await fleet.make()
    asked = await fleet.request(an_app("one"))
    async with fleet.store.transaction() as tx:
        await store_steps(tx, asked.id, [PlannedStep(key, key.value, Nothing("")) for key in STEPS])
    return asked


async def states(fleet: Fleet, asked: DeploymentSummary) -> list[tuple[StepState, int | None, int | None]]:
    found = await show_deployment(fleet.store, at("shop"), asked.number, actor=ADMIN)
    return [(step.state, step.from_byte, step.to_byte) for step in found.steps]


async def test_the_next_step_begins_with_the_end_of_the_last_what_was_skipped_between_and_the_log(
    fleet: Fleet, asked: DeploymentSummary
) -> None:
    log = DeploymentLog(fleet.store, asked.log_stream)
    progress = Progress(fleet.store, log, asked.id, generation=0)
    await progress.begin(StepKey.UNPACK)
    log.write("unpacked")
    progress.ended(StepKey.UNPACK, StepState.DONE, await log.position())
    log.write("no tests")
    progress.skipped(StepKey.TEST, 9, await log.position())
    assert await states(fleet, asked) == [
        (StepState.RUNNING, 0, None), (StepState.WAITING, None, None), (StepState.WAITING, None, None)
    ]  # fmt: skip
    await progress.begin(StepKey.START)
    assert await states(fleet, asked) == [
        (StepState.DONE, 0, 9), (StepState.SKIPPED, 9, 18), (StepState.RUNNING, 18, None)
    ]  # fmt: skip
    assert await fleet.log(asked) == "unpacked\nno tests\n"


async def test_what_ended_before_a_cancel_has_ended_and_what_comes_next_does_not_begin(
    fleet: Fleet, asked: DeploymentSummary
) -> None:
    log = DeploymentLog(fleet.store, asked.log_stream)
    progress = Progress(fleet.store, log, asked.id, generation=0)
    await progress.begin(StepKey.UNPACK)
    progress.ended(StepKey.UNPACK, StepState.DONE, await log.position())
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("UPDATE deployments SET cancel_asked_at = now() WHERE id = %s", (asked.id,))
    with pytest.raises(CancelAsked):
        await progress.begin(StepKey.TEST)
    assert [state for state, _, _ in await states(fleet, asked)] == [
        StepState.DONE, StepState.WAITING, StepState.WAITING
    ]  # fmt: skip
