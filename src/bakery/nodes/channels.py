"""Turns to open a channel on the one or two kept connections to a node.

sshd refuses more than ten sessions on a connection, and forgets those that have ended only after it has looked at all
that came in with their end, which may ask for as many new ones. So at most five are open on one; the rest wait in
order, and a second connection helps when many do, or when some wait long.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine

import asyncssh

from bakery.model.errors import BakeryError, NodeUnreachable, Unavailable
from bakery.nodes.handshake import Connected
from bakery.nodes.login import Handshake

AT_ONCE = 5
_MOST_CONNECTIONS = 2
_MANY_WAIT = 5
_LONG_WAIT = 0.5  # seconds
_LONGEST_WAIT = 60.0
_IDLE = 30.0
_PAUSE_AFTER_FAILURE = 30.0
_LONGEST_CLOSE = 2.0


class Line:
    """A kept connection, and how many channels are open on it."""

    def __init__(self, connected: Connected) -> None:
        self.connection = connected.connection
        self.busy = 0
        self.idle: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        return not self.connection.is_closed()

    @property
    def has_room(self) -> bool:
        return self.is_open and self.busy < AT_ONCE


class Turn:
    """The right to one channel, until it is `over`."""

    def __init__(self, channels: "Channels", line: Line) -> None:
        self._channels = channels
        self._line: Line | None = line
        self.connection: asyncssh.SSHClientConnection = line.connection

    def over(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._channels.give_back(line)


class Channels:
    """`connect` is called when the first turn needs it, once for all who wait, and after every loss."""

    def __init__(
        self, connect: Callable[[], Coroutine[None, None, Connected]], lost: Callable[[], NodeUnreachable]
    ) -> None:
        self._connect = connect
        self._lost = lost
        self._lines: list[Line] = []
        self._waiting: deque[asyncio.Future[Line | None]] = deque()
        self._connecting: asyncio.Task[None] | None = None
        self._adding: asyncio.Task[None] | None = None
        self._no_second_before = 0.0
        self._is_closed = False
        self.last_handshake: Handshake | None = None

    async def connection(self) -> asyncssh.SSHClientConnection:
        """For what needs no turn: a tunnel is no session."""
        return (await self._open_lines())[0].connection

    async def turn(self) -> Turn:
        try:
            async with asyncio.timeout(_LONGEST_WAIT) as limit:
                return Turn(self, await self._line())
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise Unavailable("The machine is busy: too many commands run there at once.") from error

    async def close(self) -> None:
        """For good. Whoever has a turn or waits for one learns that the connection is lost."""
        self._is_closed = True
        for task in (self._connecting, self._adding):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        lines, self._lines = self._lines, []
        for line in lines:
            _hang_up(line)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_CLOSE):
                for line in lines:
                    await line.connection.wait_closed()
        self._wake_all()

    def give_back(self, line: Line) -> None:
        line.busy -= 1
        if not line.is_open:
            self._wake_all()
            return
        self._let_in(line)
        if line.busy == 0 and line in self._lines[1:]:
            line.idle = asyncio.get_running_loop().call_later(_IDLE, self._drop_idle, line)

    async def _line(self) -> Line:
        """One with room, its room taken."""
        while True:
            lines = await self._open_lines()
            found = None if self._waiting else next((line for line in lines if line.has_room), None)
            if found is not None:
                _take_room(found)
                return found
            handed = await self._in_order()
            if handed is not None:
                return handed

    async def _in_order(self) -> Line | None:
        """What is handed over has its room taken already. None: look again, something has changed."""
        waiter: asyncio.Future[Line | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if len(self._waiting) > _MANY_WAIT:
            self._add_line()
        patience = asyncio.get_running_loop().call_later(_LONG_WAIT, self._add_line)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                handed = waiter.result()
                if handed is not None:
                    self.give_back(handed)
            raise
        finally:
            patience.cancel()
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    async def _open_lines(self) -> list[Line]:
        for _ in range(2):
            if self._is_closed:
                break
            self._lines = [line for line in self._lines if line.is_open]
            if self._lines:
                return self._lines
            await self._first_line()
        raise self._lost()

    async def _first_line(self) -> None:
        """Callers who come while a connection is made share it, and its failure."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._new_line())
            self._connecting.add_done_callback(self._forget_connecting)
        connecting = self._connecting
        await asyncio.wait((connecting,))  # which it survives when whoever waits is cancelled
        if not connecting.cancelled():  # by `close`
            connecting.result()

    def _forget_connecting(self, task: asyncio.Task[None]) -> None:
        self._connecting = None
        if not task.cancelled():
            task.exception()  # looked at, for when all who waited have gone

    async def _new_line(self) -> None:
        connected = await self._connect()
        self.last_handshake = connected.handshake
        line = Line(connected)
        self._lines.append(line)
        self._let_in(line)

    def _add_line(self) -> None:
        is_enough = len(self._lines) >= _MOST_CONNECTIONS or self._adding is not None or self._connecting is not None
        if is_enough or self._is_closed or time.monotonic() < self._no_second_before:
            return
        self._adding = asyncio.create_task(self._second_line())

    async def _second_line(self) -> None:
        """A help, not a need: when it cannot be had, the first serves all."""
        try:
            await self._new_line()
        except BakeryError:
            self._no_second_before = time.monotonic() + _PAUSE_AFTER_FAILURE
        finally:
            self._adding = None

    def _let_in(self, line: Line) -> None:
        while self._waiting and line.has_room:
            waiter = self._waiting.popleft()
            if not waiter.done():
                _take_room(line)
                waiter.set_result(line)

    def _wake_all(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)

    def _drop_idle(self, line: Line) -> None:
        if line.busy == 0 and line in self._lines[1:]:
            self._lines.remove(line)
            _hang_up(line)


def _take_room(line: Line) -> None:
    line.busy += 1
    if line.idle is not None:
        line.idle.cancel()
        line.idle = None


def _hang_up(line: Line) -> None:
    if line.idle is not None:
        line.idle.cancel()
    line.connection.close()
