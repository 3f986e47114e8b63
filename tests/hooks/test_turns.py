"""Who of many pushes asks for a deployment."""

import asyncio

import pytest

from bakery.hooks.turns import Turns

pytestmark = pytest.mark.anyio


async def test_of_those_that_wait_only_the_newest_gets_its_turn() -> None:
    turns, had, is_over = Turns(), [], asyncio.Event()

    async def push(number: int) -> bool:
        async with turns.of(1, number) as is_its_turn:
            if is_its_turn:
                had.append(number)
                await is_over.wait()
            return is_its_turn

    async with asyncio.TaskGroup() as group:
        first = group.create_task(push(1))
        others = [group.create_task(push(number)) for number in (2, 3, 5, 4)]
        done, _ = await asyncio.wait(others[:2] + others[3:])
        assert [one.result() for one in done] == [False] * 3, "they need not wait for the one at work"
        is_over.set()
    assert (first.result(), had) == (True, [1, 5])


async def test_environments_do_not_wait_for_each_other() -> None:
    turns = Turns()
    async with turns.of(1, 1) as one, turns.of(2, 2) as other:
        assert (one, other) == (True, True)


@pytest.mark.parametrize("has_turn", [False, True])
async def test_whoever_goes_away_keeps_nobody_waiting(*, has_turn: bool) -> None:
    turns, is_over = Turns(), asyncio.Event()

    async def push(number: int) -> bool:
        async with turns.of(1, number) as is_its_turn:
            await is_over.wait()
            return is_its_turn

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(push(1))]
        await asyncio.sleep(0)  # it goes as far as it can, and so does the next
        tasks.append(group.create_task(push(2)))
        await asyncio.sleep(0)
        tasks.pop(0 if has_turn else 1).cancel()
        is_over.set()
        tasks.append(group.create_task(push(3)))
    assert tasks[-1].result()
