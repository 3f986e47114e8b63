"""Durable jobs on a real node: from asking to the first byte in the database, bytes a second, and a flood's memory.

`python -m bench.jobs`, as root. Three machines of one: a node of the lab, an embedded PostgreSQL, and a process of its
own that has what the worker of a control plane has: its queue, its links, its transcript.
"""

import argparse
import asyncio
import hashlib
import json
import logging
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog
import uvloop

from bakery.commands.command import command
from bakery.model.actor import Actor
from bakery.model.nodes import AGENT, parse_new_node
from bakery.model.secret import Secret
from bakery.nodes import registry
from bakery.nodes.helper_calls import HELPER
from bakery.nodes.helper_file import helper_file
from bakery.nodes.jobs import JobSpec, new_job_key
from bakery.nodes.links import Links
from bakery.nodes.node import Node as Machine
from bakery.nodes.transcript import Transcript
from bakery.nodes.work import JobSummary, request_exec, show_job
from bakery.nodes.worker import register_tasks
from bakery.store import logs, migrate
from bakery.store.ending import end_tasks
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.store.vault import Key, Vault
from bench.children import child, heard
from bench.running import percentile, tell, temporary_folder
from tests.lab.lab import open_lab
from tests.lab.nodes import SSH, Node
from tests.support.postgres import new_database, running_server

NAME, ACTOR = "oven-1", Actor.system("cli")
STARTS, FLOODS, LINES = 200, 3, 3_000_000
FLOOD = "/tmp/flood"  # noqa: S108 - on the node
LINE = "%.0f test/cart.test.js adds the same item twice, and takes it away again"
CHUNK = 256 * 1024
MB = 1e6
LIMITS = {"start_p50_ms": 100.0, "start_p99_ms": 250.0, "megabytes_a_second": 40.0, "growth_mb": 48.0}


def main(starts: int, floods: int) -> None:
    key = Key.mint()
    with (
        temporary_folder() as folder,
        running_server(folder / "postgres") as server,
        new_database(server) as dsn,
        open_lab() as lab,
        lab.node() as node,
    ):
        migrate.upgrade(dsn)
        asyncio.run(prepare(node, dsn, key))
        node.run("sh", "-c", 'seq --format="$1" "$2" > "$3"', "sh", LINE, str(LINES), FLOOD, timeout=120)
        (folder / "vault.key").write_text(key.text.reveal())
        start = {"dsn": dsn, "key": str(folder / "vault.key"), "starts": starts, "floods": floods}
        load = os.getloadavg()[0]
        with child("bench.jobs", "--work", json.dumps(start)) as worker:
            figures = heard(worker)
        streams = figures.pop("streams")
        digests = asyncio.run(digests_of(dsn, streams))
        expected = node.run("sha256sum", FLOOD).split()[0]
    seen = figures["seen"]
    are_equal = digests == [expected] * floods
    tell(
        what=f"{starts} durable jobs one after the other, then {floods} of {LINES} lines each, on a node of the lab",
        load_before=round(load, 2),
        **figures,
        equal_to_the_nodes_file=are_equal,
        limits=LIMITS,
        holds=are_equal
        and seen["megabytes_a_second"] >= LIMITS["megabytes_a_second"]
        and all(seen[name] <= LIMITS[name] for name in ("start_p50_ms", "start_p99_ms", "growth_mb")),
    )


async def prepare(node: Node, dsn: str, key: Key) -> None:
    """What the installer and the first handshake leave behind, as far as jobs need it."""
    async with Store(dsn, Vault([key])) as store:
        new = parse_new_node(slug=NAME, host="127.0.0.1", port=node.ports[SSH])
        added = await registry.add_node(store, new, apps_domain="example.com", actor=ACTOR)
        host_key = " ".join(node.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2])
        async with store.connection() as connection:
            await connection.execute("UPDATE nodes SET state = 'online', host_key = %s", (host_key,))
    node.run("useradd", "--system", "--create-home", "--shell", "/bin/sh", "--user-group", AGENT)
    node.put(str(HELPER), helper_file(), mode=0o755)
    node.put("/etc/sudoers.d/bakery", f"{AGENT} ALL=(root) NOPASSWD: {HELPER}\n".encode(), mode=0o440)
    home = f"/home/{AGENT}/.ssh"
    node.put(f"{home}/authorized_keys", f"{added.key_public}\n".encode())
    node.run("chown", "--recursive", AGENT, home)


