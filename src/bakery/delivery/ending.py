"""How a deployment ends: its state, why, and who hears of it."""

from collections.abc import Mapping

from bakery.delivery import tasks
from bakery.delivery.actions import tell_last_lines
from bakery.delivery.baking import watch_for_a_while
from bakery.delivery.failures import ABANDONED, with_fix
from bakery.delivery.log import DeploymentLog
from bakery.delivery.look import Deployment
from bakery.delivery.moves import move_deployment
from bakery.delivery.ownership import require_ours
from bakery.delivery.planned import Start, StepKey
from bakery.delivery.steps import end_steps, read_steps
from bakery.delivery.work import Work
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.errors import BadInput, BakeryError, Unavailable
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.store.transaction import Transaction


async def note_failure(work: Work, raised: BakeryError) -> BakeryError:
    """With what to do, and with what the app itself said when it was meant to run by now."""
    steps = await read_steps(work.store, work.deployment.id)
    failure = with_fix(raised, next((key for key, state in steps.items() if state is StepState.RUNNING), None))
    await _tell_of_the_app(work, raised, steps)
    work.log.write(f"✕ {failure.message}" + (f"\n  {failure.hint}" if failure.hint else ""))
    at_byte = await work.log.flush()
    async with work.store.transaction() as tx:
        await require_ours(tx, work.deployment.id, work.deployment.generation)
        await end_steps(tx, work.deployment.id, StepState.FAILED, at_byte=at_byte)
        await tx.connection.execute(
            "UPDATE deployments SET failure = %s, hint = %s WHERE id = %s",
            (work.log.masked(failure.message), work.log.masked(failure.hint), work.deployment.id),
        )
    return failure


async def _tell_of_the_app(work: Work, failure: BakeryError, steps: Mapping[StepKey, StepState]) -> None:
    """A node that is away, or that cannot tell, changes nothing of what failed."""
    programs = [step.action.program for step in work.plan.steps if isinstance(step.action, Start)]
    state = steps.get(StepKey.START, StepState.WAITING)
    if not programs or state not in {StepState.RUNNING, StepState.DONE} or isinstance(failure, BadInput):
        return
    try:
        await tell_last_lines(work, work.at_fault or programs[0])
    except Unavailable:
        raise
    except (BakeryError, OSError) as error:
        work.log.write(f"What the app itself wrote cannot be read: {error}")


async def abandon(store: Store, queue: Queue, deployment_id: int, generation: int) -> None:
    """Raises TakenOver when it is another process's by now."""
    async with store.transaction() as tx:
        await require_ours(tx, deployment_id, generation)
        await end_steps(tx, deployment_id, StepState.FAILED, at_byte=None)
        await move_deployment(tx, deployment_id, DeploymentState.FAILED, failure=ABANDONED)
        await _settle_later(tx, queue, deployment_id)


async def end_deployment(
    store: Store,
    deployment: Deployment,
    writing: DeploymentLog,
    state: DeploymentState,
    failure: BakeryError | None = None,
    *,
    watched_for: float = 0.0,
    unsettled: Queue | None = None,
) -> None:
    """`watched_for`: so many seconds a release that succeeded may still be taken back. `unsettled`: the queue, where
    something of it may be left on the node."""
    at_byte = await writing.flush()
    async with store.transaction() as tx:
        await require_ours(tx, deployment.id, deployment.generation)
        ended = StepState.CANCELLED if state is DeploymentState.CANCELLED else StepState.FAILED
        await end_steps(tx, deployment.id, ended, at_byte=at_byte)
        await move_deployment(tx, deployment.id, state, failure=_told(failure, writing) if failure else None)
        await watch_for_a_while(tx, deployment.id, deployment.environment.id, watched_for)
        if unsettled is not None:
            await _settle_later(tx, unsettled, deployment.id)


async def _settle_later(tx: Transaction, queue: Queue, deployment_id: int) -> None:
    """The queue tries until the node answers. One that never had a step left nothing there."""
    cursor = await tx.connection.execute(
        """
        SELECT environment_id FROM deployments
        WHERE id = %s AND EXISTS (SELECT FROM steps WHERE deployment_id = deployments.id)
        """,
        (deployment_id,),
    )
    for (environment_id,) in await cursor.fetchall():
        await queue.enqueue(tx, tasks.SETTLE, environment_id, lock=tasks.environment_lock(environment_id))


def _told(failure: BakeryError, writing: DeploymentLog) -> BakeryError:
    """What a command said may hold a secret."""
    return BakeryError(writing.masked(failure.message), hint=writing.masked(failure.hint))
