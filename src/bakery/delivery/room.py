"""Room for a deployment on its node: looked for before it makes anything, and noted when it has made it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bakery.delivery.find import node_of_deployment
from bakery.delivery.planned import Copy, Fetch, Make, Pull, Unpack
from bakery.delivery.pruning import prune_shared
from bakery.delivery.space import BUILDS_COUNTED, Lack, what_lacks
from bakery.delivery.work import StepFailed, Work
from bakery.model.errors import BakeryError, CommandFailed, Unavailable
from bakery.model.runtimes import Runtime
from bakery.model.sizes import shown_bytes
from bakery.nodes.disk import Space
from bakery.store.ending import end_tasks

_MAKES_FIRST = Fetch | Unpack | Copy | Pull


@asynccontextmanager
async def space_asked_for(work: Work) -> AsyncIterator[None]:
    """Where something is going to be made, the node is asked while the first rows are written."""
    if any(isinstance(step.action, _MAKES_FIRST) for step in work.plan.steps):
        work.space = asyncio.create_task(_space(work))
    try:
        yield
    finally:
        if work.space is not None:
            await end_tasks(work.space)


async def expect_room(work: Work, action: Make) -> None:
    """Before the first step that makes something. Raises StepFailed when there is too little, and pruning frees too
    little."""
    if not isinstance(action, _MAKES_FIRST):
        return
    try:
        await _expect_room(work)
    except CommandFailed as error:  # as of an older helper: whether there is room shows itself
        work.log.write(f"How much room is left cannot be found out: {error.message}")


async def _expect_room(work: Work) -> None:
    last = await _last_builds(work)
    lack = await _lack(work, last)
    if lack is None:
        return
    work.log.write(f"{shown_bytes(lack.room.free)} are free at {lack.room.path}: Bakery prunes first.")
    node_id = await node_of_deployment(work.store, work.deployment.id)
    freed = await prune_shared(work.store, work.node, node_id, must_free=True) if node_id is not None else 0
    lack = await _lack(work, last)
    if lack is None:
        work.log.write(f"Pruning freed about {shown_bytes(freed)}. That is room enough.")
        return
    node = work.node.name
    raise StepFailed(
        lack.said(freed),
        hint=f"Delete what nobody needs, or give the machine a larger disk, then deploy again. What Bakery itself can "
        f"take away there: bakery nodes prune {node} --dry-run",
    )


async def note_size(work: Work) -> None:
    """For whoever builds next. It does not matter when that cannot be found out."""
    release = work.deployment.release
    goes_back = work.deployment.goes_back and work.deployment.retry_of is None
    if goes_back or release.files_of is not None:
        return
    try:
        taken = await _size(work)
    except Unavailable:
        raise
    except (BakeryError, OSError):
        return
    async with work.store.transaction() as tx:
        await tx.connection.execute("UPDATE builds SET bytes = %s WHERE id = %s", (taken, release.build))


async def _size(work: Work) -> int:
    environment, release = work.deployment.environment, work.deployment.release
    if release.runtime is Runtime.DOCKER:
        builds = await work.node.images.builds(environment.app)
        return next((image.bytes for image in builds if image.build == release.build), 0)
    return await work.node.disk.size_of_release(environment.premises(work.node).place, release.number)


async def _lack(work: Work, last: list[int]) -> Lack | None:
    asked, work.space = work.space, None
    space = await (asked or _space(work))
    return what_lacks(space, work.deployment.release.runtime, last)


async def _space(work: Work) -> Space:
    return await work.node.disk.space(with_docker=work.deployment.release.runtime is Runtime.DOCKER)


async def _last_builds(work: Work) -> list[int]:
    async with work.store.connection() as connection:
        cursor = await connection.execute(
            "SELECT bytes FROM builds WHERE app_id = %s AND bytes IS NOT NULL ORDER BY id DESC LIMIT %s",
            (work.deployment.environment.app_id, BUILDS_COUNTED),
        )
        return [int(taken) for (taken,) in await cursor.fetchall()]
