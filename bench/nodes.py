"""Thousands of simulated nodes, watched over SSH by one process. `python -m bench.nodes [--nodes 5000]`

Three processes: this one, which makes the database and the keys; `bench.played_nodes`, which plays all nodes; and one
that watches them with what the control plane has for it: its transport, the probe's lines, the metrics in PostgreSQL.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import random
import resource
import sys
import time
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import asyncssh
import psycopg
import structlog
import uvloop

from bakery.model.errors import NodeUnreachable, Unavailable
from bakery.model.names import Port
from bakery.model.secret import Secret
from bakery.nodes.login import SshLogin
from bakery.nodes.ssh import SshTransport
from bakery.nodes.vitals import watch
from bakery.store.metrics import MetricsWriter
from bakery.store.store import Store
from bakery.store.vault import Key, Vault
from bench.children import child, heard

INTERVAL = 10.0
HANDSHAKES_AT_ONCE = 50
FLUSH_EVERY = INTERVAL / 2
SETTLING_S, MEASURED_S, LONGEST_S = 10.0, 30.0, 150.0
FOLDER = PurePosixPath("/var/lib/bakery/node")
LIMITS = {
    1_000: {"connected_s": 15, "cores": 0.15, "pss_mb": 200},
    5_000: {"connected_s": 75, "cores": 0.6, "pss_mb": 450},
}


def main(count: int) -> None:
    from bakery.store import migrate  # noqa: PLC0415 - the process that watches is not to carry any of these
    from bench.running import pss_mb, tell, temporary_folder  # noqa: PLC0415 - likewise
    from tests.support.postgres import new_database, running_server  # noqa: PLC0415 - likewise

    raise_open_files(count)
    with temporary_folder() as folder, running_server(folder / "postgres") as server, new_database(server) as dsn:
        migrate.upgrade(dsn)
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "INSERT INTO nodes (slug, kind, name, machine_id, apps_domain) "
                "SELECT 'n' || n, 'local', 'Node', 'bench', 'localhost' FROM generate_series(1, %s) n",
                (count,),
            )
        keys = [asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode() for _ in range(count)]
        (folder / "keys.json").write_text(json.dumps(keys))
        with child("bench.played_nodes") as nodes:
            where = heard(nodes)
            start = {"keys": str(folder / "keys.json"), "dsn": dsn, **where, "began": time.monotonic()}
            with child("bench.nodes", "--watch", json.dumps(start)) as watcher:
                figures = {**heard(watcher), "pss_mb": round(pss_mb(watcher.pid), 1)}
        with psycopg.connect(dsn) as connection:
            stored = connection.execute("SELECT count(DISTINCT node_id), sum(samples) FROM node_minutes").fetchone()
    assert stored is not None
    limits = LIMITS.get(count, {})
    is_whole = stored[0] == count and figures["lost"] == 0
    tell(
        what=f"{count} simulated nodes, a line every {INTERVAL:g} s each; {MEASURED_S:g} s once all are connected",
        **figures,
        stored={"nodes": stored[0], "samples": int(stored[1])},
        limits=limits,
        holds=is_whole and all(figures[name] <= limit for name, limit in limits.items()),
    )


def raise_open_files(count: int) -> None:
    needed = count + 500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(hard, needed)))
    except (ValueError, OSError):
        sys.exit(f"{count} nodes need {needed} open files, and we may have {hard}. First: ulimit -n {needed}")


class Watcher:
    """Keeps in touch with all nodes, and counts."""

    def __init__(self, start: dict[str, Any], store: Store) -> None:
        self._start = start
        self._keys: list[str] = json.loads(Path(start["keys"]).read_text())
        self._metrics = MetricsWriter(store)
        self._handshakes = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
        self._heard: set[int] = set()
        self._has_all = asyncio.Event()
        self._attempts = self._lost = 0

    async def run(self) -> dict[str, Any]:
        tasks = [asyncio.create_task(self._keep(node, key)) for node, key in enumerate(self._keys, start=1)]
        tasks.append(asyncio.create_task(self._flush()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._has_all.wait(), LONGEST_S)
        connected = time.monotonic() - self._start["began"]
        cores_to_connect = _cpu() / connected
        await asyncio.sleep(SETTLING_S)
        began, cpu = time.monotonic(), _cpu()
        await asyncio.sleep(MEASURED_S)
        cores = (_cpu() - cpu) / (time.monotonic() - began)
        await self._metrics.flush()
        return {
            "connected": len(self._heard),
            "connected_s": round(connected, 1),
            "cores_to_connect": round(cores_to_connect, 2),
            "attempts": self._attempts,
            "lost": self._lost,
            "cores": round(cores, 3),
        }

    async def _keep(self, node: int, key: str) -> None:
        port, host_key = Port(self._start["port"]), self._start["host_key"]
        transport = SshTransport(SshLogin(f"n{node}", "127.0.0.1", port, "bakery-agent", Secret(key), host_key))
        while True:
            try:
                async with self._handshakes:
                    self._attempts += 1
                    await transport.connect()
                async with aclosing(watch(transport, interval=INTERVAL, folder=FOLDER)) as said:
                    async for vitals in said:
                        self._metrics.add(node, vitals, datetime.now(UTC))
                        self._count(node)
            except NodeUnreachable:
                self._lost += node in self._heard
                await asyncio.sleep(random.random())  # noqa: S311 - a pause

    def _count(self, node: int) -> None:
        self._heard.add(node)
        if len(self._heard) == len(self._keys):
            self._has_all.set()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            with contextlib.suppress(Unavailable):
                await self._metrics.flush()


async def watch_all(start: dict[str, Any]) -> None:
    async with Store(start["dsn"], Vault([Key.mint()])) as store:
        figures = await Watcher(start, store).run()
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)  # until it is measured, and killed


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--nodes", type=int, default=1_000)
    options.add_argument("--watch", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    if chosen.watch:
        uvloop.run(watch_all(json.loads(chosen.watch)))
    else:
        main(chosen.nodes)
