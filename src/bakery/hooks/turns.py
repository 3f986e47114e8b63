"""Pushes of one environment ask for their deployments one after the other; those that wait give way to the newest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

_APART = 0.2  # seconds from one turn's begin to the next: of pushes that come faster, few are deployed


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
                line.leave()


class _Line:
    """At most one at work and one that waits. Pushes are numbered as they came."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._newest = 0
        self._is_busy = False
        self._began = 0.0
        self._waiting: asyncio.Future[bool] | None = None

    async def enter(self, push: int) -> bool:
        if push < self._newest:
            return False
        self._newest = push
        if not self._is_busy:
            self._begin()
            return True
        self._tell(is_its_turn=False)
        waiting: asyncio.Future[bool] = self._loop.create_future()
        self._waiting = waiting
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and waiting.result():
                self.leave()
            raise

    def leave(self) -> None:
        self._loop.call_at(self._began + _APART, self._next)

    def _next(self) -> None:
        self._is_busy = False
        if self._tell(is_its_turn=True):
            self._begin()

    def _begin(self) -> None:
        self._is_busy, self._began = True, self._loop.time()

    def _tell(self, *, is_its_turn: bool) -> bool:
        """Whoever waits, if anybody still does."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting.done():
            return False
        waiting.set_result(is_its_turn)
        return True
