"""Taking away what lies on a node and nobody needs: what may be another's at the same moment goes under its lock."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import structlog

from bakery.delivery import tasks
from bakery.delivery.find import node_of_environment
from bakery.delivery.leftovers import DAY, HOUR, Kind, Known, Leftover, Rows, left_over, strangers
from bakery.delivery.look import look_at_environment
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BakeryError, NodeUnreachable, Unavailable
from bakery.model.names import AppName, Colour, EnvironmentName, SiteName, UnitName
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.nodes.catalogue import show_node
from bakery.nodes.disk import Found, Space
from bakery.nodes.homes import Place
from bakery.nodes.jobs import JobKey
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.store.lanes import Lane
from bakery.store.queue import Queue, expect_turn
from bakery.store.store import Store
from bakery.store.transaction import Transaction

log = structlog.get_logger()

_LOOK_WITHIN = 60.0  # somebody waits
SCARCE = 2 * 1024**3  # bytes that are free
# Of these environments, and of whichever else needs one of these builds, wherever it lives. Each EXISTS is a plain
# equality, which PostgreSQL looks up for all releases at once.
_NEEDED = """
SELECT environment_id, number, build_id FROM releases
WHERE (environment_id = ANY(%(environments)s) OR build_id = ANY(%(builds)s)) AND (
    (removed_at IS NULL AND (live_at IS NOT NULL OR kept_until > now()))
    OR EXISTS (SELECT FROM slots WHERE slots.release_id = releases.id)
    OR EXISTS (SELECT FROM deployments WHERE deployments.release_id = releases.id AND ended_at IS NULL)
    OR EXISTS (SELECT FROM deployments WHERE deployments.environment_id = releases.environment_id
               AND back_to = releases.number AND ended_at IS NULL))
"""
_ENVIRONMENTS = """
SELECT environments.id, apps.slug, environments.name, runtime,
       deleted_at IS NOT NULL OR going_since IS NOT NULL OR EXISTS (
           SELECT FROM deployments WHERE environment_id = environments.id AND state = 'running'),
       array(SELECT colour FROM slots WHERE environment_id = environments.id AND state <> 'idle')
FROM environments JOIN apps ON apps.id = app_id WHERE node_id = %(node)s
AND (%(place)s::text IS NULL OR (apps.slug, environments.name) = (%(app)s, %(place)s))
"""
# What never was live, and whose deployment could not take all of it away.
_FORGET = """
UPDATE releases SET removed_at = now() WHERE environment_id = %(environment)s AND live_at IS NULL
AND removed_at IS NULL AND (kept_until IS NULL OR kept_until < now())
AND id NOT IN (SELECT release_id FROM slots WHERE release_id IS NOT NULL)
AND NOT EXISTS (SELECT FROM deployments WHERE deployments.environment_id = releases.environment_id
                AND ended_at IS NULL AND (release_id = releases.id OR back_to = releases.number))
"""

_NOT_OURS = (
    "What Docker keeps of builds is left alone, because there are images or containers of others on this machine. To "
    "take it away: docker builder prune"
)


@dataclass(frozen=True, slots=True)
class Prunable:
    """What would go now, and what is free."""

    space: Space
    leftovers: tuple[Leftover, ...]
    notes: tuple[str, ...]

    @property
    def bytes(self) -> int:
        return sum(leftover.bytes for leftover in self.leftovers)


async def what_would_go(store: Store, links: Links, slug: str, *, actor: Actor) -> Prunable:
    actor.require(Permission.MANAGE_NODES)
    shown = await show_node(store, slug, actor=actor)
    try:
        async with asyncio.timeout(_LOOK_WITHIN):
            node = await links.node(shown.id)
            space, found = await _space(node), await node.disk.found()
    except TimeoutError as error:
        raise NodeUnreachable(
            f"{slug} did not count what lies there within {_LOOK_WITHIN:.0f} s.", hint="Is it very busy? Ask again."
        ) from error
    leftovers = left_over(found, await _read_rows(store, shown.id, None, found), is_scarce=is_scarce(space))
    return Prunable(space, leftovers, _notes(found))


async def prune_node(store: Store, queue: Queue, slug: str, *, actor: Actor) -> None:
    """The worker does it."""
    actor.require(Permission.MANAGE_NODES)
    node = await show_node(store, slug, actor=actor)
    async with store.transaction() as tx:
        await queue.enqueue(tx, tasks.PRUNE_NODE, node.id, lock=tasks.pruning_lock(node.id))
        tx.record(AuditEntry(actor, "node.pruned", "node", str(node.id), slug))


async def prune_in_time(store: Store, queue: Queue, links: Links, node_id: int) -> None:
    """Once a day, and every hour while the disk is nearly full."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT extract(epoch FROM now() - pruned_at)::float FROM nodes WHERE id = %s", (node_id,)
        )
        (ago,) = await cursor.fetchone() or (0.0,)
    if ago < HOUR or (ago < DAY and not is_scarce(await _space(await links.node(node_id)))):
        return
    async with store.transaction() as tx:
        if not await queue.has(tx, tasks.PRUNE_NODE, node_id):
            await queue.enqueue(tx, tasks.PRUNE_NODE, node_id, lock=tasks.pruning_lock(node_id))