async def digests_of(dsn: str, streams: list[int]) -> list[str]:
    found = []
    async with Store(dsn, Vault([Key.mint()])) as store:
        for stream in streams:
            digest = hashlib.sha256()
            async for piece in logs.whole(store, stream):
                digest.update(piece)
            found.append(digest.hexdigest())
    return found


class Control:
    """The worker of a control plane, who also asks, and hears when bytes are in the database."""

    def __init__(self, store: Store, queue: Queue, links: Links, listener: psycopg.AsyncConnection) -> None:
        self._store = store
        self._queue = queue
        self._links = links
        self._listener = listener

    async def start(self) -> tuple[float, float]:
        """Seconds from asking, and from taking it up, to the first byte that others can read."""
        asked = time.time()
        job = await self._ask("echo", "hello")
        arrived = await self._has(job, 6)
        return arrived - asked, arrived - await self._ended(job)

    async def bare_start(self) -> float:
        """One command over the open connection, to the first byte that comes back; nothing is stored."""
        jobs, key = await self._links.jobs(1), new_job_key()
        began = time.time()
        async with jobs.start_and_follow(JobSpec(key=key, argv=("echo", "hello"))) as arriving:
            await anext(arriving)
            took = time.time() - began
        await jobs.cancel(key)
        await jobs.remove(key)
        return took

    async def echo(self) -> float:
        began = time.time()
        await (await self._links.ssh(1)).run(command("echo", "hello"))
        return time.time() - began

    async def flood(self, size: int) -> tuple[int, float]:
        """Where its log is, and the seconds from taking it up until all of it is in the database."""
        job = await self._ask("cat", FLOOD)
        arrived = await self._has(job, size)
        return job.log_stream, arrived - await self._ended(job)

    async def through_the_channel(self) -> tuple[int, float]:
        """The same bytes, read and dropped."""
        began, size = time.time(), 0
        async with (await self._links.ssh(1)).open(command("cat", FLOOD)) as running:
            async for chunk in running.output():
                size += len(chunk)
        return size, time.time() - began

    async def into_the_database(self, size: int) -> float:
        """As many bytes, from nowhere."""
        async with self._store.transaction() as tx:
            stream = await logs.open_stream(tx.connection)
        began, data = time.time(), (b"x" * 79 + b"\n") * (4 * CHUNK // 80)
        for _ in range(size // len(data)):
            await logs.append(self._store, stream, data)
        return time.time() - began

    async def _ask(self, *words: str) -> JobSummary:
        return await request_exec(self._store, self._queue, NAME, words, actor=ACTOR)

    async def _has(self, job: JobSummary, size: int) -> float:
        async for told in self._listener.notifies(timeout=120):
            stream, length = map(int, told.payload.split(":"))
            if (stream, length) == (job.log_stream, size):
                return time.time()
        raise TimeoutError(f"job {job.id} did not write {size} bytes")

    async def _ended(self, job: JobSummary) -> float:
        """When it was taken up; returns when nothing of it is left."""
        while True:
            found = await show_job(self._store, NAME, job.id, actor=ACTOR)
            async with self._store.connection() as connection:
                cursor = await connection.execute("SELECT cleared_at FROM jobs WHERE id = %s", (job.id,))
                cleared = await cursor.fetchone()
            if found.started_at is not None and cleared is not None and cleared[0] is not None:
                assert found.exit_status == 0
                return found.started_at.timestamp()
            await asyncio.sleep(0.02)


@asynccontextmanager
async def a_control(start: dict[str, Any]) -> AsyncIterator[Control]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(start["dsn"], Vault([start["key"]])))
        transcript = Transcript(store, lambda: datetime.now(UTC))
        links = Links(store, no_machine, transcript)
        stack.push_async_callback(links.close)
        queue = Queue(store)
        register_tasks(queue, store, links)
        await queue.open()
        listener = await psycopg.AsyncConnection.connect(start["dsn"], autocommit=True)
        stack.push_async_callback(listener.close)
        await listener.execute(f"LISTEN {logs.LOG_CHANNEL}")
        tasks = [asyncio.create_task(work) for work in (queue.work(), transcript.run())]
        stack.push_async_callback(end_tasks, *tasks)
        stack.callback(queue.stop)
        yield Control(store, queue, links, listener)


async def no_machine() -> Machine:
    raise LookupError("the machine that measures is no node")


async def measure(start: dict[str, Any]) -> dict[str, Any]:
    async with a_control(start) as control:
        for way in (control.start, control.bare_start, control.echo):
            await way()  # the first makes the connection
        asked, begun, bare, echo = [], [], [], []
        for _ in range(start["starts"]):  # in turns, so that a machine that is busy for a while is so for all of them
            from_asking, from_taking_up = await control.start()
            asked.append(from_asking)
            begun.append(from_taking_up)
            bare.append(await control.bare_start())
            echo.append(await control.echo())
        size, _ = await control.through_the_channel()
        rates: dict[str, list[float]] = {"jobs": [], "channel": [], "database": []}
        streams, growth, peak = [], [], 0.0
        for _ in range(start["floods"]):
            before = forget_peak()
            stream, took = await control.flood(size)
            peak = max(peak, memory_mb("VmHWM"))
            growth.append(memory_mb("VmHWM") - before)
            streams.append(stream)
            rates["jobs"].append(size / MB / took)
            rates["channel"].append(size / MB / (await control.through_the_channel())[1])
            rates["database"].append(size / MB / await control.into_the_database(size))
    median = {way: round(statistics.median(found)) for way, found in rates.items()}
    return {
        "seen": {
            "start_p50_ms": milliseconds(begun, 0.5),
            "start_p99_ms": milliseconds(begun, 0.99),
            "megabytes_a_second": median["jobs"],
            "growth_mb": round(max(growth), 1),
        },
        "from_asking_ms": {"p50": milliseconds(asked, 0.5), "p99": milliseconds(asked, 0.99)},
        "floor_ms": {
            "started_by_one_command": {"p50": milliseconds(bare, 0.5), "p99": milliseconds(bare, 0.99)},
            "echo": {"p50": milliseconds(echo, 0.5), "p99": milliseconds(echo, 0.99)},
        },
        "start_to_floor": round(statistics.median(begun) / statistics.median(bare), 2),
        "worst_start_ms": milliseconds(begun, 1),
        "megabytes_a_second": {way: [round(rate) for rate in found] for way, found in rates.items()},
        "channel_to_jobs": round(median["channel"] / median["jobs"], 1),
        "flood_mb": round(size / MB, 1),
        "peak_rss_mb": round(peak, 1),
        "streams": streams,
    }


def milliseconds(seconds: list[float], share: float) -> float:
    return round(percentile(seconds, share) * 1000, 1)


def forget_peak() -> float:
    """What we hold now, from which the next peak is measured."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory_mb("VmRSS")


def memory_mb(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--starts", type=int, default=STARTS)
    options.add_argument("--floods", type=int, default=FLOODS)
    options.add_argument("--work", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    if chosen.work:
        told = json.loads(chosen.work)
        told["key"] = Key(Secret(Path(told["key"]).read_text()))
        sys.stdout.write(json.dumps(uvloop.run(measure(told))) + "\n")
    else:
        main(chosen.starts, chosen.floods)
