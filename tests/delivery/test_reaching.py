"""A deployment whose node cannot be opened says why, can be cancelled, and does not wait for ever."""

import asyncio
from dataclasses import replace

import pytest

from bakery.delivery import run
from bakery.delivery.history import DeploymentDetail, DeploymentSummary
from bakery.delivery.reaching import Reach
from bakery.delivery.request import cancel_deployment
from bakery.delivery.run import run_deployment
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BakeryError, NodeUnreachable, NotReady, Unavailable
from bakery.nodes.node import Node
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at
from tests.support.waiting import until

AWAY = NodeUnreachable("oven-1 did not answer.", hint="Is it running?")


async def run_on(fleet: Fleet, reach: Reach, asked: DeploymentSummary) -> DeploymentDetail:
    await run_deployment(fleet.store, reach, asked.id, patience=fleet.patience)
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
