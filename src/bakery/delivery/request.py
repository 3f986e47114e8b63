"""What asking for a deployment means, and asking for it to end."""

from datetime import datetime

from psycopg import errors

from bakery.delivery import tasks
from bakery.delivery.find import FoundApp, find_app
from bakery.delivery.history import DeploymentSummary
from bakery.delivery.moves import move_deployment, supersede_waiting
from bakery.delivery.new_deployment import (
    Commit,
    Image,
    made_with,
    make_deployment,
    make_release,
    next_number,
    source_wanted,
)
from bakery.delivery.uploads import Upload
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.images import ImageReference
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.sources import Ref
from bakery.store.lanes import Lane
from bakery.store.queue import Queue
from bakery.store.rows import only, typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction

_LONGEST_KEY = 200
# What was changed while a deployment waited for its time counts when the time has come.
_TODAYS_VARIABLES = """
UPDATE releases SET variables_version = (SELECT max(number) FROM variable_versions WHERE environment_id = %s)
WHERE id = (SELECT release_id FROM deployments WHERE id = %s)
"""


async def request_deployment(
    store: Store,
    queue: Queue,
    where: AppAt,
    upload: Upload | None = None,
    *,
    ref: Ref | None = None,
    actor: Actor,
    at: datetime | None = None,
    idempotency_key: str | None = None,
    skips_tests: bool = False,
    image: ImageReference | None = None,
    tag: str | None = None,
) -> DeploymentSummary:
    """A committed row and its place in the queue. Without an upload it is a commit of the app's repository: that of
    `ref`, or the newest; or its image, another `tag` of that, or another `image`. The same key again gives the
    deployment that it made before."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    _check(at, idempotency_key)
    async with store.transaction() as tx:
        number = await next_number(tx, app)
        source = upload or await source_wanted(tx, app, ref=ref, image=image, tag=tag)
        earlier = await made_with(tx, app, idempotency_key, source) if idempotency_key else None
        if earlier is not None:
            await tx.connection.execute("UPDATE apps SET last_number = last_number - 1 WHERE id = %s", (app.id,))
            return await _summary(tx, earlier)
        try:
            release_id = await make_release(tx, app, number, source)
        except errors.UniqueViolation as error:
            raise Conflict("This upload was deployed already.", hint="Upload it once more.") from error
        deployment_id = await make_deployment(tx, app, number, release_id, actor, at, idempotency_key)
        if skips_tests:
            await tx.connection.execute("UPDATE deployments SET skips_tests = true WHERE id = %s", (deployment_id,))
        await put_in_line(tx, queue, deployment_id, app.environment_id, at)
        tx.publish("apps", f"app:{where.app}")
        tx.record(
            AuditEntry(
                actor,
                "deployment.scheduled" if at else "deployment.requested",
                "deployment",
                str(deployment_id),
                f"{where.app} #{number}",
                app_id=app.id,
                after={**_told(source), "at": at.isoformat() if at else None, "skips_tests": skips_tests},
            )
        )
        return await _summary(tx, deployment_id)


async def put_in_line(
    tx: Transaction, queue: Queue, deployment_id: int, environment_id: int, at: datetime | None
) -> None:
    """Enqueues. What is scheduled has a lock of its own: the queue would let it block the environment until then. What
    goes back makes nothing, and waits for no build."""
    if at is None:
        cursor = await tx.connection.execute("SELECT back_to IS NULL FROM deployments WHERE id = %s", (deployment_id,))
        lane = Lane.BUILDS if (await only(cursor))[0] else Lane.SHORT
        lock = tasks.environment_lock(environment_id)
        job = await queue.enqueue(tx, tasks.DEPLOY, deployment_id, lock=lock, lane=lane)
    else:
        job = await queue.enqueue(tx, tasks.START_SCHEDULED, deployment_id, lock=f"scheduled:{deployment_id}", at=at)
    await tx.connection.execute("UPDATE deployments SET job_id = %s WHERE id = %s", (job, deployment_id))


async def start_scheduled(store: Store, queue: Queue, deployment_id: int) -> None:
    """The time of a scheduled deployment has come. Harmless when it was cancelled, or came before."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            "SELECT environment_id FROM deployments WHERE id = %s AND state = 'scheduled' FOR UPDATE", (deployment_id,)
        )
        row = await cursor.fetchone()
        if row is None:
            return
        await supersede_waiting(tx, row[0])
        await tx.connection.execute(_TODAYS_VARIABLES, (row[0], deployment_id))
        await move_deployment(tx, deployment_id, DeploymentState.QUEUED)
        await put_in_line(tx, queue, deployment_id, row[0], None)


