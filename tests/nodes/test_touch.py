"""Keeping in touch: what happens to one node, or is changed about it, is its own matter."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import pytest

from bakery.model.nodes import NodeState
from bakery.nodes import registry, touch
from bakery.nodes.catalogue import show_node
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.nodes.touch import Touch
from bakery.nodes.transcript import Transcript
from bakery.store.metrics import MetricsWriter
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.web.moments import now
from tests.nodes.test_registry import a_node
from tests.support.people import SYSTEM
from tests.support.ssh_server import SshServer, host_key, serving

KEY = host_key()

Beside = Callable[[int], Coroutine[None, None, None]]


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touch, "_LOOK_EVERY", 0.05)


async def move(store: Store, server: SshServer) -> None:
    place: dict[str, str | int] = {"host": "127.0.0.1", "port": int(server.port), "bastion": ""}
    await registry.edit_node(store, "oven-1", place, actor=SYSTEM)


@contextlib.asynccontextmanager
async def touching(store: Store, queue: Queue, beside: Beside | None = None) -> AsyncIterator[None]:
    links = Links(store, _no_machine, Transcript(store, now))
    touch = Touch(store, links, queue, MetricsWriter(store), now=now, beside=beside)
    running = asyncio.create_task(touch.run())
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await links.close()


async def is_so(store: Store, slug: str, state: NodeState) -> None:
    async with asyncio.timeout(15):
        while (await show_node(store, slug, actor=SYSTEM)).state is not state:
            await asyncio.sleep(0.02)


async def test_a_node_whose_address_was_changed_is_looked_for_there(store: Store, queue: Queue, tmp_path: Path) -> None:
    node = await a_node(store)
    assert node.key_public is not None
    here = SshServer(tmp_path, keys=[KEY], accepts=node.key_public)
    there = SshServer(tmp_path, keys=[KEY], accepts=node.key_public)
    async with serving(here), serving(there), touching(store, queue):
        await move(store, here)
        await is_so(store, "oven-1", NodeState.ONLINE)
        await move(store, there)
        async with asyncio.timeout(15):
            while not there.connections or here.open:
                await asyncio.sleep(0.02)
    assert (await show_node(store, "oven-1", actor=SYSTEM)).state is NodeState.ONLINE


async def test_what_lives_on_a_node_is_looked_after_for_as_long_as_it_answers(
    store: Store, queue: Queue, tmp_path: Path
) -> None:
    node = await a_node(store)
    assert node.key_public is not None
    server = SshServer(tmp_path, keys=[KEY], accepts=node.key_public)
    looked_after: list[int] = []

    async def look_after(node_id: int) -> None:
        looked_after.append(node_id)
        try:
            await asyncio.Event().wait()
        finally:
            looked_after.remove(node_id)

    async with touching(store, queue, look_after):
        async with serving(server):
            await move(store, server)
            async with asyncio.timeout(15):
                while looked_after != [node.id]:
                    await asyncio.sleep(0.02)
        async with asyncio.timeout(15):
            while looked_after:
                await asyncio.sleep(0.02)


async def test_a_node_whose_key_the_vault_cannot_open_does_not_keep_us_from_the_others(
    store: Store, queue: Queue, tmp_path: Path
) -> None:
    broken = await a_node(store, "oven-0")
    node = await a_node(store)
    assert node.key_public is not None
    server = SshServer(tmp_path, keys=[KEY], accepts=node.key_public)
    async with store.connection() as connection:
        await connection.execute("UPDATE nodes SET key_secret = '\\x00' WHERE id = %s", (broken.id,))
    async with serving(server), touching(store, queue):
        await move(store, server)
        await is_so(store, "oven-1", NodeState.ONLINE)


async def _no_machine() -> Node:
    raise NotImplementedError
