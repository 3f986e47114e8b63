"""The programs of a slot on its node: the one with the port, and the workers beside it.

Which workers may run there is in rows: written before the node hears of them, and gone when they are. So whoever ends
a slot ends all of it, also what a release had once, and what a lower count or a kill left.
"""

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Mapping
from dataclasses import dataclass

from bakery.delivery import keeping
from bakery.delivery.keeping import Keeper
from bakery.delivery.look import Environment
from bakery.delivery.premises import Premises, Program
from bakery.model.names import Colour, UnitName
from bakery.model.processes import Instance
from bakery.model.runtimes import Runtime
from bakery.nodes.node import Node
from bakery.store.rows import typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class SlotPrograms:
    """Each verb may be said twice."""

    store: Store
    node: Node
    environment_id: int
    premises: Premises
    colour: Colour
    runtime: Runtime

    async def start_workers(self, wanted: Mapping[Instance, Program]) -> None:
        """These and no others run beside the program with the port, whatever ran there before."""
        noted = await self.workers()
        async with self.store.transaction() as tx:
            await self._note(tx, wanted)
        await self._end([instance for instance in noted if instance not in wanted])
        await _all(keeping.start(self.node, program) for program in wanted.values())

    async def end_workers(self) -> None:
        await self._end(await self.workers())

    async def stop(self) -> None:
        """All of them, until they are started again."""
        await _all(self._keeper.stop(name) for name in await self.names())
        async with self.store.transaction() as tx:
            await tx.connection.execute(
                "UPDATE slot_processes SET is_running = NULL WHERE environment_id = %s AND colour = %s",
                (self.environment_id, self.colour),
            )

    async def remove(self) -> None:
        """Workers first: they have work, and no visitors who wait."""
        await self.end_workers()
        await self._keeper.remove(self.premises.unit(self.colour))

    async def names(self) -> tuple[UnitName, ...]:
        """Of all that may run there, first what has the port."""
        beside = (self.premises.unit(self.colour, instance) for instance in await self.workers())
        return (self.premises.unit(self.colour), *beside)

    async def workers(self) -> tuple[Instance, ...]:
        async with self.store.connection() as connection, connection.cursor(row_factory=typed(Instance)) as cursor:
            await cursor.execute(
                """
                SELECT process, number FROM slot_processes WHERE environment_id = %s AND colour = %s
                ORDER BY process, number
                """,
                (self.environment_id, self.colour),
            )
            return tuple(await cursor.fetchall())

    @property
    def _keeper(self) -> Keeper:
        return keeping.keeper(self.node, self.runtime)

    async def _end(self, instances: Collection[Instance]) -> None:
        if not instances:
            return
        await _all(self._keeper.remove(self.premises.unit(self.colour, instance)) for instance in instances)
        async with self.store.transaction() as tx:
            for instance in instances:
                await tx.connection.execute(
                    """
                    DELETE FROM slot_processes
                    WHERE environment_id = %s AND colour = %s AND process = %s AND number = %s
                    """,
                    (self.environment_id, self.colour, instance.process, instance.number),
                )

    async def _note(self, tx: Transaction, instances: Iterable[Instance]) -> None:
        for instance in instances:
            await tx.connection.execute(
                """
                INSERT INTO slot_processes (environment_id, colour, process, number) VALUES (%s, %s, %s, %s)
                ON CONFLICT DO NOTHING
                """,
                (self.environment_id, self.colour, instance.process, instance.number),
            )


def slot_programs(
    store: Store, node: Node, environment: Environment, colour: Colour, runtime: Runtime | None = None
) -> SlotPrograms:
    """`runtime` is that of the release in the slot, where it may be another than its environment's is today."""
    premises = environment.premises(node)
    return SlotPrograms(store, node, environment.id, premises, colour, runtime or environment.runtime)


async def _all(works: Iterable[Awaitable[object]]) -> None:
    """At once. One that fails keeps none of the others from it."""
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
