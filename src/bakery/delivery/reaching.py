"""The way to a deployment's node before its first step, and how it ends where there is none."""

from collections.abc import Awaitable, Callable

from bakery.delivery.beats import while_ours
from bakery.delivery.ending import end_deployment
from bakery.delivery.failures import with_fix
from bakery.delivery.log import DeploymentLog
from bakery.delivery.look import Deployment
from bakery.delivery.steps import CancelAsked
from bakery.delivery.waiting import although_away
from bakery.delivery.work import StepFailed
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BakeryError, NodeUnreachable, NotUnderstood, Unavailable
from bakery.nodes.node import Node
from bakery.store.queue import Queue
from bakery.store.store import Store

Reach = Callable[[], Awaitable[Node]]


async def reach_node(
    store: Store, queue: Queue, deployment: Deployment, log: DeploymentLog, reach: Reach, *, seconds: float
) -> Node | None:
    """A node that is away is waited for, as a step does. None: the deployment has ended without it, and what it began
    there is undone when the node answers again."""
    found: list[Node] = []

    async def try_once() -> None:
        found.append(await reach())

    async def try_again() -> None:
        await although_away(log, try_once, seconds=seconds)

    try:
        try:
            await while_ours(store, deployment, try_once, may_end=False)
        except NotUnderstood:
            raise
        except NodeUnreachable:  # whoever cancels a deployment on a node that answers has what it left taken away
            await while_ours(store, deployment, try_again, may_end=not deployment.failure)
    except Unavailable:
        raise
    except CancelAsked:
        log.write("Cancelled. What it left on its node goes when that answers again.")
        await end_deployment(store, deployment, log, DeploymentState.CANCELLED, unsettled=queue)
    except BakeryError as error:
        await _end_without(store, queue, deployment, log, error)
    except (TimeoutError, OSError) as error:
        away = f"The machine cannot be reached: {str(error) or 'it did not answer in time'}."
        await _end_without(store, queue, deployment, log, NodeUnreachable(away))
    else:
        return found[0]
    return None


async def _end_without(
    store: Store, queue: Queue, deployment: Deployment, log: DeploymentLog, error: BakeryError
) -> None:
    """As what was seen of it says: its release may be live already, or a step may have failed."""
    if deployment.failure:
        failure: BakeryError = StepFailed(deployment.failure, hint=deployment.hint)
        log.write(f"What it left on its node goes when that answers again: {error.message}")
    elif deployment.is_switched:
        log.write(f"The release is live, but not all of the old one is away; Bakery tries again later: {error.message}")
        await end_deployment(store, deployment, log, DeploymentState.SUCCEEDED, unsettled=queue)
        return
    else:
        failure = with_fix(error, None)
        log.write(f"✕ {failure.message}\n  {failure.hint}")
    await end_deployment(store, deployment, log, DeploymentState.FAILED, failure, unsettled=queue)
