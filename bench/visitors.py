"""Visitors of a site, for a measurement: so many requests a second, half of them on connections that are kept, answers
that take 5 s, and WebSockets. `python -m bench.visitors ADDRESS PORT HOST RATE`: a line of input ends it, and it tells.

A kept connection that closes before the first byte of an answer is what each browser knows: it asks once more, on a new
connection. Whoever asks for it on a new one has no excuse.
"""

import asyncio
import base64
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field

SLOW_EVERY, SOCKETS = 0.5, 10  # seconds between two that take 5 s; WebSockets at a time
WITHIN = 15.0
CLOSE, GOING_AWAY = 8, 1001
MOST_TOLD = 10


class Closed(Exception):
    """Before the first byte of an answer."""


@dataclass
class Visitors:
    """`seen` counts what came of them, by kind."""

    address: str
    port: int
    host: str
    rate: float
    seen: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    _kept: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=deque)
    _is_over: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        for _ in range(SOCKETS):
            self._begin(self._keep_socket())
        begun = at = time.monotonic()
        next_slow, number = begun, 0
        while not self._is_over.is_set():
            number += 1
            self._begin(self._visit(is_new=number % 2 == 0))
            if at >= next_slow:
                next_slow += SLOW_EVERY
                self._begin(self._visit_slowly())
            at += 1 / self.rate
            await asyncio.sleep(max(0.0, at - time.monotonic()))
        self.seconds.append(time.monotonic() - begun)
        self.seen["requests"] = number
        await asyncio.wait(self._tasks, timeout=WITHIN)

    def end(self) -> None:
        self._is_over.set()

    def told(self) -> dict[str, object]:
        return {**self.seen, "requests_a_second": self.seen["requests"] / self.seconds[0], "troubles": self.troubles}

    def _begin(self, visiting: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(visiting)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _failed(self, kind: str, why: object) -> None:
        self.seen[kind] += 1
        if len(self.troubles) < MOST_TOLD:
            self.troubles.append(f"{time.strftime('%H:%M:%S')} {kind}: {why!r}"[:200])

    async def _visit(self, *, is_new: bool) -> None:
        if is_new or not self._kept:
            await self._ask_anew("failed_new", is_kept=not is_new)
            return
        connection = self._kept.popleft()
        try:
            await self._ask(connection, is_kept=True)
        except Closed:
            self.seen["repeated"] += 1
            await self._ask_anew("failed_after_repeat", is_kept=True)
        except (OSError, ValueError, asyncio.IncompleteReadError, TimeoutError) as error:
            self._failed("failed_reused", error)

    async def _ask_anew(self, kind: str, *, is_kept: bool) -> None:
        try:
            await self._ask(
                await asyncio.wait_for(asyncio.open_connection(self.address, self.port), WITHIN), is_kept=is_kept
            )
        except (OSError, ValueError, Closed, asyncio.IncompleteReadError, TimeoutError) as error:
            self._failed(kind, error)

    async def _ask(self, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], *, is_kept: bool) -> None:
        reader, writer = connection
        try:
            async with asyncio.timeout(WITHIN):
                status, body, stays = await self._answer(reader, writer, "/", "keep-alive" if is_kept else "close")
            expect(status, body)
        except BaseException:
            writer.close()
            raise
        if is_kept and stays:
            self._kept.append(connection)
        else:
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, connection: str
    ) -> tuple[int, bytes, bool]:
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nConnection: {connection}\r\n\r\n".encode())
            await writer.drain()
            first = await reader.read(1)
        except (ConnectionResetError, BrokenPipeError):
            first = b""
        if not first:
            raise Closed
        head = first + await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
        return int(head.split(b" ", 2)[1]), body, fields.get(b"connection") != b"close"

    async def _visit_slowly(self) -> None:
        try:
            reader, writer = await asyncio.open_connection(self.address, self.port)
            async with asyncio.timeout(WITHIN):
                status, body, _ = await self._answer(reader, writer, "/slow", "close")
            writer.close()
            expect(status, body)
        except (OSError, ValueError, Closed, asyncio.IncompleteReadError, TimeoutError) as error:
            self._failed("slow_cut", error)
        else:
            self.seen["slow_whole"] += 1

    async def _keep_socket(self) -> None:
        """Opened anew when the app has closed it in its own words."""
        while not self._is_over.is_set():
            try:
                await self._listen()
            except (OSError, ValueError, Closed, asyncio.IncompleteReadError, TimeoutError) as error:
                self._failed("sockets_cut", error)
                await asyncio.sleep(0.2)

    async def _listen(self) -> None:
        """The app says its version again and again; another one's is that of another slot."""
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            key = base64.b64encode(os.urandom(16)).decode()
            writer.write(
                f"GET /socket HTTP/1.1\r\nHost: {self.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
            )
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WITHIN)
            if not head.startswith(b"HTTP/1.1 101 "):
                raise ValueError(head[:40])
            said: set[bytes] = set()
            while not self._is_over.is_set():
                kind, length = await asyncio.wait_for(reader.readexactly(2), WITHIN)
                content = await reader.readexactly(length)
                if kind & 0x0F == CLOSE:
                    if int.from_bytes(content[:2], "big") != GOING_AWAY or said - {content[2:]}:
                        raise ValueError(content)
                    self.seen["sockets_closed_by_the_app"] += 1
                    return
                said.add(content)
                if len(said) > 1:
                    raise ValueError(said)
        finally:
            writer.close()


def expect(status: int, body: bytes) -> None:
    """A version, perhaps again and again, and never another one in between."""
    if status != 200 or len(set(body.split())) != 1:
        raise ValueError(f"{status} {body[:50]!r}")


async def main(address: str, port: int, host: str, rate: float) -> None:
    visitors = Visitors(address, port, host, rate)
    running = asyncio.create_task(visitors.run())
    await asyncio.to_thread(sys.stdin.readline)
    visitors.end()
    await running
    sys.stdout.write(json.dumps(visitors.told()) + "\n")
    sys.stdout.flush()
    with suppress(OSError):
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
