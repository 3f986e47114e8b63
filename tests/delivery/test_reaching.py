"""A deployment whose node cannot be opened says why, can be cancelled, and does not wait for ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bakery.delivery import actions, run, tasks, undo
from bakery.delivery.app_settings import change_app
from bakery.delivery.history import DeploymentDetail, DeploymentSummary
from bakery.delivery.reaching import Reach
from bakery.delivery.request import cancel_deployment
from bakery.delivery.run import run_deployment
from bakery.delivery.work import StepFailed
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BakeryError, NodeUnreachable, NotReady, Unavailable
from bakery.nodes.jobs import JobKey, Jobs
from bakery.nodes.node import Node
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.delivery.invariants import Visitor
from tests.support.places import at
from tests.support.waiting import until

AWAY = NodeUnreachable("oven-1 did not answer.", hint="Is it running?")


async def run_on(fleet: Fleet, reach: Reach, asked: DeploymentSummary) -> DeploymentDetail:
    await run_deployment(fleet.store, fleet.queue, reach, asked.id, patience=fleet.patience)
    return await fleet.look(asked)


def never(error: BakeryError) -> Reach:
    async def reach() -> Node:
        raise error

    return reach


async def begin(fleet: Fleet, asked: DeploymentSummary) -> None:
    """As before Bakery was started anew."""
    async with fleet.store.connection() as connection:
        await connection.execute(
            "UPDATE deployments SET state = 'running', started_at = now(), heartbeat_at = now() WHERE id = %s",
            (asked.id,),
        )


async def test_a_deployment_whose_node_stays_away_fails_and_says_so(bare_fleet: Fleet) -> None:
    await bare_fleet.make()
    asked = await bare_fleet.request(an_app("one"))
    await begin(bare_fleet, asked)
    found = await run_on(bare_fleet, never(AWAY), asked)
    assert (found.deployment.state, found.deployment.failure, found.deployment.hint) == (
        DeploymentState.FAILED, "oven-1 did not answer.", "Is it running?"
    )  # fmt: skip
    assert await bare_fleet.log(asked) == (
        "oven-1 did not answer. Bakery tries again.\n✕ oven-1 did not answer.\n  Is it running?\n"
    )


async def test_a_deployment_on_a_node_that_cannot_be_used_fails_at_once_with_its_sentence(bare_fleet: Fleet) -> None:
    await bare_fleet.make()
    asked = await bare_fleet.request(an_app("one"))
    unfit = NotReady("oven-1 does not run systemd, which keeps apps running.", hint="Use another machine for apps.")
    found = await run_on(bare_fleet, never(unfit), asked)
    assert (found.deployment.state, found.deployment.failure, found.deployment.hint) == (
        DeploymentState.FAILED, unfit.message, unfit.hint
    )  # fmt: skip


async def test_a_deployment_that_waits_for_its_node_is_cancelled_within_a_moment(bare_fleet: Fleet) -> None:
    fleet = replace(bare_fleet, patience=replace(bare_fleet.patience, away=600))
    await fleet.make()
    asked = await fleet.request(an_app("one"))
    await begin(fleet, asked)
    running = asyncio.create_task(run_on(fleet, never(AWAY), asked))

    async def says_why() -> bool:
        return "oven-1 did not answer. Bakery tries again." in await fleet.log(asked)

    await until(says_why, what="the log says why")
    await cancel_deployment(fleet.store, at("shop"), asked.number, actor=ADMIN)
    async with asyncio.timeout(10):
        found = await running
    assert found.deployment.state is DeploymentState.CANCELLED
    assert (await fleet.log(asked)).endswith("Cancelled. What it left on its node goes when that answers again.\n")


async def test_a_deployment_goes_on_when_its_node_answers_again(bare_fleet: Fleet) -> None:
    await bare_fleet.make()
    asked = await bare_fleet.request(an_app("one"))
    misses = [AWAY, AWAY]

    async def reach() -> Node:
        if misses:
            raise misses.pop()
        return bare_fleet.node

    found = await run_on(bare_fleet, reach, asked)
    assert found.deployment.state is DeploymentState.SUCCEEDED
    assert (await bare_fleet.log(asked)).startswith(
        "oven-1 did not answer. Bakery tries again.\nThe node answers again.\n"
    )


async def test_what_was_switched_already_succeeds_although_its_node_stays_away(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fleet.make()
    asked = await fleet.request(an_app("one"))

    async def be_interrupted(_: object) -> None:
        raise Unavailable("The database is not answering.")

    monkeypatch.setattr(run, "tidy", be_interrupted)
    with pytest.raises(Unavailable):
        await fleet.run(asked)
    found = await run_on(fleet, never(AWAY), asked)
    assert found.deployment.state is DeploymentState.SUCCEEDED


async def interrupt(fleet: Fleet, asked: DeploymentSummary, where: object, what: str) -> None:
    """As a kill would, just before `what`."""

    async def be_interrupted(*_: object) -> None:
        raise Unavailable("The database is not answering.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, what, be_interrupted)
        with pytest.raises(Unavailable):
            await fleet.run(asked)


async def recreated(fleet: Fleet) -> DeploymentSummary:
    """A second release is asked for, which is going to run in the place of the first."""
    await fleet.make()
    await change_app(fleet.store, at("shop"), {"strategy": "recreate"}, actor=ADMIN)
    await fleet.deploy_well(an_app("one"))
    return await fleet.request(an_app("two"))


@contextlib.asynccontextmanager
async def node_answers_again(fleet: Fleet) -> AsyncIterator[None]:
    """The queue does what waits for it."""
    working = asyncio.create_task(fleet.queue.work())
    yield
    fleet.queue.stop()
    await working


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_what_was_live_runs_again_in_its_place_when_the_node_of_a_deployment_that_ended_answers(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, *, is_cancelled: bool
) -> None:
    asked = await recreated(fleet)
    await interrupt(fleet, asked, actions, "_check")
    assert await fleet.visitors_see("two")
    job = JobKey(f"j{'1' * 24}")
    forgotten: list[JobKey] = []

    async def forget(_: object, *keys: JobKey) -> None:
        forgotten.extend(keys)

    monkeypatch.setattr(Jobs, "forget", forget)
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("UPDATE steps SET job_key = %s WHERE key = 'start'", (job,))
        await tx.connection.execute(
            "UPDATE deployments SET cancel_asked_at = now() WHERE %s AND id = %s", (is_cancelled, asked.id)
        )

    found = await run_on(fleet, never(AWAY), asked)
    assert found.deployment.state is (DeploymentState.CANCELLED if is_cancelled else DeploymentState.FAILED)

    async with node_answers_again(fleet):
        await until(lambda: fleet.visitors_see("one"), what="the first release runs again")
    assert forgotten == [job]


async def test_what_was_live_runs_again_when_the_node_went_away_while_a_deployment_was_undone(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await recreated(fleet)

    async def fail(*_: object) -> None:
        raise StepFailed("It did not answer.")

    async def be_away(*_: object) -> None:
        raise AWAY

    with monkeypatch.context() as patch:
        patch.setattr(actions, "_check", fail)
        patch.setattr(undo, "_do", be_away)
        assert (await fleet.run(asked)).deployment.state is DeploymentState.FAILED
    assert await fleet.visitors_see("two")

    async with node_answers_again(fleet):
        await until(lambda: fleet.visitors_see("one"), what="the first release runs again")


async def test_a_mistake_of_ours_leaves_no_release_in_the_place_of_the_live_one(fleet: Fleet) -> None:
    asked = await recreated(fleet)

    async def stumble(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions, "_check", stumble)
        with pytest.raises(ZeroDivisionError):
            await fleet.run(asked)
    assert await fleet.visitors_see("two")

    async with node_answers_again(fleet):
        await until(lambda: fleet.visitors_see("one"), what="the first release runs again")


async def test_a_switch_that_was_not_recorded_is_taken_back_before_its_release_ends(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    asked = await fleet.request(an_app("two"))
    await interrupt(fleet, asked, actions, "make_live")
    assert await fleet.visitors_see("two")
    assert (await run_on(fleet, never(AWAY), asked)).deployment.state is DeploymentState.FAILED

    async def is_gone() -> bool:
        return await fleet.node.transport.names_in(fleet.node.folders.units) == ("bakery-shop-production-blue",)

    async with Visitor(fleet) as visitor, node_answers_again(fleet):
        await until(is_gone, what="the release that was not made live is gone")
    assert await fleet.visitors_see("one")
    assert visitor.failed == []


async def test_what_was_never_begun_on_a_node_that_stays_away_holds_nothing_up(bare_fleet: Fleet) -> None:
    await bare_fleet.make()
    asked = await bare_fleet.request(an_app("one"))
    await run_on(bare_fleet, never(AWAY), asked)
    async with bare_fleet.store.transaction() as tx:
        assert await bare_fleet.queue.subjects(tx, (tasks.SETTLE,)) == set()
