"""A light look at what is live on a node: pages say Healthy or Down within seconds."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from bakery.delivery.keeping import keeper
from bakery.delivery.slots import set_health
from bakery.model.apps import Runtime
from bakery.model.deployments import Health
from bakery.model.names import AppName, Colour, EnvironmentName, Port, unit_name
from bakery.nodes.health import ask_app
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.store.rows import typed
from bakery.store.store import Store

FAILURES_ALLOWED = 2  # one answer may come late without anything being wrong
_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class _LiveSlot:
    environment_id: int
    app: str
    environment: str
    runtime: Runtime
    colour: Colour
    port: int
    release_id: int
    health: Health
    health_note: str
    health_path: str | None


class Watch:
    """Remembers how often in a row each slot did not answer."""

    def __init__(self, store: Store, links: Links, node_id: int) -> None:
        self._store = store
        self._links = links
        self._node_id = node_id
        self._failures: Counter[tuple[int, int]] = Counter()

    async def look(self) -> None:
        """At every live slot once. Only a change is written, and told to open pages. Raises NodeUnreachable: what is
        known of the apps stays until the node answers."""
        slots = await self._live_slots()
        self._failures = Counter({key: self._failures[key] for key in map(_key, slots)})
        if not slots:
            return
        node, limit = await self._links.node(self._node_id), asyncio.Semaphore(_AT_ONCE)

        async def look_at(slot: _LiveSlot) -> None:
            async with limit:
                await self._look_at(node, slot)

        async with asyncio.TaskGroup() as group:
            for slot in slots:
                group.create_task(look_at(slot))

    async def _look_at(self, node: Node, slot: _LiveSlot) -> None:
        answer = await ask_app(node.transport, Port(slot.port), slot.health_path)
        if answer.is_well:
            self._failures[_key(slot)] = 0
            await self._note(slot, Health.HEALTHY, "")
            return
        self._failures[_key(slot)] += 1
        if self._failures[_key(slot)] >= FAILURES_ALLOWED:
            unit = unit_name(AppName(slot.app), EnvironmentName(slot.environment), slot.colour)
            state = await keeper(node, slot.runtime).state(unit)
            ended = f" Its process {state.last_exit}." if not state.is_running and state.last_exit else ""
            await self._note(slot, Health.DOWN, f"{answer.said}.{ended}")

    async def _note(self, slot: _LiveSlot, health: Health, note: str) -> None:
        if (slot.health, slot.health_note) == (health, note):
            return
        async with self._store.transaction() as tx:
            if not await set_health(tx, slot.environment_id, slot.colour, slot.release_id, health, note):
                return
            if slot.health is not health:
                tx.publish("apps")
            tx.publish(f"app:{slot.app}")

    async def _live_slots(self) -> list[_LiveSlot]:
        async with (
            self._store.connection() as connection,
            connection.cursor(row_factory=typed(_LiveSlot)) as cursor,
        ):
            await cursor.execute(
                """
                SELECT slots.environment_id, apps.slug AS app, environments.name AS environment,
                       environments.runtime, slots.colour, slots.port, slots.release_id, slots.health,
                       slots.health_note, releases.health_path
                FROM slots JOIN environments ON environments.id = slots.environment_id
                JOIN apps ON apps.id = environments.app_id JOIN releases ON releases.id = slots.release_id
                WHERE slots.state = 'live' AND slots.port IS NOT NULL AND NOT environments.is_stopped
                AND apps.deleted_at IS NULL AND environments.node_id = %s
                """,
                (self._node_id,),
            )
            return await cursor.fetchall()


def _key(slot: _LiveSlot) -> tuple[int, int]:
    return slot.environment_id, slot.release_id
