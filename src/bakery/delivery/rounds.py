"""Looking after the apps of a node that this process holds: what is meant to run does, what was begun goes on, what is
left over goes, and whoever looks at a page sees how its app is doing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from functools import partial

import psycopg
import structlog

from bakery.delivery import tasks
from bakery.delivery.baking import judge_new_releases
from bakery.delivery.keeping import APART, keeper
from bakery.delivery.look import look_at_environment
from bakery.delivery.node_drift import look_by_itself
from bakery.delivery.pruning import prune_in_time
from bakery.delivery.request import put_in_line
from bakery.delivery.slot_programs import slot_programs
from bakery.delivery.watch import Watch
from bakery.model.deployments import SlotState
from bakery.model.errors import BakeryError, Unavailable
from bakery.model.runtimes import Runtime
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.store.transaction import Transaction

log = structlog.get_logger()

_LOOK_EVERY = 5.0
_TIDY_EVERY = 300.0
_KEEP_LOGS_EVERY = 60.0
_COMPARE_EVERY = 15.0  # whether its time has come
_PAUSE = 5.0
_UPLOADED_LONG_AGO = 3600.0  # seconds: one that arrives right now has no deployment yet


async def look_after_apps(
    store: Store, queue: Queue, links: Links, node_id: int, *, drift_every: timedelta | None
) -> None:
    """For as long as the node is ours, and answers. A round that fails is made again. `drift_every` None: nobody looks
    by itself for what is otherwise there."""
    async with asyncio.TaskGroup() as group:
        watches = [Watch(store, queue, links, node_id, runtimes) for runtimes in APART]
        group.create_task(_keep_judging(store, queue, node_id, watches))
        for watching in watches:
            group.create_task(_keep_watching(watching, node_id))
        for runtimes in APART:
            group.create_task(_until_done(partial(resume, store, queue, links, node_id, runtimes), node_id))
        group.create_task(_keep_tidy(store, queue, links, node_id))
        group.create_task(_keep_logs(links, node_id))
        if drift_every is not None:
            group.create_task(_keep_comparing(store, queue, links, node_id, drift_every))


async def _keep_comparing(store: Store, queue: Queue, links: Links, node_id: int, every: timedelta) -> None:
    async def once() -> None:
        await look_by_itself(store, queue, links, node_id, every=every)

    while True:
        await _until_done(once, node_id)
        await asyncio.sleep(_COMPARE_EVERY)


async def _keep_watching(watching: Watch, node_id: int) -> None:
    while True:
        await _until_done(watching.look_in_time, node_id)
        await asyncio.sleep(watching.pause)


async def _keep_judging(store: Store, queue: Queue, node_id: int, watches: Sequence[Watch]) -> None:
    def kept_for(environment_id: int, release_id: int) -> float:
        """One of them looks at it, and the others know nothing."""
        return max(watching.kept_for(environment_id, release_id) for watching in watches)

    async def once() -> None:
        await end_warm_slots(store, queue, node_id)
        await judge_new_releases(store, queue, node_id, kept_for)

    while True:
        await _until_done(once, node_id)
        await asyncio.sleep(_LOOK_EVERY)


async def _keep_logs(links: Links, node_id: int) -> None:
    async def once() -> None:
        await (await links.node(node_id)).homes.keep_logs()

    while True:
        await _until_done(once, node_id)
        await asyncio.sleep(_KEEP_LOGS_EVERY)


async def _keep_tidy(store: Store, queue: Queue, links: Links, node_id: int) -> None:
    while True:
        await _until_done(lambda: tidy(store, queue, links, node_id), node_id)
        await asyncio.sleep(_TIDY_EVERY)


async def resume(
    store: Store, queue: Queue, links: Links, node_id: int, runtimes: Collection[Runtime] = tuple(Runtime)
) -> None:
    """What runs as one of these. When we come to it: after its start, after ours, or when it was away."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT DISTINCT environment_id FROM slots JOIN environments ON environments.id = environment_id
            WHERE environments.node_id = %s AND slots.state IN ('live', 'retiring', 'warm')
            AND environments.runtime = ANY(%s) ORDER BY 1
            """,
            (node_id, list(runtimes)),
        )
        environments = [environment for (environment,) in await cursor.fetchall()]
    if not environments:
        return
    node = await links.node(node_id)
    for environment_id in environments:
        if await _is_unsettled(store, node, environment_id):
            async with store.transaction() as tx:
                await _put_in_line(tx, queue, tasks.SETTLE, environment_id)


async def tidy(store: Store, queue: Queue, links: Links, node_id: int) -> None:
    """From time to time: uploads that nobody deploys go, and what deployments could not take away."""
    await _forget_uploads(store, await links.node(node_id))
    await _settle_those_with(store, queue, node_id, (SlotState.RETIRING, SlotState.STARTING))
    await prune_in_time(store, queue, links, node_id)


async def end_warm_slots(store: Store, queue: Queue, node_id: int) -> None:
    """Whose time is over."""
    await _settle_those_with(store, queue, node_id, ())


async def _settle_those_with(store: Store, queue: Queue, node_id: int, states: Collection[SlotState]) -> None:
    """A slot in one of these states, or warm for too long."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            SELECT DISTINCT environment_id FROM slots JOIN environments ON environments.id = environment_id
            WHERE environments.node_id = %s AND (slots.state = ANY(%s) OR slots.warm_until < now()) AND NOT EXISTS (
                SELECT FROM deployments WHERE environment_id = environments.id AND state = 'running')
            ORDER BY 1
            """,
            (node_id, [str(state) for state in states]),
        )
        for (environment_id,) in await cursor.fetchall():
            await _put_in_line(tx, queue, tasks.SETTLE, environment_id)


async def find_lost_work(store: Store, queue: Queue) -> None:
    """Work that the queue gave up, because of a mistake of ours or of a machine, gets its place again."""
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
            """
            SELECT environments.id FROM environments JOIN apps ON apps.id = app_id
            WHERE deleted_at IS NOT NULL OR going_since IS NOT NULL
            """
        )
        for (environment_id,) in await deleted.fetchall():
            await _put_in_line(tx, queue, tasks.DELETE_APP, environment_id)


async def _put_in_line(tx: Transaction, queue: Queue, task: str, environment_id: int) -> None:
    if not await queue.has(tx, task, environment_id):
        await queue.enqueue(tx, task, environment_id, lock=tasks.environment_lock(environment_id))


async def _is_unsettled(store: Store, node: Node, environment_id: int) -> bool:
    environment = await look_at_environment(store, environment_id)
    if environment is None:
        return False
    if any(slot.state is SlotState.RETIRING for slot in environment.slots.values()):
        return True
    live = environment.live
    if live is None or live.port is None:
        return False
    if live.release is None:
        return False
    noted = await slot_programs(store, node, environment, live.colour).names()
    wanted = {program.name for program in environment.premises(node).programs(live.release, live.colour, live.port)}
    if not environment.is_stopped and wanted != set(noted):
        return True
    states = await keeper(node, environment.runtime).states(*noted)
    return any(state.is_running is environment.is_stopped for state in states.values())


async def _forget_uploads(store: Store, node: Node) -> None:
    """Archives that no deployment is going to unpack any more."""
    found = {name for name, age in (await node.homes.uploads()).items() if age > _UPLOADED_LONG_AGO}
    if not found:
        return
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


async def _until_done(look: Callable[[], Awaitable[None]], node_id: int) -> None:
    while True:
        try:
            await look()
        except* (BakeryError, psycopg.OperationalError, OSError) as errors:
            is_away = errors.subgroup((Unavailable, psycopg.OperationalError)) is not None
            level = logging.DEBUG if is_away else logging.WARNING
            log.log(level, "round_failed", node=node_id, error=str(errors.exceptions[0]))
        else:
            return
        await asyncio.sleep(_PAUSE)
