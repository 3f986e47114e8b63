"""After a deployment: taking away what a failed one left, and what a good one made superfluous."""

import contextlib
from collections.abc import Awaitable, Callable

from bakery.delivery import keeping
from bakery.delivery.asking import wait_for_release
from bakery.delivery.planned import MAKING, StepKey
from bakery.delivery.premises import Release
from bakery.delivery.sites import put_back_site
from bakery.delivery.slot_programs import slot_programs
from bakery.delivery.slots import free_slot
from bakery.delivery.step_jobs import end_step_jobs
from bakery.delivery.steps import read_steps
from bakery.delivery.waiting import although_away
from bakery.delivery.work import Work
from bakery.model.deployments import SlotState, StepState
from bakery.model.errors import BakeryError, CommandFailed, NodeUnreachable, Unavailable
from bakery.model.faults import Point, fault_point
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.nodes.health import Healthy
from bakery.store.queue import TakenOver

KEPT_RELEASES = 5
_SUPERFLUOUS = """
UPDATE releases SET removed_at = now() WHERE id IN (
    SELECT id FROM releases AS old
    WHERE environment_id = %(environment)s AND live_at IS NOT NULL AND removed_at IS NULL
    AND id NOT IN (SELECT release_id FROM slots WHERE release_id IS NOT NULL)
    AND NOT EXISTS (  -- somebody is about to go back to it
        SELECT FROM deployments WHERE deployments.environment_id = %(environment)s AND ended_at IS NULL
        AND (release_id = old.id OR back_to = old.number))
    ORDER BY live_at DESC OFFSET %(kept)s)
RETURNING id, number, build_id, runtime
"""


async def undo(work: Work) -> None:
    """Visitors go on with what they had. What cannot be taken away now is named in the log; a round takes it later."""
    environment, slot = work.deployment.environment, work.plan.slot
    await work.expect_ours()
    is_kept = await _keep_what_was_made(work)
    await fault_point(Point.UNDO_BEGUN)
    is_away, stays = await _take_away(work), slot.state is SlotState.LIVE or await _stays_warm(work)
    work.is_left = not is_away
    async with work.owned() as tx:
        if is_away and not stays:
            await free_slot(tx, environment.id, slot.colour)
        if not work.deployment.goes_back and is_away and not is_kept:
            await tx.connection.execute(
                "UPDATE releases SET removed_at = now() WHERE id = %s", (work.deployment.release.id,)
            )
    live = environment.live
    if is_kept:
        named = f"{environment.app} {work.deployment.number}"
        work.log.write(f"What was made stays for an hour, for: bakery retry {named}")
    if live is not None and live.release is not None and is_away:
        work.log.write(f"Release #{live.release.number} is still live; nothing changed for visitors.")


async def _keep_what_was_made(work: Work) -> bool:
    """For a retry. What takes it away later is a round, when its time is over."""
    release, steps = work.deployment.release, await read_steps(work.store, work.deployment.id)
    made = {StepState.DONE, StepState.SKIPPED}
    is_made = bool(steps) and all(state in made for key, state in steps.items() if key in MAKING)
    if work.deployment.goes_back and work.deployment.retry_of is None:
        return False
    async with work.owned() as tx:
        cursor = await tx.connection.execute(
            """
            UPDATE releases SET kept_until = CASE WHEN %s THEN now() + interval '1 hour' END
            WHERE id = %s AND live_at IS NULL AND removed_at IS NULL RETURNING kept_until IS NOT NULL
            """,
            (is_made, release.id),
        )
        row = await cursor.fetchone()
    return bool(row and row[0])


async def _is_kept(work: Work) -> bool:
    async with work.store.connection() as connection:
        cursor = await connection.execute(
            "SELECT FROM releases WHERE id = %s AND kept_until IS NOT NULL", (work.deployment.release.id,)
        )
        return await cursor.fetchone() is not None


async def _take_away(work: Work) -> bool:
    """First what visitors see. One part that cannot be done keeps none of the others from it."""
    parts = (_put_back_site, _end_program, _end_jobs, _forget_files, _forget_archive)
    is_away = True
    for part in parts:
        try:
            await although_away(work.log, lambda part=part: _do(part, work), seconds=work.patience.away)  # type: ignore[misc]  # the part of this turn
        except Unavailable:
            raise
        except (BakeryError, OSError) as error:
            is_away = False
            work.log.write(f"Not everything could be taken away: {error}")
            if isinstance(error, NodeUnreachable):
                break
    return is_away


async def _do(part: Callable[[Work], Awaitable[None]], work: Work) -> None:
    await work.expect_ours()
    await part(work)
    await fault_point(Point.UNDO_PART_DONE)


async def _end_program(work: Work) -> None:
    """What was live in the same slot runs again, if it ran, and was ended for this."""
    deployment, slot = work.deployment, work.plan.slot
    if slot.port is None:
        return
    if await _stays_warm(work):
        return
    if slot.state is not SlotState.LIVE:
        runtime = deployment.release.runtime
        await slot_programs(work.store, work.node, deployment.environment, slot.colour, runtime).remove()
    elif work.plan.replaced is not None and await _has_begun(work, StepKey.START):
        await _run_again(work, work.plan.replaced, slot.port)


