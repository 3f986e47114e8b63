"""However a deployment ends, the audit says so in the same transaction, and who ended it."""

import asyncio

import pytest

from bakery.access.audit import Activity, list_activity
from bakery.delivery import actions
from bakery.delivery.delete import delete_app
from bakery.delivery.request import cancel_deployment
from bakery.model.deployments import DeploymentState
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.people import a_developer, an_admin
from tests.support.places import at

ENDS = [f"deployment.{state}" for state in DeploymentState if state.is_over]


async def ends(fleet: Fleet) -> list[tuple[str, str, str]]:
    """Who, what, to which."""
    return [(row.who, row.action, row.target_label) for row in await rows_of_ends(fleet)]


async def rows_of_ends(fleet: Fleet) -> list[Activity]:
    rows = (await list_activity(fleet.store, action="deployment.", actor=ADMIN)).rows
    return [row for row in reversed(rows) if row.action in ENDS]


async def test_one_that_a_newer_one_replaced(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.request(an_app("one"))
    await fleet.request(an_app("two"))
    assert await ends(fleet) == [("Bakery", "deployment.superseded", "shop #1")]


async def test_one_that_a_mistake_of_ours_ended(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await fleet.make()
    requested = await fleet.request(an_app("one"))

    async def stumble(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(actions, "_check", stumble)
    with pytest.raises(ZeroDivisionError):
        await fleet.run(requested)
    assert await ends(fleet) == [("Bakery", "deployment.failed", "shop #1")]
    (row,) = await rows_of_ends(fleet)
    assert (row.app, row.after) == ("shop", {"failure": (await fleet.look(requested)).deployment.failure})


async def test_one_that_waited_when_its_app_was_deleted(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.request(an_app("one"))
    await delete_app(fleet.store, fleet.queue, at("shop"), actor=await an_admin(fleet.store))
    assert await ends(fleet) == [("ada", "deployment.cancelled", "shop #1")]


async def test_one_that_was_cancelled_while_it_waited(fleet: Fleet) -> None:
    await fleet.make()
    dev = await a_developer(fleet.store)
    await fleet.request(an_app("one"))
    await cancel_deployment(fleet.store, at("shop"), 1, actor=dev)
    assert await ends(fleet) == [("dev", "deployment.cancelled", "shop #1")]


async def test_one_that_was_cancelled_while_it_ran(fleet: Fleet) -> None:
    await fleet.make()
    dev = await a_developer(fleet.store)
    requested = await fleet.request(an_app("one", before="time.sleep(60)"))
    running = asyncio.create_task(fleet.run(requested))
    await fleet.until_checked(requested)
    await cancel_deployment(fleet.store, at("shop"), 1, actor=dev)
    await running
    assert await ends(fleet) == [
        ("dev", "deployment.cancelled", "shop #1"),
        ("Bakery", "deployment.cancelled", "shop #1"),
    ]


async def test_one_that_went_well(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    assert await ends(fleet) == [("Bakery", "deployment.succeeded", "shop #1")]
