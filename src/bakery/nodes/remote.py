"""A command on a node, as its SSH channel tells of it."""

import asyncio
import contextlib
import re
import signal
from collections.abc import AsyncGenerator, Callable

import asyncssh

from bakery.commands.command import Command
from bakery.model.errors import NodeUnreachable
from bakery.nodes.channels import Turn
from bakery.nodes.running import Tail, did_not_start
from bakery.nodes.transport import Finished

_MOST_UNREAD = 1024 * 1024
_LAST_WORDS = 1.0  # seconds of silence
_LONGEST_PREFACE = 64 * 1024
_PROCESS = re.compile(rb"[1-9][0-9]{0,9}")


class Remote(asyncssh.SSHClientSession[bytes]):
    """Begun by handing it to `create_session`. What it writes goes to `take`, or waits for who reads `output`."""

    def __init__(
        self,
        command: Command,
        mark: str,
        turn: Turn,
        *,
        lost: Callable[[], NodeUnreachable],
        take: Callable[[bytes], None] | None = None,
    ) -> None:
        self._command = command
        self._mark = mark.encode()
        self._turn = turn
        self._lost = lost
        self._take = take or self._queue
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._preface: bytearray | None = bytearray()  # of its errors, until the shell has told its process id
        self._errors = Tail()
        self._unread = bytearray()
        self._is_resuming = False
        self._received = 0
        self._has_all = False
        self._is_cut = False
        self._exit_status: int | None = None
        self._process: int | None = None
        self._news = asyncio.Event()
        self._nobody_reads = asyncio.Event()
        self._nobody_reads.set()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._has_told = asyncio.Event()
        self._has_ended = asyncio.Event()
        self._is_closed = asyncio.Event()

    @property
    def connection(self) -> asyncssh.SSHClientConnection:
        return self._turn.connection

    @property
    def has_begun(self) -> bool:
        """Whether the node was asked for anything yet."""
        return self._channel is not None

    @property
    def has_ended(self) -> bool:
        return self._has_ended.is_set()

    @property
    def is_closed(self) -> bool:
        return self._is_closed.is_set()

    async def process(self) -> int | None:
        """The id that leads all its processes there; None when it has ended without telling it."""
        await self._has_told.wait()
        return self._process

    async def wait(self) -> int:
        """The exit status; negative: the signal that ended it. Raises NodeUnreachable when nobody will ever know."""
        await self._has_ended.wait()
        if self._exit_status is None:
            raise self._lost()
        return self._exit_status

    async def wait_quietly(self) -> None:
        """Until it has ended, however."""
        await self._has_ended.wait()

    async def finish(self) -> Finished:
        """And what it wrote last. A daemon that it left behind may hold the channel for ever."""
        exit_status = await self.wait()
        received = -1
        while received != self._received and not self._is_closed.is_set():
            received = self._received
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_closed.wait(), _LAST_WORDS)
        if self._is_cut:
            raise self._lost()
        said = f"{(self._preface or b'').decode(errors='replace')}{self._errors}"
        errors = said.removesuffix(f"{self._mark.decode()}\n")
        if errors != said:  # the shell could not become the command
            raise did_not_start(self._command, (errors.strip().splitlines() or ["its shell does not say why"])[-1])
        return Finished(exit_status, "", errors)

    async def output(self) -> AsyncGenerator[bytes, None]:
        self._nobody_reads.clear()
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._unread:
                    chunk = bytes(self._unread[:_MOST_UNREAD])
                    del self._unread[:_MOST_UNREAD]
                    if not self._unread:
                        self._resume()
                    yield chunk
                if self._has_all and not self._unread:
                    break
        finally:
            self._nobody_reads.set()
            self._news.set()
        if self._is_cut:
            raise self._lost()

    def write(self, data: bytes) -> None:
        """All of it is on its way then, or in our memory. Of no consequence when the program reads no more."""
        if self._channel is not None:
            with contextlib.suppress(BrokenPipeError):
                self._channel.write(data)

    async def send(self, data: bytes) -> None:
        """Returns when there is room for more."""
        self.write(data)
        await self._may_write.wait()

    def close_input(self) -> None:
        if self._channel is not None:
            self._channel.write_eof()

    async def end(self) -> Finished:
        """Closes its input; output that nobody reads is dropped."""
        self.close_input()
        dropping = asyncio.create_task(self._drop_output())
        try:
            return await self.finish()
        finally:
            dropping.cancel()

    def give_up(self) -> None:
        """Before it has begun."""
        self._turn.over()

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()

    # What the channel calls

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        self._received += len(data)
        if datatype != asyncssh.EXTENDED_DATA_STDERR:
            self._take(data)
        elif self._preface is None:
            self._errors.add(data)
        else:
            self._preface += data
            self._look_for_process(self._preface)

    def eof_received(self) -> bool:
        self._has_all = True
        self._news.set()
        return True  # its input stays open

    def exit_status_received(self, status: int) -> None:
        self._end(status)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: FBT001 - asyncssh's
        del core_dumped, msg, lang
        self._end(-_number(signal))

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_cut = exc is not None or self._exit_status is None
        self._has_all = True
        for event in (self._news, self._may_write, self._has_told, self._has_ended, self._is_closed):
            event.set()
        self._turn.over()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    # What comes of it

    def _look_for_process(self, preface: bytearray) -> None:
        """The first line with the mark holds it. A login shell may have said something before, but not without end."""
        before, mark, rest = bytes(preface).partition(self._mark + b" ")
        told, end, after = rest.partition(b"\n")
        if (not mark or not end) and len(preface) <= _LONGEST_PREFACE:
            return
        self._process = int(told) if end and _PROCESS.fullmatch(told) else None
        self._preface = None
        self._errors.add(before + after)
        self._has_told.set()

    def _end(self, exit_status: int) -> None:
        self._exit_status = exit_status
        self._has_ended.set()

    def _queue(self, data: bytes) -> None:
        self._unread += data
        self._news.set()
        if not self._is_resuming:
            self._pause_when_full()

    def _pause_when_full(self) -> None:
        if len(self._unread) >= _MOST_UNREAD and self._channel is not None:
            self._channel.pause_reading()

    def _resume(self) -> None:
        """Takes all that asyncssh has kept meanwhile. Were a part of it left there, asyncssh would all the same let the
        node send a whole window more, each time, and what it keeps would grow without end."""
        if self._channel is not None:
            self._is_resuming = True
            self._channel.resume_reading()
            self._is_resuming = False
            self._pause_when_full()

    async def _drop_output(self) -> None:
        while True:
            await self._nobody_reads.wait()
            await self._news.wait()
            if self._nobody_reads.is_set():
                self._news.clear()
                self._unread.clear()
                self._resume()


def _number(name: str) -> int:
    """A signal's, by the name that SSH has for it."""
    return signal.Signals.__members__.get(f"SIG{name}", signal.SIGKILL).value
