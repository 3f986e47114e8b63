"""A deployment from its place in the queue to its end, whatever happens in between.

It is started by the queue, perhaps more than once: after a kill it goes on at the step where it was.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace

import psycopg
import structlog

from bakery.delivery import proving
from bakery.delivery.actions import carry_out
from bakery.delivery.baking import end_watch_of
from bakery.delivery.beats import beside, while_ours
from bakery.delivery.ending import abandon, end_deployment, note_failure
from bakery.delivery.failures import with_fix
from bakery.delivery.git_rows import source_secrets
from bakery.delivery.image_rows import image_secrets
from bakery.delivery.log import DeploymentLog
from bakery.delivery.look import Deployment, look_at_deployment
from bakery.delivery.moves import move_deployment
from bakery.delivery.ownership import take_up
from bakery.delivery.plan import plan_deployment
from bakery.delivery.planned import MAKING, Action, Nothing, Skipped, StepKey
from bakery.delivery.port_choice import PortChoice
from bakery.delivery.progress import Progress
from bakery.delivery.reaching import Reach, reach_node
from bakery.delivery.room import note_size, space_asked_for
from bakery.delivery.steps import CancelAsked, read_steps, store_steps
from bakery.delivery.undo import tidy, undo
from bakery.delivery.variable_sets import masker_of
from bakery.delivery.waiting import although_away
from bakery.delivery.work import Patience, StepFailed, Work
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.errors import BakeryError, NodeUnreachable, Unavailable
from bakery.model.faults import Moment, Point, fault_at_step, fault_point
from bakery.model.masking import Masker
from bakery.model.runtimes import Runtime
from bakery.nodes.node import Node
from bakery.store.queue import Queue, TakenOver
from bakery.store.store import Store

log = structlog.get_logger()


async def run_deployment(store: Store, queue: Queue, reach: Reach, deployment_id: int, *, patience: Patience) -> None:
    """Harmless for one that is over. Raises Unavailable when the database is away: the queue then starts it again."""
    generation = await _begin(store, deployment_id)
    try:
        deployment = await look_at_deployment(store, deployment_id)
        if deployment is None:
            return
        if generation is None:
            if deployment.archive:
                with contextlib.suppress(NodeUnreachable):  # a round takes it away
                    await (await reach()).homes.remove_upload(deployment.archive)
            return
        deployment = replace(deployment, generation=generation)  # whoever took it up since has another
        writing = DeploymentLog(store, deployment.log_stream, await _masker(store, deployment))
        async with beside(writing.run(asyncio.sleep)):
            node = await reach_node(store, queue, deployment, writing, reach, seconds=patience.away)
            if node is not None:
                await _run(store, queue, node, deployment, writing, patience)
    except TakenOver:
        log.info("taken_over", deployment=deployment_id)
    except (Unavailable, psycopg.OperationalError, asyncio.CancelledError):
        raise  # the queue starts it again
    except BaseException:  # a mistake of ours: it stays loud, but nobody waits for the deployment any longer
        if generation is not None:
            with contextlib.suppress(TakenOver):
                await abandon(store, queue, deployment_id, generation)
        raise


async def _masker(store: Store, deployment: Deployment) -> Masker:
    """Knows what must not be in the log: the variables, and what opens the repository or registry."""
    environment_id = deployment.environment.id
    of_source, of_image = await asyncio.gather(
        source_secrets(store, environment_id), image_secrets(store, environment_id)
    )
    return await masker_of(store, environment_id, [*of_source, *of_image])


async def _begin(store: Store, deployment_id: int) -> int | None:
    """Its generation, when there is anything to do: it waits for us, or ran when its worker was killed."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute("SELECT state FROM deployments WHERE id = %s FOR UPDATE", (deployment_id,))
        row = await cursor.fetchone()
        state = DeploymentState(row[0]) if row else None
        if state is DeploymentState.QUEUED:
            await move_deployment(tx, deployment_id, DeploymentState.RUNNING)
            await end_watch_of(tx, deployment_id)
        elif state is not DeploymentState.RUNNING:
            return None
        return await take_up(tx, deployment_id)


async def _run(
    store: Store, queue: Queue, node: Node, deployment: Deployment, writing: DeploymentLog, patience: Patience
) -> None:
    is_back = deployment.goes_back and deployment.is_switched
    if is_back and not await read_steps(store, deployment.id):
        writing.write(f"Release #{deployment.release.number} is live already.")
        await end_deployment(store, deployment, writing, DeploymentState.SUCCEEDED)
        return
    try:
        plan = plan_deployment(deployment.wanted(node))
    except BakeryError as error:
        failure = with_fix(error, None)
        await end_deployment(store, deployment, writing, DeploymentState.FAILED, failure, unsettled=queue)
        return
    work = Work(store, queue, node, deployment, plan, writing, patience)
    try:
        await _run_planned(work)
    finally:
        await proving.abandon(work)


