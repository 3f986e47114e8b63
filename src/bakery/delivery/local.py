"""This machine as the node `local`: its row, and what has to run on it."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from psycopg.types.json import Jsonb

from bakery.delivery import tasks
from bakery.delivery.look import look_at_environment
from bakery.delivery.request import put_in_line
from bakery.model.apps import Runtime
from bakery.model.deployments import SlotState
from bakery.model.errors import CommandFailed, Conflict, NotReady
from bakery.nodes.node import Node
from bakery.store.queue import Queue
from bakery.store.rows import only
from bakery.store.store import Store

_MACHINE_ID = "machine-id"
_UPLOADED_LONG_AGO = 3600.0  # seconds: one that arrives right now has no deployment yet


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
    """Where the apps of this machine are reached."""

    public: str | None
    apps_domain: str


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


async def ensure_local_node(store: Store, machine: Machine, address: Address) -> tuple[str, ...]:
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
        cursor = await tx.connection.execute(
            """
            INSERT INTO nodes (slug, kind, name, machine_id, facts, site_port, public_address, apps_domain)
            VALUES ('local', 'local', 'This machine', %(machine)s, %(facts)s, %(port)s, %(public)s, %(domain)s)
            ON CONFLICT (slug) DO UPDATE SET facts = excluded.facts, site_port = excluded.site_port,
                public_address = excluded.public_address, apps_domain = excluded.apps_domain, seen_at = now()
            WHERE nodes.machine_id = excluded.machine_id RETURNING id
            """,
            {
                "machine": await _machine_id(node),
                "facts": Jsonb(facts),
                "port": node.ingress.port if node.ingress else None,
                "public": address.public or node.facts.address,
                "domain": address.apps_domain,
            },
        )
        if await cursor.fetchone() is None:
            raise _another_machine()
        tx.publish("nodes")
    return notes


async def local_node_id(store: Store) -> int:
    async with store.connection() as connection:
        return int((await only(await connection.execute("SELECT id FROM nodes WHERE slug = 'local'")))[0])


async def _ensure_ingress(node: Node) -> tuple[str, ...]:
    """An nginx that cannot run keeps apps from being reached, and nobody from reading here why."""
    try:
        return await node.ingress.ensure_running() if node.ingress else ()
    except (CommandFailed, NotReady) as error:
        return (f"{error.message} {error.hint}".strip(),)


async def resume_local(store: Store, queue: Queue, machine: Machine) -> None:
    """After a start: what is meant to run does, what was begun goes on, what is left over goes."""
    node = await machine.node()
    await _find_lost_work(store, queue)
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT DISTINCT environment_id FROM slots WHERE state IN ('live', 'retiring') ORDER BY 1"
        )
        environments = [environment for (environment,) in await cursor.fetchall()]
    for environment_id in environments:
        if await _is_unsettled(store, node, environment_id):
            async with store.transaction() as tx:
                await queue.enqueue(tx, tasks.SETTLE, environment_id, lock=tasks.environment_lock(environment_id))


async def tidy_local(store: Store, queue: Queue, machine: Machine) -> None:
    """From time to time: uploads that nobody deploys go, and old releases that could not be stopped when replaced."""
    await _forget_uploads(store, await machine.node())
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            SELECT DISTINCT environment_id FROM slots WHERE state = 'retiring' AND NOT EXISTS (
                SELECT FROM deployments WHERE environment_id = slots.environment_id AND state = 'running')
            ORDER BY 1
            """
        )
        for (environment_id,) in await cursor.fetchall():
            await queue.enqueue(tx, tasks.SETTLE, environment_id, lock=tasks.environment_lock(environment_id))


async def _find_lost_work(store: Store, queue: Queue) -> None:
    """Work that the queue gave up, because of a mistake of ours or of the machine, gets its place again."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            SELECT id, environment_id, CASE WHEN state = 'scheduled' THEN scheduled_at END, job_id
            FROM deployments WHERE ended_at IS NULL ORDER BY id FOR UPDATE
            """
        )
        begun = await cursor.fetchall()
        in_line = await queue.unfinished(tx, [job_id for *_, job_id in begun if job_id is not None])
        for deployment_id, environment_id, at, job_id in begun:
            if job_id not in in_line:
                await put_in_line(tx, queue, deployment_id, environment_id, at)
        deleted = await tx.connection.execute(
            "SELECT environments.id FROM environments JOIN apps ON apps.id = app_id WHERE deleted_at IS NOT NULL"
        )
        for (environment_id,) in await deleted.fetchall():
            lock = tasks.environment_lock(environment_id)
            await queue.enqueue(tx, tasks.DELETE_APP, environment_id, lock=lock)


async def _is_unsettled(store: Store, node: Node, environment_id: int) -> bool:
    environment = await look_at_environment(store, environment_id)
    if environment is None:
        return False
    if any(slot.state is SlotState.RETIRING for slot in environment.slots.values()):
        return True
    live = environment.live
    if live is None or live.port is None or environment.runtime is not Runtime.PROCESS:
        return False
    state = await node.units.state(environment.premises(node).unit(live.colour))
    return state.is_running is environment.is_stopped


async def _forget_uploads(store: Store, node: Node) -> None:
    """Archives that no deployment is going to unpack any more."""
    found = {name for name, age in (await node.homes.uploads()).items() if age > _UPLOADED_LONG_AGO}
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT archive FROM builds JOIN releases ON releases.build_id = builds.id
            JOIN deployments ON deployments.release_id = releases.id WHERE deployments.ended_at IS NULL
            """
        )
        needed = {archive for (archive,) in await cursor.fetchall()}
    for name in found - needed:
        await node.homes.remove_upload(name)


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
