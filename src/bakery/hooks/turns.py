"""Pushes of one environment ask for their deployments one after the other; those that wait give way to the newest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """Of this process. Between processes the database decides, which is slower but as right."""

    def __init__(self) -> None:
        self._lines: WeakValueDictionary[int, _Line] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, environment_id: int, push: int) -> AsyncIterator[bool]:
        """Whether it is its turn. Not: a newer one is here, and it need not wait any longer."""
        line = self._lines.setdefault(environment_id, _Line())
        is_its_turn = await line.enter(push)
        try:
            yield is_its_turn
        finally:
            if is_its_turn:
                await line.leave()


class _Line:
    """At most one at work and one that waits. Pushes are numbered as they came."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._newest = 0
        self._is_busy = False

    async def enter(self, push: int) -> bool:
        async with self._changed:
            if push > self._newest:
                self._newest = push
                self._changed.notify_all()
            await self._changed.wait_for(lambda: not self._is_busy or push < self._newest)
            if push < self._newest:
                return False
            self._is_busy = True
            return True

    async def leave(self) -> None:
        async with self._changed:
            self._is_busy = False
            self._changed.notify_all()