def is_scarce(space: Space) -> bool:
    return min(room.free for room in (space.node, space.docker) if room) < SCARCE


async def prune(store: Store, queue: Queue, node: Node, node_id: int) -> None:
    """What lies in an environment goes when its lock is free."""
    leftovers = await _look(store, node, node_id)
    waiting = {leftover.environment for leftover in leftovers if leftover.environment is not None}
    waiting |= await _undone(store, node_id)
    async with store.transaction() as tx:
        waiting -= await queue.subjects(tx, (tasks.PRUNE_ENVIRONMENT,))
        for environment_id in sorted(waiting):
            lock = tasks.environment_lock(environment_id)
            await queue.enqueue(tx, tasks.PRUNE_ENVIRONMENT, environment_id, lock=lock, lane=Lane.TIDYING)
    await _take_away_shared(store, node, leftovers)
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE nodes SET pruned_at = now() WHERE id = %s", (node_id,))


async def prune_shared(store: Store, node: Node, node_id: int, *, must_free: bool) -> int:
    """What is nobody's alone, at once. How many bytes went, about."""
    return await _take_away_shared(store, node, await _look(store, node, node_id, must_free=must_free))


async def prune_environment(store: Store, node: Node, environment_id: int) -> None:
    """Under its lock: nothing of it is deployed, started or deleted meanwhile."""
    environment = await look_at_environment(store, environment_id)
    if environment is None:
        return
    node_id = await node_of_environment(store, environment_id)
    if node_id is None:
        return
    leftovers = await _look(store, node, node_id, environment.premises(node).place)
    _, is_whole = await _take_away(store, node, [one for one in leftovers if one.environment == environment_id])
    if is_whole:
        await expect_turn()
        async with store.transaction() as tx:
            await tx.connection.execute(_FORGET, {"environment": environment_id})


async def _look(
    store: Store, node: Node, node_id: int, place: Place | None = None, *, must_free: bool = False
) -> tuple[Leftover, ...]:
    found = await node.disk.found(place)
    return left_over(
        found, await _read_rows(store, node_id, place, found), is_scarce=must_free or is_scarce(await _space(node))
    )


async def _take_away_shared(store: Store, node: Node, leftovers: Iterable[Leftover]) -> int:
    return (await _take_away(store, node, [leftover for leftover in leftovers if leftover.environment is None]))[0]


async def _take_away(store: Store, node: Node, leftovers: Iterable[Leftover]) -> tuple[int, bool]:
    """How many bytes went, and whether all of it did. One that cannot go keeps none of the others from it."""
    freed, is_whole = 0, True
    for leftover in leftovers:
        try:
            if leftover.environment is None and leftover.place and await _is_there(store, leftover):
                continue  # an app of this name was created meanwhile
            await expect_turn()
            await _remove(node, leftover)
        except (Unavailable, NodeUnreachable):
            raise
        except BakeryError as error:
            is_whole = False
            log.warning("leftover_stays", kind=leftover.kind, name=leftover.name, error=error.message)
        else:
            freed += leftover.bytes
            log.info("leftover_removed", kind=leftover.kind, name=leftover.name, bytes=leftover.bytes)
    return freed, is_whole


async def _remove(node: Node, leftover: Leftover) -> None:
    """Each may be done again."""
    match leftover.kind:
        case Kind.PROGRAM:
            await node.units.remove(UnitName(leftover.name))
        case Kind.SITE:
            if node.ingress is not None:
                await node.ingress.remove_site(SiteName(leftover.name))
        case Kind.UPLOAD:
            await node.homes.remove_upload(leftover.name)
        case Kind.JOB:
            await node.jobs.cancel(JobKey(leftover.name))
            await node.jobs.remove(JobKey(leftover.name))
        case Kind.HOME | Kind.RELEASE | Kind.TOOLS | Kind.SOURCE:
            await _remove_files(node, leftover, Place(AppName(leftover.app), EnvironmentName(leftover.place)))
        case _:
            await _remove_of_docker(node, leftover)


async def _remove_files(node: Node, leftover: Leftover, place: Place) -> None:
    match leftover.kind:
        case Kind.HOME:
            await node.homes.remove(place)
        case Kind.RELEASE:
            await node.homes.remove_release(place, leftover.number)
        case Kind.SOURCE:
            await node.sources.forget(place)
        case _:
            await node.disk.forget_tools(place)


