"""The one way in which a deployment changes its state."""

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.deployments import NEXT_STATES, DeploymentState, require_move
from bakery.model.errors import BakeryError
from bakery.store.logs import close_stream
from bakery.store.transaction import Transaction

_BAKERY = Actor.system()


async def move_deployment(
    tx: Transaction,
    deployment_id: int,
    then: DeploymentState,
    *,
    actor: Actor = _BAKERY,
    failure: BakeryError | None = None,
) -> None:
    """Raises Conflict when it may not; nothing is changed then. A final state closes the log, and is in the audit."""
    cursor = await tx.connection.execute(
        """
        SELECT deployments.state, deployments.number, apps.id, apps.slug, deployments.log_stream_id
        FROM deployments JOIN apps ON apps.id = deployments.app_id WHERE deployments.id = %s FOR UPDATE OF deployments
        """,
        (deployment_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        return  # its app was deleted
    state, number, app, slug, stream = row
    require_move(NEXT_STATES, f"Deployment #{number} of {slug}", DeploymentState(state), then)
    await tx.connection.execute(
        """
        UPDATE deployments SET state = %(state)s, failure = %(failure)s, hint = %(hint)s,
            started_at = CASE WHEN %(begins)s THEN now() ELSE started_at END,
            heartbeat_at = CASE WHEN %(begins)s THEN now() ELSE heartbeat_at END,
            ended_at = CASE WHEN %(ends)s THEN now() END
        WHERE id = %(id)s
        """,
        {
            "id": deployment_id,
            "state": then,
            "failure": failure.message if failure else "",
            "hint": failure.hint if failure else "",
            "begins": then is DeploymentState.RUNNING,
            "ends": then.is_over,
        },
    )
    if then.is_over:
        await close_stream(tx.connection, stream)
        after = {"failure": failure.message} if failure else None
        target = ("deployment", str(deployment_id), f"{slug} #{number}")
        tx.record(AuditEntry(actor, f"deployment.{then}", *target, app_id=app, after=after))
    tx.publish("apps", f"app:{slug}", f"deployment:{deployment_id}")


async def supersede_waiting(tx: Transaction, environment_id: int) -> None:
    """Of the deployments that wait only the newest matters: the one that comes now. One that begins just now runs."""
    cursor = await tx.connection.execute(
        "SELECT id FROM deployments WHERE environment_id = %s AND state = 'queued' FOR UPDATE", (environment_id,)
    )
    for (older,) in await cursor.fetchall():
        await move_deployment(tx, older, DeploymentState.SUPERSEDED)
