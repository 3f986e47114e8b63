"""A look at the processes beside those with a port: whether each runs, which nobody can ask it itself."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bakery.delivery.glances import Glances
from bakery.model.names import AppName, Colour, EnvironmentName, ProcessName, UnitName, unit_name
from bakery.model.runtimes import Runtime
from bakery.nodes.node import Node
from bakery.nodes.units import UnitState
from bakery.store.rows import typed
from bakery.store.store import Store


@dataclass(frozen=True, slots=True)
class _Row:
    environment_id: int
    app: AppName
    environment: EnvironmentName
    runtime: Runtime
    colour: Colour
    process: ProcessName
    number: int
    is_running: bool | None
    restarts: int
    last_exit: str

    @property
    def unit(self) -> UnitName:
        return unit_name(self.app, self.environment, self.colour, self.process, self.number)


async def look_at_workers(
    store: Store, node: Node, node_id: int, runtimes: Collection[Runtime], glances: Glances
) -> Mapping[int, str]:
    """What is wrong, in a sentence for each environment whose live slot lacks one. A change is written, and told."""
    rows = await _rows(store, node_id, runtimes)
    states = await _states(node, glances, rows)
    wrong: defaultdict[int, list[str]] = defaultdict(list)
    for row in rows:
        if row.unit not in states:
            continue
        state = states[row.unit]
        await _note(store, row, state)
        if not state.is_running:
            said = f": it {state.last_exit}" if state.last_exit else ""
            wrong[row.environment_id].append(f"The process {row.process} {row.number} does not run{said}.")
    return {environment_id: " ".join(said) for environment_id, said in wrong.items()}


async def _states(node: Node, glances: Glances, rows: Sequence[_Row]) -> Mapping[UnitName, UnitState]:
    found: dict[UnitName, UnitState] = {}
    for runtime in sorted({row.runtime for row in rows}):
        names = [row.unit for row in rows if row.runtime is runtime]
        found |= await glances.states(node, runtime, *names) or {}
    return found


async def _note(store: Store, row: _Row, state: UnitState) -> None:
    last_exit = state.last_exit or row.last_exit
    if (row.is_running, row.restarts, row.last_exit) == (state.is_running, state.restarts, last_exit):
        return
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE slot_processes SET is_running = %s, restarts = %s, last_exit = %s
            WHERE environment_id = %s AND colour = %s AND process = %s AND number = %s
            """,
            (
                state.is_running,
                state.restarts,
                last_exit,
                row.environment_id,
                row.colour,
                row.process,
                row.number,
            ),
        )
        tx.publish(f"app:{row.app}")


async def _rows(store: Store, node_id: int, runtimes: Collection[Runtime]) -> list[_Row]:
    async with store.connection() as connection, connection.cursor(row_factory=typed(_Row)) as cursor:
        await cursor.execute(
            """
            SELECT environment_id, apps.slug AS app, environments.name AS environment, environments.runtime,
                   colour, process, number, is_running, slot_processes.restarts, last_exit
            FROM slot_processes JOIN slots USING (environment_id, colour)
            JOIN environments ON environments.id = environment_id JOIN apps ON apps.id = environments.app_id
            WHERE slots.state = 'live' AND NOT environments.is_stopped AND apps.deleted_at IS NULL
            AND going_since IS NULL AND environments.node_id = %s AND environments.runtime = ANY(%s)
            ORDER BY environment_id, process, number
            """,
            (node_id, list(runtimes)),
        )
        return await cursor.fetchall()