async def cancel_deployment(store: Store, where: AppAt, number: int, *, actor: Actor) -> DeploymentSummary:
    """One that waits ends at once. One that runs notices within a second, and ends when nothing of it is left."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        deployment_id = await _cancel(tx, app, number, actor)
        return await _summary(tx, deployment_id)


async def _cancel(tx: Transaction, app: FoundApp, number: int, actor: Actor) -> int:
    # Locked first: what a step that begins just now writes is seen by the second statement only.
    await tx.connection.execute(
        "SELECT FROM deployments WHERE app_id = %s AND number = %s::numeric FOR UPDATE", (app.id, number)
    )
    cursor = await tx.connection.execute(
        """
        SELECT id, state, failure <> '' AS has_failed,
               EXISTS (SELECT FROM steps WHERE deployment_id = id AND key = 'switch' AND state <> 'waiting')
        FROM deployments WHERE app_id = %s AND number = %s::numeric
        """,
        (app.id, number),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"{app.slug} has no deployment #{number}.")
    deployment_id, state, has_failed, is_switching = int(row[0]), DeploymentState(row[1]), row[2], row[3]
    if state.is_over:
        raise Conflict(f"Deployment #{number} of {app.slug} is {state.replace('_', ' ')}; there is nothing to cancel.")
    if state is not DeploymentState.RUNNING:
        await move_deployment(tx, deployment_id, DeploymentState.CANCELLED, actor=actor)
        return deployment_id
    if has_failed:
        raise Conflict(
            f"Deployment #{number} of {app.slug} failed already; there is nothing to cancel.",
            hint="It ends when what it left is away.",
        )
    if is_switching:
        raise Conflict(
            f"Deployment #{number} of {app.slug} is switching traffic already, so it finishes.",
            hint="Deploy the version that you want instead.",
        )
    await tx.connection.execute(
        "UPDATE deployments SET cancel_asked_at = coalesce(cancel_asked_at, now()) WHERE id = %s", (deployment_id,)
    )
    tx.publish(f"app:{app.slug}", f"deployment:{deployment_id}")
    target = ("deployment", str(deployment_id), f"{app.slug} #{number}")
    tx.record(AuditEntry(actor, "deployment.cancelled", *target, app_id=app.id))
    return deployment_id


def _told(source: Upload | Commit | Image) -> dict[str, object]:
    if not isinstance(source, Upload):
        return {"source": source.title, "ref": source.ref}
    return {"source": source.title, "version": source.version}


def _check(at: datetime | None, key: str | None) -> None:
    if at is not None and at.tzinfo is None:
        raise BadInput("Say the time with its zone.", field="at", hint="Like 2030-01-31T03:00:00Z.")
    if key is not None and (not 1 <= len(key) <= _LONGEST_KEY or not key.isprintable()):
        raise BadInput(f"Use 1 to {_LONGEST_KEY} printable characters.", field="Idempotency-Key")


async def _summary(tx: Transaction, deployment_id: int) -> DeploymentSummary:
    async with tx.connection.cursor(row_factory=typed(DeploymentSummary)) as cursor:
        await cursor.execute("SELECT * FROM deployment_facts WHERE id = %s", (deployment_id,))
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("There is no such deployment.")
    return found
