"""Going back to a release that was live, on a real machine."""

import asyncio
from pathlib import Path

import pytest

from bakery.access.audit import list_activity
from bakery.delivery import actions
from bakery.delivery.apply import apply_variables
from bakery.delivery.history import DeploymentDetail, list_deployments
from bakery.delivery.releases import list_releases, look_back
from bakery.delivery.request import cancel_deployment
from bakery.delivery.rollback import request_rollback
from bakery.delivery.variables import Setting, change_variables
from bakery.delivery.work import StepFailed
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.errors import Conflict, NotFound
from bakery.model.names import Colour, UnitName
from bakery.model.secret import Secret
from bakery.model.variables import Difference, VariableName
from bakery.store.store import Store
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

SAYS_ITS_WORD = "(200, ('{version} ' + os.environ.get('WORD', '-')).encode())"
WELL_ONCE = "if os.path.exists('seen'): sys.exit(3)\nopen('seen', 'x').close()"
BLUE = UnitName("bakery-shop-production-blue")


async def set_word(fleet: Fleet, word: str) -> None:
    settings = [Setting(VariableName("WORD"), Secret(word))]
    await change_variables(fleet.store, at("shop"), settings, actor=ADMIN)


async def deploy_word(fleet: Fleet, version: str) -> None:
    await fleet.deploy_well(an_app(version, answer=SAYS_ITS_WORD.format(version=version)))


async def go_back(fleet: Fleet, release: int | None = None, *, today: bool = False) -> DeploymentDetail:
    asked = await request_rollback(
        fleet.store, fleet.queue, at("shop"), actor=ADMIN, release=release, with_todays_variables=today
    )
    return await fleet.run(asked)


async def go_back_well(fleet: Fleet, release: int | None = None, *, today: bool = False) -> DeploymentDetail:
    found = await go_back(fleet, release, today=today)
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(found.deployment)
    return found


async def deploy_each(fleet: Fleet, *versions: str) -> None:
    await fleet.make()
    for version in versions:
        await fleet.deploy_well(an_app(version))


async def refusal_of(fleet: Fleet, release: int | None = None) -> tuple[str, str]:
    with pytest.raises((Conflict, NotFound)) as refused:
        await request_rollback(fleet.store, fleet.queue, at("shop"), actor=ADMIN, release=release)
    return refused.value.message, refused.value.hint


