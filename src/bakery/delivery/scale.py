"""The processes of an app, and how many of each run: asked for here, done by the worker, without a deployment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bakery.delivery import tasks
from bakery.delivery.find import find_app
from bakery.delivery.look import look_at_environment
from bakery.delivery.recipe import Recipe
from bakery.delivery.slot_programs import slot_programs
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.deployments import Health
from bakery.model.errors import BadInput, BakeryError, Conflict, NodeUnreachable, Unavailable
from bakery.model.names import AppAt, AppName, Colour, EnvironmentName, ProcessName, UnitName, unit_name
from bakery.model.permissions import Permission
from bakery.model.processes import WEB, usual_count
from bakery.nodes.node import Node
from bakery.store.queue import Queue, expect_turn
from bakery.store.rows import typed
from bakery.store.store import Connection, Store


@dataclass(frozen=True, slots=True)
class RunningInstance:
    """`name` is that of its unit or container. `is_running` None: nobody looked since it was started or stopped."""

    name: UnitName
    is_running: bool | None
    restarts: int
    last_exit: str


@dataclass(frozen=True, slots=True)
class Process:
    """Of the live release; `command` is empty where its image says it. `count` is what is wanted of it."""

    name: ProcessName
    command: tuple[str, ...]
    count: int
    instances: Sequence[RunningInstance]

    @property
    def can_scale(self) -> bool:
        return self.name != WEB


async def list_processes(store: Store, where: AppAt, *, actor: Actor) -> list[Process]:
    """First the one with the port. None while nothing is live, and of files."""
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        live = await _live(connection, app.environment_id)
        if live is None or live.port is None:
            return []
        async with connection.cursor(row_factory=typed(_Row)) as cursor:
            await cursor.execute(
                """
                SELECT process, number, is_running, restarts, last_exit FROM slot_processes
                WHERE environment_id = %s AND colour = %s ORDER BY process, number
                """,
                (app.environment_id, live.colour),
            )
            rows = await cursor.fetchall()
    return [live.web, *(live.beside(name, rows) for name in sorted({*live.processes, *(row.process for row in rows)}))]


async def scale_app(
    store: Store, queue: Queue, where: AppAt, counts: Mapping[ProcessName, int], *, actor: Actor
) -> None:
    """From now on so many run, also of later releases. What is not named stays as it is."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        await tx.connection.execute("SELECT FROM apps WHERE id = %s FOR UPDATE", (app.id,))
        live = await _live(tx.connection, app.environment_id)
        if live is None:
            raise Conflict(
                f"{where} was never deployed.", hint="Its first deployment finds out which processes it has."
            )
        _expect_known(where, live, counts)
        before = {name: live.count(name) for name in counts}
        changed = {name: count for name, count in counts.items() if count != before[name]}
        for name, count in changed.items():
            await tx.connection.execute(
                """
                INSERT INTO process_counts (environment_id, process, count) VALUES (%s, %s, %s)
                ON CONFLICT (environment_id, process) DO UPDATE SET count = excluded.count
                """,
                (app.environment_id, name, count),
            )
        if not changed:
            return
        await queue.enqueue(tx, tasks.SCALE, app.environment_id, lock=tasks.environment_lock(app.environment_id))
        tx.publish(f"app:{where.app}")
        was, becomes = ({str(name): known[name] for name in changed} for known in (before, changed))
        tx.record(
            AuditEntry(actor, "app.scaled", "app", str(app.id), where.app, app_id=app.id, before=was, after=becomes)
        )


async def scale(store: Store, node: Node, environment_id: int) -> None:
    """Makes the node agree. What serves visitors is not touched."""
    environment = await look_at_environment(store, environment_id)
    live = environment.live if environment else None
    if environment is None or live is None or live.release is None or environment.is_stopped:
        return
    programs = slot_programs(store, node, environment, live.colour)
    failure = ""
    await expect_turn()
    try:
        await programs.start_workers(environment.premises(node).workers(live.release, live.colour))
    except (Unavailable, NodeUnreachable):
        raise
    except BakeryError as error:
        failure = error.message
    async with store.transaction() as tx:
        if failure:
            await tx.connection.execute(
                """
                UPDATE slot_processes SET is_running = false, last_exit = %s
                WHERE environment_id = %s AND colour = %s AND is_running IS NULL
                """,
                (failure, environment_id, live.colour),
            )
        tx.publish(f"app:{environment.app}")


@dataclass(frozen=True, slots=True)
class _Row:
    process: ProcessName
    number: int
    is_running: bool | None
    restarts: int
    last_exit: str


@dataclass(frozen=True, slots=True)
class _Live:
    """The live slot, and what its release is made of."""

    app: AppName
    environment: EnvironmentName
    colour: Colour
    port: int | None
    health: Health
    health_note: str
    restarts: int
    command: tuple[str, ...] | None
    recipe: Recipe | None
    counts: Mapping[ProcessName, int]

    @property
    def processes(self) -> Mapping[ProcessName, tuple[str, ...]]:
        return self.recipe.processes if self.recipe else {}

    def count(self, name: ProcessName) -> int:
        return 1 if name == WEB else self.counts.get(name, usual_count(name))

    @property
    def web(self) -> Process:
        is_running = None if self.health is Health.UNKNOWN else self.health is Health.HEALTHY
        name, said = unit_name(self.app, self.environment, self.colour), "" if is_running else self.health_note
        command = self.command or (self.recipe.start if self.recipe else ())
        return Process(WEB, command, 1, [RunningInstance(name, is_running, self.restarts, said)])

    def beside(self, name: ProcessName, rows: Sequence[_Row]) -> Process:
        """One that is about to end is not in its release any more, and wanted no more."""
        return Process(
            name,
            self.processes.get(name, ()),
            self.count(name) if name in self.processes else 0,
            [
                RunningInstance(
                    unit_name(self.app, self.environment, self.colour, name, row.number),
                    row.is_running,
                    row.restarts,
                    row.last_exit,
                )
                for row in rows
                if row.process == name
            ],
        )


async def _live(connection: Connection, environment_id: int) -> _Live | None:
    async with connection.cursor(row_factory=typed(_Live)) as cursor:
        await cursor.execute(
            """
            SELECT apps.slug AS app, environments.name AS environment, slots.colour, slots.port, slots.health,
                   slots.health_note, slots.restarts, releases.command, builds.recipe,
                   (SELECT coalesce(jsonb_object_agg(process, count), '{}') FROM process_counts
                    WHERE process_counts.environment_id = environments.id) AS counts
            FROM slots JOIN environments ON environments.id = slots.environment_id
            JOIN apps ON apps.id = environments.app_id
            JOIN releases ON releases.id = slots.release_id JOIN builds ON builds.id = releases.build_id
            WHERE slots.environment_id = %s AND slots.state = 'live'
            """,
            (environment_id,),
        )
        return await cursor.fetchone()


def _expect_known(where: AppAt, live: _Live, counts: Mapping[ProcessName, int]) -> None:
    known = [WEB, *sorted(live.processes)] if live.port is not None else []
    for name in counts:
        if name not in known:
            named = f"It has: {', '.join(known)}." if known else "It is files, and nothing of it runs."
            hint = f"{named} A Procfile or [run] processes in bakery.toml names others."
            raise BadInput(f"The live release of {where} has no process {name}.", field="counts", hint=hint)
