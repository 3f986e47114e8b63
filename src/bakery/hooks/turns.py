"""Pushes of one environment ask for their deployments one after the other; those that wait give way to the newest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """Of this process. Between processes the database decides, which is slower but as right."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, environment_id: int) -> AsyncIterator[None]:
        lock = self._locks.setdefault(environment_id, asyncio.Lock())
        async with lock:
            yield