async def slots_of(store: Store) -> list[tuple[str, str, int | None]]:
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT colour, state, number FROM slots LEFT JOIN releases ON releases.id = release_id ORDER BY colour
            """
        )
        return [(colour, state, number) for colour, state, number in await cursor.fetchall()]


async def rows_of(fleet: Fleet) -> list[tuple[int, int, int | None, bool, bool, bool]]:
    """Number, release, what it goes back to, whether it applies, is kept, is live."""
    page = await list_deployments(fleet.store, at("shop"), actor=ADMIN)
    return [(row.number, row.release, row.back_to, row.applies, row.is_kept, row.is_live) for row in page.items]


def folders_of(fleet: Fleet) -> list[str]:
    releases = Path(fleet.node.folders.root, "apps/shop/production/releases")
    return sorted(path.name for path in releases.iterdir())


async def test_going_back_starts_the_release_before_and_builds_nothing(fleet: Fleet) -> None:
    await deploy_each(fleet, "one", "two")
    back = await go_back_well(fleet)
    assert await fleet.visitors_see("one")
    assert [step.key for step in back.steps] == ["start", "check", "switch", "retire"]
    assert (back.deployment.number, back.deployment.release, back.deployment.back_to) == (3, 1, 1)
    assert await rows_of(fleet) == [
        (3, 1, 1, False, True, True),
        (2, 2, None, False, True, False),
        (1, 1, None, False, True, False),
    ]
    assert (await fleet.app()).live_number == 1
    asked = (await list_activity(fleet.store, action="deployment.rolled_back", actor=ADMIN)).rows
    assert [(row.target_label, row.after) for row in asked] == [
        ("shop #3", {"release": 1, "variables": "as they were"})
    ]


async def test_going_back_again_and_again_never_leads_forward(fleet: Fleet) -> None:
    await deploy_each(fleet, "one", "two", "three")
    await go_back_well(fleet)
    assert await fleet.visitors_see("two")
    await go_back_well(fleet, today=True)
    assert await fleet.visitors_see("one")
    assert await refusal_of(fleet) == (
        "There is no earlier release of shop to go back to.",
        "These are kept: #3, #2.",
    )
    await go_back_well(fleet, 3)
    assert await fleet.visitors_see("three")
    await go_back_well(fleet)
    assert await fleet.visitors_see("two"), "which is what three followed"


async def test_a_release_that_was_left_for_an_earlier_one_is_not_what_was_before(fleet: Fleet) -> None:
    await deploy_each(fleet, "one", "bad")
    await go_back_well(fleet)
    await fleet.deploy_well(an_app("three"))
    await go_back_well(fleet)
    assert await fleet.visitors_see("one")


async def test_a_release_comes_back_by_its_number_or_by_that_of_what_brought_it_back(fleet: Fleet) -> None:
    await deploy_each(fleet, "one", "two", "three")
    await go_back_well(fleet, 1)
    assert await fleet.visitors_see("one")
    await go_back_well(fleet, 3)
    found = await go_back_well(fleet, 4)
    assert (found.deployment.release, found.deployment.back_to) == (1, 1)
    assert await fleet.visitors_see("one")
    assert [row[5] for row in await rows_of(fleet)] == [True, False, False, False, False, False]


async def test_what_one_cannot_go_back_to_is_said(fleet: Fleet) -> None:
    await fleet.make()
    assert await refusal_of(fleet) == ("shop was never deployed.", "Deploy it first.")
    await fleet.deploy_well(an_app("one"))
    assert await refusal_of(fleet) == (
        "There is no earlier release of shop to go back to.",
        "No other release is kept.",
    )
    await fleet.deploy(an_app("two", before="sys.exit(3)"))
    assert (await refusal_of(fleet, 2))[0] == (
        "Deployment #2 of shop never became live, so there is no way back to it."
    )
    assert await refusal_of(fleet, 7) == ("shop has no release #7.", "")
    assert await refusal_of(fleet, 1) == ("Release #1 of shop is live already.", "")
    for number in range(3, 8):
        await fleet.deploy_well(an_app(f"v{number}"))
    assert await refusal_of(fleet, 1) == (
        "Release #1 of shop is not kept any more.",
        "These are kept: #6, #5, #4, #3.",
    )
    waiting = await fleet.request(an_app("eight"))
    assert (await refusal_of(fleet))[0] == "shop is being deployed."
    await cancel_deployment(fleet.store, at("shop"), waiting.number, actor=ADMIN)
    releases = (await list_releases(fleet.store, at("shop"), actor=ADMIN)).items
    assert [(row.number, row.is_kept, row.is_live) for row in releases] == [
        (7, True, True), (6, True, False), (5, True, False), (4, True, False), (3, True, False), (1, False, False),
    ]  # fmt: skip
    assert [row.slot for row in releases] == [Colour.GREEN, None, None, None, None, None]


async def test_variables_are_as_they_were_or_todays(fleet: Fleet) -> None:
    await fleet.make()
    await set_word(fleet, "old")
    await deploy_word(fleet, "one")
    await set_word(fleet, "new")
    await deploy_word(fleet, "two")
    way = await look_back(fleet.store, at("shop"), 1, actor=ADMIN)
    assert way is not None
    assert way.variables == Difference(changed=(VariableName("WORD"),))
    await go_back_well(fleet)
    assert await fleet.visitors_see("one old")
    await go_back_well(fleet, 2)
    found = await go_back_well(fleet, 1, today=True)
    assert await fleet.visitors_see("one new")
    assert [step.key for step in found.steps] == ["copy", "start", "check", "switch", "retire"]
    assert (found.deployment.release, found.deployment.files_of, found.deployment.back_to) == (5, 1, 1)
    assert (found.deployment.goes_back, found.deployment.applies) == (True, False)
    assert await refusal_of(fleet) == ("There is no earlier release of shop to go back to.", "These are kept: #2, #1.")


async def test_going_back_from_applied_variables_brings_those_of_before(fleet: Fleet) -> None:
    await fleet.make()
    await set_word(fleet, "old")
    await deploy_word(fleet, "one")
    await set_word(fleet, "new")
    applied = await fleet.run(await apply_variables(fleet.store, fleet.queue, at("shop"), actor=ADMIN))
    assert applied.deployment.applies
    assert await fleet.visitors_see("one new")
    await go_back_well(fleet)
    assert await fleet.visitors_see("one old")


async def test_going_back_to_what_does_not_answer_any_more_leaves_everything_as_it_was(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one", before=WELL_ONCE))
    await fleet.deploy_well(an_app("two"))
    before = await slots_of(fleet.store)
    found = await go_back(fleet)
    assert found.deployment.state is DeploymentState.FAILED
    assert {step.key: step.state for step in found.steps} == {
        "start": StepState.DONE, "check": StepState.FAILED, "switch": StepState.SKIPPED, "retire": StepState.SKIPPED,
    }  # fmt: skip
    assert await fleet.visitors_see("two")
    assert await slots_of(fleet.store) == before
    assert [row[4:] for row in await rows_of(fleet)] == [(True, False), (True, True), (True, False)]
    assert folders_of(fleet) == ["1", "2"]
    assert "Release #2 is still live; nothing changed for visitors." in await fleet.log(found.deployment)


async def test_going_back_to_a_release_that_still_runs_keeps_its_process(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deploy_each(fleet, "one")
    process = (await fleet.node.units.state(BLUE)).process_id
    assert process is not None
    with monkeypatch.context() as patched:

        async def cannot(*_: object) -> None:
            raise StepFailed("It would not end.")

        patched.setattr(actions, "_retire", cannot)
        await fleet.deploy_well(an_app("two"))
    assert await slots_of(fleet.store) == [("blue", "retiring", 1), ("green", "live", 2)]
    await go_back_well(fleet)
    assert await fleet.visitors_see("one")
    assert (await fleet.node.units.state(BLUE)).process_id == process
    assert await slots_of(fleet.store) == [("blue", "live", 1), ("green", "idle", None)]


async def test_where_nothing_can_run_twice_the_release_is_replaced_in_its_place(bare_fleet: Fleet) -> None:
    await bare_fleet.make()
    await bare_fleet.deploy_well(an_app("one", before=WELL_ONCE))
    await bare_fleet.deploy_well(an_app("two"))
    found = await go_back(bare_fleet)
    assert found.deployment.state is DeploymentState.FAILED
    assert await bare_fleet.visitors_see("two")
    assert "Release #2 runs again." in await bare_fleet.log(found.deployment)
    await bare_fleet.deploy_well(an_app("three"))
    await go_back_well(bare_fleet)
    assert await bare_fleet.visitors_see("two")


async def test_static_files_go_back_too(fleet: Fleet) -> None:
    await fleet.make(runtime="static")
    await fleet.deploy_well({"index.html": "one"})
    await fleet.deploy_well({"index.html": "two"})
    found = await go_back_well(fleet)
    assert [step.key for step in found.steps] == ["switch"]
    assert await fleet.visitors_see("one")


async def test_what_somebody_is_about_to_go_back_to_is_not_tidied_away(fleet: Fleet, tmp_path: Path) -> None:
    await deploy_each(fleet, "one", "two", "three", "four", "five")
    go = tmp_path / "go"
    asked = await fleet.request(an_app("six", before=f"while not os.path.exists('{go}'): time.sleep(0.02)"))
    running = asyncio.create_task(fleet.run(asked))
    async with asyncio.timeout(10):
        while (await fleet.look(asked)).deployment.state is not DeploymentState.RUNNING:
            await asyncio.sleep(0.02)
    back = await request_rollback(fleet.store, fleet.queue, at("shop"), actor=ADMIN, release=1)
    go.touch()
    assert (await running).deployment.state is DeploymentState.SUCCEEDED
    assert (await fleet.run(back)).deployment.state is DeploymentState.SUCCEEDED
    assert await fleet.visitors_see("one")
