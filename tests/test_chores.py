"""What is done now and then: no part of it keeps another from its turn."""

import asyncio
from typing import cast

from bakery.background import Chore, do_chores
from bakery.model.errors import NodeUnreachable
from bakery.web.context import Parts

NOTHING = cast(Parts, None)


async def test_a_chore_that_hangs_or_fails_keeps_none_of_the_others_from_its_turn() -> None:
    done: list[str] = []

    async def hang(_: Parts) -> None:
        await asyncio.Event().wait()

    async def fail(_: Parts) -> None:
        raise NodeUnreachable("oven-1 did not answer.")

    async def do(_: Parts) -> None:
        done.append("done")

    chores: dict[str, Chore] = {"hang": hang, "fail": fail, "do": do}
    assert not await do_chores(chores, NOTHING, longest=0.05)
    assert done == ["done"]


async def test_chores_that_were_all_done_are_done() -> None:
    async def do(_: Parts) -> None: ...

    assert await do_chores({"do": do}, NOTHING)