async def _stays_warm(work: Work) -> bool:
    """Nothing was begun in the slot, so what is there to come back to runs on."""
    return work.plan.slot.state is SlotState.WARM and not await _has_begun(work, StepKey.START)


async def _has_begun(work: Work, key: StepKey) -> bool:
    state = (await read_steps(work.store, work.deployment.id)).get(key, StepState.WAITING)
    return state not in {StepState.WAITING, StepState.SKIPPED}


async def _end_jobs(work: Work) -> None:
    await end_step_jobs(work.store, work.node.jobs, work.deployment.id)


async def _forget_files(work: Work) -> None:
    release = work.deployment.release
    if not work.deployment.goes_back and not await _is_kept(work):
        await _remove_files(work, release.number, release.build, release.runtime)


async def tidy(work: Work) -> None:
    """Of the releases that were live the last five stay, to come back to."""
    try:
        await work.expect_ours()
        await end_step_jobs(work.store, work.node.jobs, work.deployment.id)
        await _forget_archive(work)
        await _keep_no_attempts(work)
        await _remove_superfluous(work)
    except Unavailable:
        raise
    except (BakeryError, OSError) as error:
        work.log.write(f"An old release could not be removed; Bakery tries again with the next deployment: {error}")


async def _keep_no_attempts(work: Work) -> None:
    """Nobody retries what failed before something newer came live: the next round takes it away."""
    async with work.owned() as tx:
        await tx.connection.execute(
            """
            UPDATE releases SET kept_until = NULL WHERE environment_id = %s AND kept_until IS NOT NULL AND NOT EXISTS (
                SELECT FROM deployments WHERE release_id = releases.id AND ended_at IS NULL AND deployments.id <> %s)
            """,
            (work.deployment.environment.id, work.deployment.id),
        )


async def _remove_superfluous(work: Work) -> None:
    """One that cannot be removed keeps none of the others, and the next deployment tries it again."""
    left = await _mark_superfluous(work)
    try:
        for release_id, number, build, runtime in tuple(left):
            try:
                await work.expect_ours()
                await _remove_files(work, number, build, Runtime(runtime))
            except CommandFailed as error:
                work.log.write(f"Release #{number} could not be removed: {error.message}")
            else:
                left.remove((release_id, number, build, runtime))
    finally:
        ids = [release_id for release_id, *_ in left]
        with contextlib.suppress(TakenOver):  # who goes on with it takes them away
            async with work.owned() as tx:
                await tx.connection.execute("UPDATE releases SET removed_at = NULL WHERE id = ANY(%s)", (ids,))


async def _mark_superfluous(work: Work) -> list[tuple[int, int, int, str]]:
    """Nobody goes back to these any more: who asks to locks the app's row too, and comes before or after."""
    environment = work.deployment.environment
    async with work.owned() as tx:
        await tx.connection.execute("SELECT FROM apps WHERE id = %s FOR UPDATE", (environment.app_id,))
        cursor = await tx.connection.execute(_SUPERFLUOUS, {"environment": environment.id, "kept": KEPT_RELEASES - 1})
        return [(int(row[0]), int(row[1]), int(row[2]), str(row[3])) for row in await cursor.fetchall()]


async def _run_again(work: Work, release: Release, port: Port) -> None:
    environment, colour = work.deployment.environment, work.plan.slot.colour
    premises = environment.premises(work.node)
    programs = slot_programs(work.store, work.node, environment, colour, release.runtime)
    if environment.is_stopped:
        await programs.stop()
        return
    await programs.end_workers()  # of the release that failed
    await work.expect_ours()
    await keeping.start(work.node, premises.describe_program(release, colour, port))
    await programs.start_workers(premises.workers(release, colour))
    found = await wait_for_release(work.node, premises, colour, release, port, within=work.patience.check)
    if isinstance(found, Healthy):
        work.log.write(f"Release #{release.number} runs again.")
    else:
        work.log.write(f"Release #{release.number} was started again and does not answer: {found.answer.said}.")


async def _put_back_site(work: Work) -> None:
    """Only a switch that began can have changed it."""
    if await _has_begun(work, StepKey.SWITCH):
        generation = work.deployment.generation  # of who puts it back, or the node would take it for an old wish
        await put_back_site(work.store, work.node, work.deployment.environment, generation=generation)


async def _remove_files(work: Work, number: int, build: int, runtime: Runtime) -> None:
    """An image that another release was made of stays until that one goes too."""
    environment = work.deployment.environment
    await work.node.homes.remove_release(environment.premises(work.node).place, number)
    if runtime is Runtime.DOCKER and not await _is_needed(work, number, build):
        await work.node.images.remove(environment.app, build)


async def _is_needed(work: Work, number: int, build: int) -> bool:
    async with work.store.connection() as connection:
        cursor = await connection.execute(
            "SELECT FROM releases WHERE build_id = %s AND number <> %s AND removed_at IS NULL", (build, number)
        )
        return await cursor.fetchone() is not None


async def _forget_archive(work: Work) -> None:
    if work.deployment.archive:
        await work.node.homes.remove_upload(work.deployment.archive)