async def _run_planned(work: Work) -> None:
    store, deployment, writing = work.store, work.deployment, work.log
    try:
        failure = await _take_steps_or_fail(work)
    except CancelAsked:
        if not await _is_switched(work):
            writing.write("Cancelled.")
            await _although_it_takes_long(work, undo)
            await end_deployment(store, deployment, writing, DeploymentState.CANCELLED, unsettled=work.unsettled)
            return
        writing.write("It was switched already when it was cancelled, so it stays.")
        failure = None
    if failure is None:
        await _although_it_takes_long(work, tidy)
        await fault_point(Point.TIDY_DONE)
        await note_size(work)
        is_new = not deployment.goes_back or deployment.retry_of is not None
        is_watched = is_new and deployment.release.runtime is not Runtime.STATIC
        seconds = work.terms.watched_for if is_watched else 0.0
        await end_deployment(store, deployment, writing, DeploymentState.SUCCEEDED, watched_for=seconds)
    else:
        await fault_point(Point.FAILURE_NOTED)
        await _although_it_takes_long(work, undo)
        await fault_point(Point.UNDO_DONE)
        await end_deployment(store, deployment, writing, DeploymentState.FAILED, failure, unsettled=work.unsettled)


async def _take_steps_or_fail(work: Work) -> BakeryError | None:
    """Why a step failed, if one did. That is noted, so that a kill does not make it begin again."""
    deployment = work.deployment
    if deployment.failure:
        return StepFailed(deployment.failure, hint=deployment.hint)
    if deployment.is_cancelling:  # what was begun is not begun again
        raise CancelAsked
    try:
        await _take_steps_until_cancelled(work)
    except Unavailable:
        raise
    except BakeryError as error:
        failure = error
    except TimeoutError:
        failure = NodeUnreachable("The machine did not do it in time.", hint="Is it very busy? Deploy again.")
    except OSError as error:
        failure = NodeUnreachable(f"The machine could not do it: {error.strerror or error}.")
    else:
        return None
    if await _is_switched(work):
        work.log.write(f"The release is live, but not all of the old one is away; Bakery tries again later: {failure}")
        return None
    return await note_failure(work, failure)


async def _although_it_takes_long(work: Work, act: Callable[[Work], Coroutine[None, None, None]]) -> None:
    """Whoever looks sees that somebody is at it; nothing ends it any more."""
    await while_ours(work.store, work.deployment, lambda: act(work), may_end=False)


async def _is_switched(work: Work) -> bool:
    now = await look_at_deployment(work.store, work.deployment.id)
    return now is not None and now.is_switched


async def _take_steps_until_cancelled(work: Work) -> None:
    await while_ours(work.store, work.deployment, lambda: _take_steps(work), may_end=True)


async def _take_steps(work: Work) -> None:
    known = await read_steps(work.store, work.deployment.id)
    async with space_asked_for(work), PortChoice(work, known) as port:
        await _take_those_left(work, known or await _store_steps(work), port)


async def _take_those_left(work: Work, done: Mapping[StepKey, StepState], port: PortChoice) -> None:
    are_left = any(state in {StepState.WAITING, StepState.RUNNING} for state in done.values())
    if are_left and any(state is not StepState.WAITING for state in done.values()):
        work.log.write("Bakery was interrupted and goes on from here.")
    progress = Progress(work.store, work.log, work.deployment.id, work.deployment.generation)
    for key, state in done.items():
        if state is StepState.WAITING or state is StepState.RUNNING:
            if key not in MAKING and state is StepState.WAITING:
                await port.made()
            await _take_step(work, progress, key)
    await progress.write()


async def _take_step(work: Work, progress: Progress, key: StepKey) -> None:
    """The plan may be another since the step before. A step that it does not know any more was done by then."""
    planned = next((step for step in work.plan.steps if step.key is key), None)
    if planned is not None and isinstance(planned.action, Nothing | Skipped):
        from_byte = await work.log.position()
        work.log.write(f"▸ {planned.title}{_why_skipped(planned.action)}")
        progress.skipped(key, from_byte, await work.log.position())
        return
    await progress.begin(key)
    state = StepState.DONE
    if planned is not None:
        work.log.write(f"▸ {planned.title}")
        action = planned.action
        try:
            await although_away(work.log, lambda: _carry_out(work, key, action), seconds=work.patience.away)
        except (StepFailed, NodeUnreachable) as failure:
            if key is not StepKey.AFTER:
                raise
            state = StepState.FAILED
            work.log.write(f"✕ {failure.message} The new release stays live.\n  {failure.hint}")
    progress.ended(key, state, await work.log.position())


async def _carry_out(work: Work, key: StepKey, action: Action) -> None:
    await fault_at_step(key, Moment.BEGUN)
    await work.expect_ours()
    await carry_out(work, key, action)
    await fault_at_step(key, Moment.DONE)


def _why_skipped(action: Nothing | Skipped) -> str:
    if isinstance(action, Skipped):
        return f"\n  Skipped for this deployment by {action.who}."
    return f": nothing to do. {action.why}"


async def _store_steps(work: Work) -> Mapping[StepKey, StepState]:
    """Before the first of them begins."""
    async with work.owned() as tx:
        await store_steps(tx, work.deployment.id, work.plan.steps)
        tx.publish(f"deployment:{work.deployment.id}")
    return {step.key: StepState.WAITING for step in work.plan.steps}
