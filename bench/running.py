"""A real `bakery serve` to measure: its own data folder, its own port, nothing shared."""

import asyncio
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from bakery.settings import Settings
from tests.lab.nodes import Node
from tests.support.serving import BAKERY, Serving
from tests.support.waiting import wait_until

EMAIL, PASSWORD = "bench@example.com", "a long bench password"


@dataclass(frozen=True, slots=True)
class Running:
    """`started` is the seconds from exec to the first 200."""

    serving: Serving
    started: float

    @property
    def url(self) -> str:
        return self.serving.url

    @property
    def settings(self) -> Settings:
        return self.serving.settings

    def processes(self) -> list[int]:
        """Bakery's own process, then its descendants: the embedded PostgreSQL."""
        own = self.serving.process.pid
        return [own, *_descendants(own)]


@contextmanager
def running(folder: Path, program: tuple[str, ...] = BAKERY, **environ: str) -> Iterator[Running]:
    serving = Serving(folder, {"BAKERY_ADMIN_EMAIL": EMAIL, "BAKERY_ADMIN_PASSWORD": PASSWORD, **environ}, program)
    try:
        yield Running(serving, serving.start())
    finally:
        serving.stop()
        _end_nginx(serving.settings.node_dir / "nginx")


@contextmanager
def temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bakery-bench-") as name:
        yield Path(name)


@asynccontextmanager
async def signed_in(bakery: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A browser's session of the admin, with a password of their own."""
    async with httpx.AsyncClient(
        base_url=bakery.url, headers={"origin": bakery.url}, trust_env=False, timeout=30
    ) as http:
        answer = await http.post("/login", data={"email": EMAIL, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        page = (await http.get("/account/security")).text
        token = re.search(r'name="csrf" content="([0-9a-f]+)"', page)
        assert token is not None
        http.headers["x-csrf-token"] = token[1]
        form = {"current_password": PASSWORD, "password": f"{PASSWORD} of mine"}
        answer = await http.post("/account/security/password", data=form)
        assert answer.status_code == 303, answer.text
        yield http


async def this_machine(connection: psycopg.AsyncConnection) -> int:
    """The id of the node that Bakery makes a moment after its start."""
    async with asyncio.timeout(30):
        while True:
            row = await (await connection.execute("SELECT id FROM nodes ORDER BY id LIMIT 1")).fetchone()
            if row is not None:
                return int(row[0])
            await asyncio.sleep(0.1)


@contextmanager
def control_master(node: Node, folder: Path) -> Iterator[list[str]]:
    """The command that runs another on the node, over a connection of OpenSSH's which is kept open."""
    *ssh, place = node.ssh()
    through = [*ssh, "-o", f"ControlPath={folder / 'openssh'}", place]
    subprocess.run([*through[:-1], "-fNM", place], timeout=20, check=True)
    try:
        yield through
    finally:
        subprocess.run([*through[:-1], "-O", "exit", place], capture_output=True, timeout=20, check=True)


def pss_mb(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def tell(**figures: object) -> None:
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    sys.stdout.write(json.dumps({"machine": machine, **figures}, indent=2) + "\n")


def _end_nginx(home: Path) -> None:
    """It serves apps without Bakery, too; here there will be no more of either."""
    pid_file = home / "nginx.pid"
    pid = int(pid_file.read_text()) if pid_file.exists() else 0
    if pid and str(home).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not pid_file.exists(), what="nginx ends")


def _descendants(pid: int) -> list[int]:
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [found for child in children for found in (child, *_descendants(child))]


async def rest(seconds: float) -> None:
    """Until caches and garbage of the start are gone."""
    await asyncio.sleep(seconds)
