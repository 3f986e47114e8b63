"""This machine as the node `local`: its row, and that it is this machine and no other."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from psycopg.types.json import Jsonb

from bakery.ingress.owners import give_names_alone, why_not_bakerys, why_not_below
from bakery.ingress.places import sites_follow
from bakery.model.errors import CommandFailed, Conflict, NotReady
from bakery.nodes.node import Node
from bakery.store.installation import note_own_host
from bakery.store.queue import Queue
from bakery.store.rows import only
from bakery.store.store import Store
from bakery.store.transaction import Transaction

_MACHINE_ID = "machine-id"


class Machine:
    """This machine, looked at once, when it is first needed."""

    def __init__(self, open_node: Callable[[], Awaitable[Node]]) -> None:
        self._open_node = open_node
        self._one_at_a_time = asyncio.Lock()
        self._node: Node | None = None

    async def node(self) -> Node:
        async with self._one_at_a_time:
            if self._node is None:
                self._node = await self._open_node()
            return self._node


@dataclass(frozen=True, slots=True)
class Address:
    """Where the apps of this machine are reached, and Bakery itself."""

    public: str | None
    apps_domain: str
    own_host: str | None = None


async def expect_this_machine(store: Store, machine: Machine) -> None:
    """Before any work: the node `local` of this database is this machine, or none yet."""
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT machine_id FROM nodes WHERE slug = 'local'")
        row = await cursor.fetchone()
    if row is not None and row[0] != await _machine_id(await machine.node()):
        raise _another_machine()


async def expect_uploads_here(store: Store, node_dir: Path) -> None:
    """What is uploaded lies on the node: a Bakery on another machine that shares the database would lose it."""
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT machine_id FROM nodes WHERE slug = 'local'")
        row = await cursor.fetchone()
    if row is not None and row[0] != await asyncio.to_thread(_noted_id, node_dir):
        raise Conflict(
            "This part of Bakery runs on another machine than the apps, so it takes no uploads.",
            hint="Upload to the Bakery on the machine of the node “local”.",
        )


async def ensure_local_node(store: Store, queue: Queue, machine: Machine, address: Address) -> tuple[str, ...]:
    """Makes or renews the row of this machine, and sees that nginx runs. Returns sentences about what is not right."""
    node = await machine.node()
    notes = await _ensure_ingress(node)
    facts = {
        **msgspec.to_builtins(node.facts, enc_hook=str),
        "units": node.capabilities.units,
        "ingress": node.capabilities.ingress,
        "limits": node.capabilities.limits,
        "notes": notes,
    }
    async with store.transaction() as tx:
        before = await tx.connection.execute(
            "SELECT public_address, apps_domain, id, public_ipv6 FROM nodes WHERE slug = 'local' FOR UPDATE"
        )
        was = await before.fetchone()
        address, taken = await _free_address(tx, address, was)
        notes = (*notes, *taken)
        facts["notes"] = notes
        cursor = await tx.connection.execute(
            """
            INSERT INTO nodes
                (slug, kind, name, machine_id, facts, site_port, public_address, public_ipv6, apps_domain)
            VALUES
                ('local', 'local', 'This machine', %(machine)s, %(facts)s, %(port)s, %(public)s, %(ipv6)s, %(domain)s)
            ON CONFLICT (slug) DO UPDATE SET facts = excluded.facts, site_port = excluded.site_port,
                public_address = excluded.public_address, apps_domain = excluded.apps_domain, seen_at = now(),
                public_ipv6 = CASE WHEN nodes.is_ipv6_chosen THEN nodes.public_ipv6 ELSE excluded.public_ipv6 END
            WHERE nodes.machine_id = excluded.machine_id RETURNING id, public_ipv6
            """,
            {
                "machine": await _machine_id(node),
                "facts": Jsonb(facts),
                "port": node.ingress.port if node.ingress else None,
                "public": address.public or node.facts.address,
                "ipv6": node.facts.ipv6,
                "domain": address.apps_domain,
            },
        )
        row = await cursor.fetchone()
        if row is None:
            raise _another_machine()
        await note_own_host(tx, address.own_host)
        node_id, ipv6 = row
        is_at = (address.public or node.facts.address, address.apps_domain, node_id, ipv6)
        if was is not None and was != is_at:
            await sites_follow(tx, queue, node_id)
        tx.publish("nodes")
    return notes


async def _free_address(
    tx: Transaction, address: Address, was: tuple[str | None, str, int, str | None] | None
) -> tuple[Address, tuple[str, ...]]:
    """Nobody is asked when the environment of a process gives away what an app has: then the apps stay where they are,
    and it is told."""
    await give_names_alone(tx.connection)
    notes = []
    if was is not None and was[1] != address.apps_domain:
        _, domain, node_id, _ = was
        if why := await why_not_below(tx.connection, node_id, address.apps_domain):
            notes.append(f"{why} Until these are free, apps stay below {domain}.")
            address = replace(address, apps_domain=domain)
    if address.own_host is not None and (why := await why_not_bakerys(tx.connection, address.own_host)):
        notes.append(f"{why} It is the address of Bakery itself too.")
    return address, tuple(notes)


async def local_node_id(store: Store) -> int:
    async with store.connection() as connection:
        return int((await only(await connection.execute("SELECT id FROM nodes WHERE slug = 'local'")))[0])


async def _ensure_ingress(node: Node) -> tuple[str, ...]:
    """An nginx that cannot run keeps apps from being reached, and nobody from reading here why."""
    try:
        return await node.ingress.ensure_running() if node.ingress else ()
    except (CommandFailed, NotReady) as error:
        return (f"{error.message} {error.hint}".strip(),)


async def _machine_id(node: Node) -> str:
    """In the node's folder: what the rows say about releases and units is true there and nowhere else."""
    path = node.folders.root / _MACHINE_ID
    found = await node.transport.get(path)
    if found is None:
        found = secrets.token_hex(16).encode()
        await node.transport.put(path, found)
    return found.decode().strip()


def _noted_id(node_dir: Path) -> str | None:
    try:
        return (node_dir / _MACHINE_ID).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


def _another_machine() -> NotReady:
    return NotReady(
        "The node “local” of this database is another machine, or another folder on this one.",
        hint="Run the worker there. Here, bakery serve --role web shows and does all but take uploads: "
        "those go to the Bakery on that machine.",
    )
