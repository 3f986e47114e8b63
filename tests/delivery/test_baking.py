"""A release that does worse than the one before is taken back by itself; what was live stays warm, to come back to."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import NoReturn

import httpx
import pytest

from bakery.delivery import watch
from bakery.delivery.app_settings import change_app
from bakery.delivery.baking import Fares, judge_new_releases, why_back
from bakery.delivery.history import list_deployments
from bakery.delivery.local import local_node_id
from bakery.delivery.rollback import request_rollback
from bakery.delivery.running import restart_app, settle
from bakery.delivery.traffic import Traffic
from bakery.delivery.watch import Watch
from bakery.delivery.work import Patience
from bakery.model.deployments import DeploymentState, Health, SlotState
from bakery.model.errors import CommandFailed
from bakery.model.names import AppName, Colour, EnvironmentName, unit_name
from bakery.model.terms import Terms
from bakery.nodes.supervised_units import SupervisedUnits
from bakery.store.rows import only
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

CALM, NOTHING = Traffic(1000, 1, 20.0), Traffic(0, 0, None)
FINE = Fares(Health.HEALTHY, 0.0, "", 0, NOTHING, CALM)
PATIENCE = Patience(check=15, drain=1, away=1, steady=0.5, warm=60, bake=60)


@pytest.mark.parametrize(
    ("fares", "why"),
    [
        (FINE, ""),
        (Fares(Health.DOWN, 7.9, "GET / answered 500", 0, NOTHING, CALM), ""),
        (
            Fares(Health.DOWN, 8.0, "GET / answered 500.", 0, NOTHING, CALM),
            "After the switch it did not answer well three times in a row: GET / answered 500.",
        ),
        (Fares(Health.HEALTHY, 0.0, "", 2, NOTHING, CALM), ""),
        (Fares(Health.HEALTHY, 0.0, "", 3, NOTHING, CALM), "Its program ended 3 times after the switch."),
        (Fares(Health.HEALTHY, 0.0, "", 0, Traffic(49, 49, 1.0), CALM), ""),
        (Fares(Health.HEALTHY, 0.0, "", 0, Traffic(100, 4, 1.0), CALM), ""),
        (
            Fares(Health.HEALTHY, 0.0, "", 0, Traffic(100, 5, 1.0), CALM),
            "5 of 100 visits failed after the switch: 5.0%; 0.1% of the release before.",
        ),
        (Fares(Health.HEALTHY, 0.0, "", 0, Traffic(100, 11, 1.0), Traffic(100, 4, 1.0)), ""),
        (
            Fares(Health.HEALTHY, 0.0, "", 0, Traffic(50, 6, 1.0), NOTHING),
            "6 of 50 visits failed after the switch: 12.0%; none known before.",
        ),
    ],
)
def test_a_release_is_taken_back_when_it_does_worse(fares: Fares, why: str) -> None:
    assert why_back(fares) == why


@pytest.fixture
async def patient(fleet: Fleet) -> Fleet:
    """It keeps old slots warm, and watches new releases."""
    return replace(fleet, patience=PATIENCE)


async def test_going_back_leads_to_what_still_runs(patient: Fleet) -> None:
    await patient.make()
    await patient.deploy_well(an_app("one"))
    old = await process_of(patient, Colour.BLUE)
    await patient.deploy_well(an_app("two"))
    assert await slots_of(patient) == {"blue": SlotState.WARM, "green": SlotState.LIVE}
    assert await process_of(patient, Colour.BLUE) == old

    spoilt = await patient.request(an_app("spoilt"))
    for upload in await patient.node.homes.uploads():
        await patient.node.homes.remove_upload(upload)
    assert (await patient.run(spoilt)).deployment.state is DeploymentState.FAILED  # before its start
    assert await process_of(patient, Colour.BLUE) == old
    assert await slots_of(patient) == {"blue": SlotState.WARM, "green": SlotState.LIVE}

    asked = await request_rollback(patient.store, patient.queue, at("shop"), actor=ADMIN)
    assert (await patient.run(asked)).deployment.state is DeploymentState.SUCCEEDED
    assert await patient.visitors_see("one")
    assert await process_of(patient, Colour.BLUE) == old  # it was not started anew
    assert await slots_of(patient) == {"blue": SlotState.LIVE, "green": SlotState.WARM}
    assert "Release #2 stays warm on green for 1 min, to come back to." in await patient.log(asked)

    await patient.deploy_well(an_app("three"))  # takes the warm slot
    assert await patient.visitors_see("three")
    assert await slots_of(patient) == {"blue": SlotState.WARM, "green": SlotState.LIVE}

    # It may not run twice from now on.
    await change_app(patient.store, at(AppName("shop")), {"strategy": "recreate"}, actor=ADMIN)
    await settle(patient.store, patient.node, (await patient.app()).environment_id)
    assert await slots_of(patient) == {"blue": SlotState.IDLE, "green": SlotState.LIVE}
    assert await process_of(patient, Colour.BLUE) is None
    assert await patient.visitors_see("three")


async def test_who_is_still_connected_after_the_drain_hears_it_from_the_app_which_begins_anew(patient: Fleet) -> None:
    await patient.make()
    await patient.deploy_well(an_app("one", answer="(self.path == '/long' and time.sleep(600), (200, b'one'))[1]"))
    old = await process_of(patient, Colour.BLUE)
    address, ingress = (await patient.app()).address, patient.node.ingress
    assert address is not None
    assert ingress is not None
    host = {"host": httpx.URL(address).netloc.decode()}
    async with httpx.AsyncClient(trust_env=False, timeout=120, headers=host) as http:
        staying = asyncio.create_task(http.get(f"http://127.0.0.1:{ingress.port}/long"))
        await patient.deploy_well(an_app("two"))
        assert (await staying).status_code == 502  # of nginx: the app has ended in the middle
    assert await slots_of(patient) == {"blue": SlotState.WARM, "green": SlotState.LIVE}
    assert await process_of(patient, Colour.BLUE) not in {None, old}


async def test_a_release_that_goes_bad_after_the_switch_is_taken_back_once(patient: Fleet) -> None:
    await patient.make()
    first = await patient.deploy_well(an_app("one"))
    assert first.deployment.watched_until is None  # there is nothing to go back to
    second = await patient.deploy_well(an_app("two"))
    assert second.deployment.watched_until is not None
    async with patient.store.connection() as connection:
        await connection.execute(
            """
            UPDATE slots SET health = 'down', health_note = 'GET / answered 500.',
            health_since = now() - interval '12 s' WHERE state = 'live'
            """
        )
        (node_id,) = await only(await connection.execute("SELECT node_id FROM environments"))
    await restart_app(patient.store, patient.queue, at("shop"), actor=ADMIN)
    await judge_new_releases(patient.store, patient.queue, node_id)
    assert (await patient.look(second.deployment)).deployment.state is DeploymentState.SUCCEEDED  # it is being started
    async with patient.store.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'restart'")
    await judge_new_releases(patient.store, patient.queue, node_id, lambda *_: 3.0)
    assert (await patient.look(second.deployment)).deployment.state is DeploymentState.SUCCEEDED  # Docker was away
    for _ in range(2):
        await judge_new_releases(patient.store, patient.queue, node_id)

    found = (await patient.look(second.deployment)).deployment
    assert found.state is DeploymentState.ROLLED_BACK
    assert found.failure == "After the switch it did not answer well three times in a row: GET / answered 500."
    back = (await list_deployments(patient.store, at("shop"), actor=ADMIN)).items[0]
    assert (back.number, back.back_to, back.trigger) == (3, 1, "system")
    ended = (await patient.run(back)).deployment
    assert (ended.state, ended.watched_until) == (DeploymentState.SUCCEEDED, None)
    assert await patient.visitors_see("one")


async def test_who_did_not_hear_what_keeps_a_release_yet_takes_nothing_back(
    patient: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restart of Bakery, while Docker is away: the row alone says for how long the app has been down."""
    await patient.make()
    await patient.deploy_well(an_app("one"))
    second = (await patient.deploy_well(an_app("two"))).deployment
    await patient.node.units.stop(unit_name(AppName("shop"), EnvironmentName("production"), Colour.GREEN))
    async with patient.store.connection() as connection:
        await connection.execute(
            "UPDATE slots SET health = 'down', health_since = now() - interval '20 s' WHERE state = 'live'"
        )
    moments = [1000.0]
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: moments[-1]))
    node_id = await local_node_id(patient.store)
    watching = Watch(patient.store, patient.queue, patient.links, node_id)

    async def is_taken_back() -> bool:
        await judge_new_releases(patient.store, patient.queue, node_id, watching.kept_for)
        return (await patient.look(second)).deployment.state is DeploymentState.ROLLED_BACK

    assert not await is_taken_back()  # it did not look yet

    async def refuse(*_: object) -> NoReturn:
        raise CommandFailed("It did not answer.", exit_status=1)

    with monkeypatch.context() as away:
        away.setattr(SupervisedUnits, "states", refuse)
        for _ in range(Terms().threshold):
            await watching.look()
        moments.append(1060.0)
        assert not await is_taken_back()
    await watching.look()
    assert not await is_taken_back()  # it has come back a moment ago
    moments.append(1120.0)
    await watching.look()
    assert await is_taken_back()


async def test_the_next_deployment_ends_the_watch(patient: Fleet) -> None:
    await patient.make()
    await patient.deploy_well(an_app("one"))
    second = await patient.deploy_well(an_app("two"))
    await patient.deploy_well(an_app("three"))
    assert (await patient.look(second.deployment)).deployment.watched_until is None


async def slots_of(fleet: Fleet) -> dict[str, SlotState]:
    async with fleet.store.connection() as connection:
        cursor = await connection.execute("SELECT colour, state FROM slots ORDER BY colour")
        return {colour: SlotState(state) for colour, state in await cursor.fetchall()}


async def process_of(fleet: Fleet, colour: Colour) -> int | None:
    name = unit_name(AppName("shop"), EnvironmentName("production"), colour)
    return (await fleet.node.units.state(name)).process_id
