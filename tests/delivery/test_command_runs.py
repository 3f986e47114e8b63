"""Commands in what is live, and how long they may go on."""

import asyncio
from contextlib import aclosing

import pytest

from bakery.delivery.command_runs import Begun, CommandRun, CommandRuns
from bakery.model.errors import NotAllowed, NotFound, TooMany, Unavailable
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at


async def no_more() -> None:
    raise NotAllowed("You may not run this any more.")


async def still() -> None:
    return


async def test_a_command_ends_when_it_may_not_run_any_more_also_while_nobody_listens(bare_fleet: Fleet) -> None:
    fleet, runs = bare_fleet, CommandRuns()
    await fleet.make()
    await fleet.deploy_well(an_app("one"))

    async def prepared(*words: str) -> CommandRun:
        return await runs.prepare(fleet.store, fleet.links, at("shop"), list(words), None, actor=ADMIN)

    run = await prepared("yes")
    async with asyncio.timeout(20), aclosing(runs.hear(run, no_more, every=0.1)) as hearing:
        assert await anext(hearing) == Begun()
        while runs._running:
            await asyncio.sleep(0.02)
        with pytest.raises(NotFound):
            runs.conversation(at("shop"), run.id, actor=ADMIN)
        with pytest.raises(NotAllowed):
            assert [one async for one in hearing] == []


async def test_nobody_has_all_places_for_commands_on_a_node(bare_fleet: Fleet) -> None:
    fleet, runs = bare_fleet, CommandRuns()
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    run = await runs.prepare(fleet.store, fleet.links, at("shop"), ["sleep", "60"], None, actor=ADMIN)
    runs._running = {str(one): (run, None) for one in range(3)}
    with pytest.raises(TooMany):
        await anext(runs.hear(run, still, every=1))


async def test_a_command_that_nobody_uses_ends(bare_fleet: Fleet) -> None:
    fleet, runs = bare_fleet, CommandRuns()
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    run = await runs.prepare(fleet.store, fleet.links, at("shop"), ["cat"], None, idle_seconds=0, actor=ADMIN)
    async with asyncio.timeout(20), aclosing(runs.hear(run, still, every=0.1)) as hearing:
        with pytest.raises(Unavailable) as ended:
            assert [one async for one in hearing if one] == [Begun()]
    assert ended.value.message == "Nothing was typed or written for 0 minutes, so it was ended."
