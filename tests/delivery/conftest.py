"""A store on a database of its own, an open queue, and this machine as the node `local`."""

from collections.abc import AsyncIterator

import pytest

from bakery.delivery.local import Address, ensure_local_node
from bakery.delivery.work import Patience
from bakery.delivery.worker import register_tasks
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.nodes.transcript import Transcript
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.web.moments import now
from tests.delivery.fleet import Fleet
from tests.support.machine import a_free_port, a_node, machine_of
from tests.support.store import a_store

PATIENCE = Patience(check=15, drain=2, away=1, steady=0.5, warm=0, bake=0)


@pytest.fixture
async def store(migrated_database_url: str) -> AsyncIterator[Store]:
    async with a_store(migrated_database_url) as opened:
        yield opened


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with a_node(a_free_port()) as made:
        yield made


@pytest.fixture
async def bare_node() -> AsyncIterator[Node]:
    """A machine without nginx."""
    async with a_node(None) as made:
        yield made


@pytest.fixture
async def fleet(store: Store, node: Node) -> Fleet:
    return await _fleet(store, node)


@pytest.fixture
async def bare_fleet(store: Store, bare_node: Node) -> Fleet:
    return await _fleet(store, bare_node)


async def _fleet(store: Store, node: Node) -> Fleet:
    machine = machine_of(node)
    queue = Queue(store)
    links = Links(store, machine.node, Transcript(store, now))
    register_tasks(queue, store, links, patience=PATIENCE)
    await queue.open()
    await ensure_local_node(store, queue, machine, Address(public=None, apps_domain="localhost"))
    return Fleet(store, queue, node, links, PATIENCE)
