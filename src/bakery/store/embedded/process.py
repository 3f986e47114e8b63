"""The running server: our child, that follows us when we die, and whose words go to our log."""

import asyncio
import logging
import signal
from asyncio.subprocess import Process
from collections import deque
from contextlib import suppress

import structlog

log = structlog.get_logger()

_ALARMS = ("] WARNING:  ", "] PANIC:  ")
_FAST, _AT_ONCE = signal.SIGINT, signal.SIGQUIT  # as PostgreSQL calls these shutdowns


class ServerProcess:
    """`postgres` in the foreground."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._last_lines: deque[str] = deque(maxlen=5)
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def wait(self) -> int:
        return await self._process.wait()

    async def stop(self, *, patience: float) -> None:
        """Ends the server. One that does not end in time is ended at once, and recovers at its next start."""
        self._signal(_FAST)
        try:
            await asyncio.wait_for(self._process.wait(), patience)
        except TimeoutError:
            log.warning("postgres_stops_slowly", pid=self.pid)
            self._signal(_AT_ONCE)
            await self._process.wait()
        await self.last_words()

    async def last_words(self) -> str:
        """What it said last. Waits a moment for the rest, but not for a child that keeps the pipe open."""
        await asyncio.wait({self._reading}, timeout=1)
        self._reading.cancel()
        return "\n".join(self._last_lines)

    @staticmethod
    def _level_of(line: str) -> int:
        """What is usual, and what its client hears as well (FATAL ends one connection), is for who looks closely."""
        return logging.WARNING if any(alarm in line for alarm in _ALARMS) else logging.DEBUG

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _read(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was started with a pipe
        rest = b""
        while chunk := await self._process.stderr.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[:65536]  # a line without an end does not fill our memory
            for line in lines:
                text = line.decode(errors="replace")
                self._last_lines.append(text)
                log.log(self._level_of(text), "postgres", line=text)
