"""What a look at an app finds is said of the release that was looked at, and of no other."""

import pytest

from bakery.delivery import watch
from bakery.delivery.local import local_node_id
from bakery.delivery.watch import FAILURES_ALLOWED, Watch
from bakery.model.apps import AppStatus
from bakery.nodes.health import Answer, CheckKind
from tests.delivery.fleet import Fleet, an_app


async def test_a_release_that_came_in_the_meantime_is_not_called_down(
    bare_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bare_fleet.make()
    await bare_fleet.deploy_well(an_app("one"))
    watching, asked = Watch(bare_fleet.store, bare_fleet.links, await local_node_id(bare_fleet.store)), 0

    async def ask_the_old_one(*_: object) -> Answer:
        nonlocal asked
        asked += 1
        if asked == FAILURES_ALLOWED:
            await bare_fleet.deploy_well(an_app("two"))  # in the same slot
        return Answer(CheckKind.FRONT_PAGE, is_well=False, said="It is gone")

    monkeypatch.setattr(watch, "ask_app", ask_the_old_one)
    for _ in range(FAILURES_ALLOWED):
        await watching.look()
    app = await bare_fleet.app()
    assert (app.live_number, app.status) == (2, AppStatus.HEALTHY)
