"""Open streams: how many, how often they say that they are still there, and waiting for what comes meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TypeVar

from bakery.model.errors import Unavailable

T = TypeVar("T")

HEARTBEAT = 15.0  # seconds; proxies close what is silent for long
MOST_STREAMS = 1000


@asynccontextmanager
async def with_pauses(items: AsyncIterator[T], *, every: float = HEARTBEAT) -> AsyncIterator[AsyncIterator[T | None]]:
    """The items as they come, and None as often as `every` says, however many come: then whoever asks looks whether
    all is still as it was. Waiting loses no item, and none is taken before it is asked for: where the source stands is
    where whoever asks stands."""
    upcoming: asyncio.Future[T] | None = None

    async def paced() -> AsyncIterator[T | None]:
        nonlocal upcoming
        clock = asyncio.get_running_loop().time
        pause = clock() + every
        while True:
            upcoming = upcoming or asyncio.ensure_future(anext(items))
            await asyncio.wait({upcoming}, timeout=max(0, pause - clock()))
            if clock() >= pause:
                pause = clock() + every
                yield None
            elif upcoming.done():
                item, upcoming = upcoming.result(), None
                yield item

    try:
        yield paced()
    finally:
        if upcoming is not None:
            upcoming.cancel()


async def while_database_answers(frames: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """A stream whose database is away just ends. Who follows it connects again, and goes on where it was."""
    with suppress(Unavailable):
        async with aclosing(frames):
            async for frame in frames:
                yield frame
