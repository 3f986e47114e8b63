"""Applying: the live release's files with today's variables, as a new release. Nothing is built."""

from bakery.delivery.find import FoundApp, find_app
from bakery.delivery.history import DeploymentSummary, show_deployment
from bakery.delivery.new_deployment import make_deployment, make_release_of, next_number
from bakery.delivery.pending import Pending, pending_of
from bakery.delivery.request import put_in_line
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import Conflict
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.store.transaction import Transaction


async def apply_variables(store: Store, queue: Queue, where: AppAt, *, actor: Actor) -> DeploymentSummary:
    """A deployment like any other, that copies instead of building."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        number = await next_number(tx, app)
        pending = await _expect_something(store, tx, app)
        release_id = await make_release_of(tx, app, number, pending.live_number)
        deployment_id = await make_deployment(tx, app, number, release_id, actor, None, None)
        await put_in_line(tx, queue, deployment_id, app.environment_id, None)
        tx.publish("apps", f"app:{where.app}")
        tx.record(
            AuditEntry(
                actor,
                "variables.applied",
                "deployment",
                str(deployment_id),
                f"{where.app} #{number}",
                app_id=app.id,
                after={"files_of": pending.live_number, "version": pending.version},
            )
        )
    return (await show_deployment(store, where, number, actor=Actor.system())).deployment


async def _expect_something(store: Store, tx: Transaction, app: FoundApp) -> Pending:
    """What is being deployed would be undone by the files of what is live now."""
    cursor = await tx.connection.execute(
        "SELECT live_number, is_deploying FROM environment_facts WHERE environment_id = %s", (app.environment_id,)
    )
    live_number, is_deploying = await cursor.fetchone() or (None, False)
    if is_deploying:
        raise Conflict(f"{app.slug} is being deployed.", hint="Wait until the deployment ends, or cancel it.")
    if live_number is None:
        raise Conflict(f"{app.slug} was never deployed.", hint="Its first deployment has today's variables.")
    pending = await pending_of(tx.connection, store.vault, app.environment_id)
    if pending is None:
        raise Conflict(f"The live release of {app.slug} has today's variables already.")
    if not pending.to_apply:
        raise Conflict(
            f"What changed in {app.slug} is used while it is built, so applying it is not enough.",
            hint="Deploy it again from its source.",
        )
    return pending
