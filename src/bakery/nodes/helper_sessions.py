"""Calls of a node's helper over a conversation with it: its start costs as much as ten of its verbs.

A transport around another. Commands that call the helper go over a session that is open, or opens one; all others pass.
One session serves one call at a time. A few are kept for some seconds for the next calls, and none for longer: nothing
of ours runs on a machine that we do not talk to.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import PurePosixPath

import msgspec

from bakery.commands.command import Command, command
from bakery.helper.session import END, ERRORS, OUTPUT, PIECE
from bakery.model.errors import BakeryError, NodeUnreachable, NotUnderstood
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.running import Tail, as_bytes, in_time
from bakery.nodes.transport import Finished, Running, Transport

KEPT_FOR = 5.0  # seconds
_MOST_KEPT = 3  # each has one of the few channels to a node
_LONGEST_END = 5.0
_HEAD, _LONGEST_PIECE, _LONGEST_STATUS = 5, PIECE, 8  # bytes
_CONVERSES = frozenset({"upload-keep", "run-program", "run-container"})  # these go on reading what their caller sends


class HelperSessions:
    """`program` is what a call of the helper begins with."""

    def __init__(self, inner: Transport, program: tuple[str, ...], *, kept_for: float = KEPT_FOR) -> None:
        self._inner = inner
        self._program = program
        self._kept_for = kept_for
        self._idle: dict[Session, asyncio.TimerHandle] = {}  # the last one that was used is the last
        self._has_none = False  # a helper of before, or a machine that cannot

    @property
    def python(self) -> str:
        return self._inner.python

    async def run(self, command: Command) -> Finished:
        if not self._is_call(command):
            self._make_room()
            return await self._inner.run(command)
        output = Tail()
        async with in_time(command), self._opened(command) as running:
            async for chunk in running.output():
                output.add(chunk)
            return replace(await running.end(), output=str(output))

    def stream(self, command: Command) -> AsyncGenerator[bytes, None]:
        self._make_room()
        return self._inner.stream(command)

    def open(self, command: Command) -> AbstractAsyncContextManager[Running]:
        if self._is_call(command):
            return self._opened(command)
        self._make_room()
        return self._inner.open(command)

    def tunnel(self, port: Port) -> AbstractAsyncContextManager[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        return self._inner.tunnel(port)

    async def put(self, path: PurePosixPath, content: bytes | Secret, *, mode: int = 0o644) -> None:
        self._make_room()
        await self._inner.put(path, content, mode=mode)

    async def get(self, path: PurePosixPath) -> bytes | None:
        self._make_room()
        return await self._inner.get(path)

    async def names_in(self, folder: PurePosixPath) -> tuple[str, ...]:
        self._make_room()
        return await self._inner.names_in(folder)

    async def remove(self, path: PurePosixPath) -> None:
        self._make_room()
        await self._inner.remove(path)

    async def close(self) -> None:
        while session := self._take():
            await session.end()

    def _is_call(self, command: Command) -> bool:
        words = command.argv[len(self._program) :]
        is_call = command.argv[: len(self._program)] == self._program and bool(words)
        return is_call and words[0] not in _CONVERSES and not (self._has_none or command.env or command.cwd)

    @contextlib.asynccontextmanager
    async def _opened(self, command: Command) -> AsyncIterator[Running]:
        """A verb may be said twice, so a kept session that turns out to have ended is no harm."""
        words = command.argv[len(self._program) :]
        told = as_bytes(command.stdin or b"")
        session = self._take() or self._begin()
        call = await session.call(words, told)
        if call is None and session.was_kept:
            session = self._begin()
            call = await session.call(words, told)
        if call is None:
            self._has_none = self._has_none or session.refused
            async with self._inner.open(command) as running:
                yield running
            return
        try:
            yield call
        finally:
            await (self._keep(session) if session.is_ready else session.end())

    def _begin(self) -> "Session":
        return Session(self._inner, command(*self._program, "session"))

    def _take(self) -> "Session | None":
        """The one that was used last: of several, those that are not needed grow old."""
        if not self._idle:
            return None
        session, forgetting = self._idle.popitem()
        forgetting.cancel()
        return session

    async def _keep(self, session: "Session") -> None:
        if len(self._idle) >= _MOST_KEPT:
            await session.end()
            return
        session.was_kept = True
        self._idle[session] = asyncio.get_running_loop().call_later(self._kept_for, self._forget, session)

    def _make_room(self) -> None:
        """A command of another kind needs a channel: one does for the next call."""
        if len(self._idle) > 1:
            self._forget(next(iter(self._idle)))

    def _forget(self, session: "Session") -> None:
        self._idle.pop(session).cancel()
        session.leave()


class Session:
    """A helper that waits for calls, and a task that has it: whoever calls may be cancelled, and another goes on.

    `was_kept`: another call was served before this one. `refused`: it ended before it served any.
    """

    def __init__(self, inner: Transport, begin: Command) -> None:
        self.was_kept = False
        self.is_ready = False
        self.refused = False
        self._running: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
        self._is_over = asyncio.Event()
        self._output: AsyncGenerator[bytes, None] | None = None
        self._arrived = bytearray()
        self._owner = asyncio.create_task(self._own(inner, begin))

    async def call(self, words: Sequence[str], told: bytes) -> "Call | None":
        """Returns when it begins to answer; None: it ended without a word."""
        self.is_ready = False
        try:
            running = await asyncio.shield(self._running)
            with contextlib.suppress(OSError):  # it has ended: that is seen where it would answer
                await running.send(msgspec.json.encode({"words": words, "told": len(told)}) + b"\n" + told)
            call = Call(self)
            if await call.begins():
                return call
        except NodeUnreachable:
            await self.end()
            if not self.was_kept:
                raise
        except BaseException:
            await self.end()
            raise
        self.refused = not self.was_kept
        await self.end()
        return None

    async def piece(self) -> tuple[bytes, bytes] | None:
        """What kind it is of, and the next bytes; None when it has ended in the middle."""
        head = await self._read(_HEAD)
        if head is None:
            return None
        content = await self._read(int.from_bytes(head[1:], "big"))
        if content is None:
            return None
        self.is_ready = head[:1] == END
        return head[:1], content

    async def last_words(self) -> Finished:
        """How it ended by itself."""
        return await (await self._running).end()

    def leave(self) -> None:
        """Nobody calls any more. It may take its time to end."""
        self._is_over.set()

    async def end(self) -> None:
        """One that has not begun yet, as on a machine that does not answer, is given up at once."""
        self._is_over.set()
        if not self._running.done():
            self._owner.cancel()
        await asyncio.shield(asyncio.wait((self._owner,)))

    async def _read(self, size: int) -> bytes | None:
        if size > _LONGEST_PIECE:
            raise NotUnderstood("The helper on the node answered in words that Bakery does not understand.")
        if self._output is None:
            self._output = (await self._running).output()
        while len(self._arrived) < size:
            try:
                self._arrived += await anext(self._output)
            except StopAsyncIteration:
                return None
        taken = bytes(self._arrived[:size])
        del self._arrived[:size]
        return taken

    async def _own(self, inner: Transport, begin: Command) -> None:
        try:
            async with inner.open(begin) as running:
                self._running.set_result(running)
                await self._is_over.wait()
                if self._output is not None:
                    await self._output.aclose()
                if self.is_ready:  # its input ends, and so does it; in the middle of a call it is ended
                    async with asyncio.timeout(_LONGEST_END):
                        await running.end()
        except (BakeryError, OSError, TimeoutError) as error:
            if not self._running.done():
                self._running.set_exception(error)
                self._running.exception()  # whoever waited for it may be gone
        finally:
            self._running.cancel()


class Call:
    """A verb at work, like a program that was started for it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._errors = Tail()
        self._first: bytes | None = None
        self._finished: Finished | None = None

    async def begins(self) -> bool:
        """Whether there is any answer."""
        self._first = await self._next()
        return self._first is not None or self._session.is_ready

    async def output(self) -> AsyncGenerator[bytes, None]:
        while self._first is not None:
            piece, self._first = self._first, None
            yield piece
            self._first = await self._next()

    async def send(self, data: bytes) -> None:
        raise LookupError(f"a verb found its whole input when it began, and reads no {len(data)} bytes more")

    async def end(self) -> Finished:
        async for _ in self.output():
            pass
        return self._finished or await self._session.last_words()

    async def _next(self) -> bytes | None:
        """Of the output; None when there comes no more."""
        while self._finished is None and (piece := await self._session.piece()):
            kind, content = piece
            if kind == OUTPUT:
                return content
            if kind == ERRORS:
                self._errors.add(content)
            else:
                self._finished = Finished(_status(content), "", str(self._errors))
        return None


def _status(content: bytes) -> int:
    try:
        return int(content[:_LONGEST_STATUS])
    except ValueError as error:
        raise NotUnderstood("The helper on the node answered in words that Bakery does not understand.") from error
