"""Waiting for what comes, with pauses."""

import asyncio
from collections.abc import AsyncIterator

from bakery.web.pulse import with_pauses


async def test_nothing_is_taken_before_it_is_asked_for() -> None:
    taken: list[int] = []

    async def source() -> AsyncIterator[int]:
        for number in (1, 2):
            taken.append(number)
            yield number

    async with with_pauses(source()) as items:
        assert await anext(items) == 1
        await asyncio.sleep(0)
        assert taken == [1]


async def test_a_source_that_is_never_silent_leaves_pauses_too() -> None:
    async def source() -> AsyncIterator[int]:
        number = 0
        while True:
            number += 1
            await asyncio.sleep(0)
            yield number

    seen: list[int] = []
    async with asyncio.timeout(10), with_pauses(source(), every=0.01) as items:
        pauses = 0
        while pauses < 3:
            item = await anext(items)
            if item is None:
                pauses += 1
            else:
                seen.append(item)
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 3


async def test_a_pause_loses_nothing() -> None:
    ready = asyncio.Event()

    async def source() -> AsyncIterator[str]:
        await ready.wait()
        yield "bread"

    async with with_pauses(source(), every=0.001) as items:
        assert await anext(items) is None
        assert await anext(items) is None
        ready.set()
        while (item := await anext(items)) is None:
            pass
        assert item == "bread"
