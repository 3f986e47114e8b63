"""200 viewers of one stream with 5,000 lines a second: delay, losses, memory. `python -m bench.events`"""

import argparse
import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from bakery.app import database
from bakery.store import logs
from bakery.store.store import Store
from bakery.store.vault import Key, Vault
from bench.running import Running, percentile, pss_mb, running, signed_in, tell, temporary_folder, this_machine

VIEWERS, RATE, BATCH_S = 200, 5_000, 0.05
LIMIT_MS = 250


class Viewer:
    """Reads the stream and notes, for each line, how old it was when it came. A slow one reads a few bytes a second."""

    def __init__(self, url: str, headers: dict[str, str], stream: int, *, is_slow: bool = False) -> None:
        self.url, self.headers, self.stream, self.is_slow = url, headers, stream, is_slow
        self.delays: list[float] = []
        self.next_line = 0
        self.is_whole = True
        self._rest = ""

    async def watch(self) -> None:
        address = urlsplit(self.url)
        own = socket.socket()
        if self.is_slow:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        own.setblocking(False)  # noqa: FBT003 - its only parameter
        await asyncio.get_running_loop().sock_connect(own, (address.hostname, address.port))
        reader, writer = await asyncio.open_connection(sock=own, limit=16 * 1024 * 1024)
        lines = [f"GET /events?topics=log:{self.stream} HTTP/1.1", f"Host: {address.netloc}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        try:
            async for data in self._data(reader):
                self._take(data)
        finally:
            writer.close()

    async def _data(self, reader: asyncio.StreamReader) -> AsyncIterator[dict[str, str]]:
        while True:
            if self.is_slow:
                await asyncio.sleep(1)
                if not await reader.read(64):
                    return
                continue
            line = await reader.readline()
            if not line:
                return
            if line.startswith(b"data: {") and b'"text"' in line:
                yield json.loads(line[6:])

    def _take(self, data: dict[str, str]) -> None:
        now = time.time()
        *lines, self._rest = (self._rest + data["text"]).split("\n")
        for line in lines:
            number = int(line.partition(" ")[0])
            self.is_whole &= number == self.next_line
            self.next_line = number + 1
        if lines:
            self.delays.append((now - float(lines[0].partition(" ")[2])) * 1000)


async def write(store: Store, stream: int, seconds: float) -> int:
    """Lines with their number and the moment just before their commit."""
    number = 0
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        due = int((passed + BATCH_S) * RATE)
        at = time.time()
        await logs.append(store, stream, "".join(f"{n} {at:.6f}\n" for n in range(number, due)).encode())
        number = due
        await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
    return number


async def measure(bakery: Running, seconds: float) -> None:
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(database(bakery.settings))
        store = await stack.enter_async_context(Store(dsn, Vault([Key.mint()])))
        http = await stack.enter_async_context(signed_in(bakery))
        stream = await a_stream(store)
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in http.cookies.items())}
        viewers = [Viewer(bakery.url, cookie, stream) for _ in range(VIEWERS)]
        slow = Viewer(bakery.url, cookie, stream, is_slow=True)
        tasks = [asyncio.create_task(viewer.watch()) for viewer in (*viewers, slow)]
        await asyncio.sleep(2)
        memory: list[float] = []
        sampling = asyncio.create_task(sample(bakery, memory))
        written = await write(store, stream, seconds)
        async with asyncio.timeout(20):
            while any(viewer.next_line < written for viewer in viewers):
                await asyncio.sleep(0.05)
        sampling.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, sampling, return_exceptions=True)
    delays = [delay for viewer in viewers for delay in viewer.delays]
    third = max(1, len(memory) // 3)
    growth = max(memory[-third:]) - max(memory[:third])
    is_whole = all(viewer.is_whole and viewer.next_line == written for viewer in viewers)
    p99 = percentile(delays, 0.99)
    tell(
        what=f"{VIEWERS} viewers, {RATE} lines/s for {seconds:.0f} s, and one viewer that reads 64 bytes a second",
        lines=written,
        commit_to_client_ms={"p50": round(percentile(delays, 0.5), 1), "p99": round(p99, 1)},
        limit_p99_ms=LIMIT_MS,
        none_lost_or_doubled=is_whole,
        memory_mb={"first_third": round(max(memory[:third]), 1), "last_third": round(max(memory[-third:]), 1)},
        holds=is_whole and p99 <= LIMIT_MS and growth <= 8,
    )


async def a_stream(store: Store) -> int:
    """The log of a deployment, since a log belongs to something that its readers may see."""
    async with store.transaction() as tx:
        stream = await logs.open_stream(tx.connection)
        app = await (
            await tx.connection.execute("INSERT INTO apps (slug, name) VALUES ('bench', 'Bench') RETURNING id")
        ).fetchone()
        node = await this_machine(tx.connection)
        assert app is not None
        await tx.connection.execute(
            """
            WITH place AS (
                INSERT INTO environments (app_id, name, node_id, runtime, command)
                VALUES (%(app)s, 'production', %(node)s, 'process', ARRAY['true']) RETURNING id
            ), build AS (
                INSERT INTO builds (app_id, source, title, version, archive)
                VALUES (%(app)s, 'folder', 'Bench', '', 'bench') RETURNING id
            ), release AS (
                INSERT INTO releases (environment_id, number, build_id, runtime, command)
                SELECT place.id, 1, build.id, 'process', ARRAY['true'] FROM place, build RETURNING id, environment_id
            )
            INSERT INTO deployments (app_id, environment_id, number, release_id, state, trigger, asked_by,
                                     log_stream_id, started_at, ended_at)
            SELECT %(app)s, environment_id, 1, id, 'succeeded', 'cli', 'bench', %(stream)s, now(), now() FROM release
            """,
            {"app": app[0], "node": node, "stream": stream},
        )
    return stream


async def sample(bakery: Running, into: list[float]) -> None:
    while True:
        into.append(pss_mb(bakery.processes()[0]))
        await asyncio.sleep(1)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=120)
    chosen = options.parse_args()
    with temporary_folder() as bench_folder, running(bench_folder) as served:
        asyncio.run(measure(served, chosen.seconds))