async def _remove_of_docker(node: Node, leftover: Leftover) -> None:
    match leftover.kind:
        case Kind.CONTAINER:
            await node.containers.remove(UnitName(leftover.name))
        case Kind.IMAGE:
            await node.images.remove(AppName(leftover.app), leftover.number)
        case Kind.NAMELESS_IMAGES:
            await node.disk.forget_nameless_images()
        case _:
            await node.disk.shrink_build_cache(leftover.number)


async def _space(node: Node) -> Space:
    return await node.disk.space(with_docker=node.facts.has_docker)


async def _is_there(store: Store, leftover: Leftover) -> bool:
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT FROM environments JOIN apps ON apps.id = app_id WHERE slug = %s AND environments.name = %s",
            (leftover.app, leftover.place),
        )
        return await cursor.fetchone() is not None


async def _undone(store: Store, node_id: int) -> set[int]:
    """Environments with releases whose deployment failed, and could not say that all of it is away."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT DISTINCT environment_id FROM releases JOIN environments ON environments.id = environment_id
            WHERE node_id = %s AND live_at IS NULL AND removed_at IS NULL
            AND (kept_until IS NULL OR kept_until < now()) AND NOT EXISTS (
                SELECT FROM deployments WHERE deployments.environment_id = environments.id AND ended_at IS NULL)
            """,
            (node_id,),
        )
        return {int(environment) for (environment,) in await cursor.fetchall()}


async def _read_rows(store: Store, node_id: int, place: Place | None, found: Found) -> Rows:
    """In one snapshot. With a place, what was found is that environment's, and so are the rows."""
    async with store.transaction() as tx:
        await tx.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        here = {"node": node_id, "app": place and place.app, "place": place and place.environment}
        environments = await (await tx.connection.execute(_ENVIRONMENTS, here)).fetchall()
        which = {
            "environments": [environment for environment, *_ in environments],
            "builds": [image.build for image in found.images],
        }
        releases: defaultdict[int, set[int]] = defaultdict(set)
        needed_builds: set[int] = set()
        for environment_id, number, build in await (await tx.connection.execute(_NEEDED, which)).fetchall():
            releases[environment_id].add(number)
            needed_builds.add(build)
        known = {
            (app, name): Known(
                id=environment_id,
                runtime=Runtime(runtime),
                is_busy=is_busy,
                used=tuple(map(Colour, used)),
                releases=releases[environment_id],
            )
            for environment_id, app, name, runtime, is_busy, used in environments
        }
        ends = await _ends(tx, [job.key for job in found.jobs])
        return Rows(
            environments=known,
            deleted=await _deleted(tx, strangers(found, known)),
            builds=needed_builds,
            archives=await _awaited(tx, [upload.name for upload in found.uploads]),
            jobs={key for key, is_over in ends if not is_over},
            over={key for key, is_over in ends if is_over},
        )


async def _deleted(tx: Transaction, apps: Collection[str]) -> set[str]:
    """Those of them that were deleted once."""
    if not apps:
        return set()
    cursor = await tx.connection.execute(
        """
        SELECT DISTINCT target_label FROM audit
        WHERE action = 'app.deleted' AND target_kind = 'app' AND target_label = ANY(%s)
        """,
        (list(apps),),
    )
    return {str(slug) for (slug,) in await cursor.fetchall()}


async def _awaited(tx: Transaction, archives: Collection[str]) -> set[str]:
    """Those of them that a deployment is going to unpack."""
    if not archives:
        return set()
    cursor = await tx.connection.execute(
        """
        SELECT archive FROM builds JOIN releases ON releases.build_id = builds.id
        JOIN deployments ON deployments.release_id = releases.id
        WHERE deployments.ended_at IS NULL AND archive = ANY(%s)
        """,
        (list(archives),),
    )
    return {str(archive) for (archive,) in await cursor.fetchall()}


async def _ends(tx: Transaction, keys: Collection[str]) -> list[tuple[str, bool]]:
    """Of the jobs that somebody knows: whether that was a step of a deployment that has ended."""
    if not keys:
        return []
    cursor = await tx.connection.execute(
        """
        SELECT job_key, deployments.ended_at IS NOT NULL
        FROM steps JOIN deployments ON deployments.id = deployment_id WHERE job_key = ANY(%(found)s)
        UNION ALL SELECT key, false FROM jobs WHERE cleared_at IS NULL AND key = ANY(%(found)s)
        """,
        {"found": list(keys)},
    )
    return [(str(key), bool(is_over)) for key, is_over in await cursor.fetchall()]


def _notes(found: Found) -> tuple[str, ...]:
    if found.build_cache and found.build_cache.bytes and not found.build_cache.is_ours:
        return (_NOT_OURS,)
    return ()
