"""Retrying what failed or was cancelled: the same source, and what was made of it where that is still on the node.

A release that was made, and then did not come live, stays for a while. A retry from a step after that is a deployment
of this very release; today's variables and settings count. Otherwise it begins with the source: the same commit.
"""

from dataclasses import dataclass

from bakery.delivery.find import FoundApp, find_app
from bakery.delivery.history import DeploymentSummary, show_deployment
from bakery.delivery.new_deployment import Commit, Image, make_deployment, make_release, next_number
from bakery.delivery.planned import MAKING, StepKey
from bakery.delivery.request import put_in_line
from bakery.model.actor import Actor
from bakery.model.apps import SourceKind
from bakery.model.audit import AuditEntry
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.images import parse_image
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.repository_paths import RepositoryPath
from bakery.model.sources import Ref
from bakery.store import logs
from bakery.store.queue import Queue
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

_BEGUN_ANEW = frozenset({StepState.FAILED, StepState.CANCELLED, StepState.WAITING})
# A step that was skipped for a reason has a part of the log that tells it; what was never come to has none.
_STEPS = """
SELECT key, CASE WHEN state = 'skipped' AND from_byte IS NULL THEN 'waiting' ELSE state END FROM steps
WHERE deployment_id = %s ORDER BY position
"""
_TODAY = """
UPDATE releases SET kept_until = now() + interval '1 hour', variables_version = (
    SELECT max(number) FROM variable_versions WHERE environment_id = releases.environment_id),
    command = environments.command, health_path = environments.health_path,
    memory_bytes = environments.memory_bytes, cpu_percent = environments.cpu_percent, terms = environments.terms,
    volumes = environments.volumes,
    defaults = coalesce((SELECT value FROM settings WHERE name = 'apps'), '{}')
FROM environments WHERE environments.id = releases.environment_id
AND releases.id = %s AND removed_at IS NULL AND live_at IS NULL AND kept_until > now() RETURNING releases.id
"""


@dataclass(frozen=True, slots=True)
class Retried:
    """`note` says what is taken over, and what is done again."""

    deployment: DeploymentSummary
    note: str


async def request_retry(
    store: Store, queue: Queue, where: AppAt, number: int, *, actor: Actor, from_step: str | None = None
) -> Retried:
    """From the step at which it ended, unless another is named."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        mine = await next_number(tx, app)
        failed = await _expect_over(tx.connection, app, number)
        begin = await _first_step(tx.connection, app, failed, from_step)
        release_id, note = await _release(tx, app, mine, failed, begin)
        deployment_id = await make_deployment(tx, app, mine, release_id, actor, None, None)
        taken_over = release_id == failed.release_id
        await tx.connection.execute(
            "UPDATE deployments SET retry_of = %s, retry_from = %s, skips_tests = %s WHERE id = %s",
            (number if taken_over else None, begin if taken_over else None, failed.skips_tests, deployment_id),
        )
        await _say(tx.connection, deployment_id, note)
        await put_in_line(tx, queue, deployment_id, app.environment_id, None)
        tx.publish("apps", f"app:{where.app}")
        target = ("deployment", str(deployment_id), f"{where.app} #{mine}")
        after = {"retry_of": number, "from": begin, "takes_over": taken_over, "skips_tests": failed.skips_tests}
        tx.record(AuditEntry(actor, "deployment.retried", *target, app_id=app.id, after=after))
    return Retried((await show_deployment(store, where, mine, actor=Actor.system())).deployment, note)


@dataclass(frozen=True, slots=True)
class _Failed:
    id: int
    number: int
    state: DeploymentState
    release_id: int
    back_to: int | None
    files_of: int | None
    skips_tests: bool
    source: SourceKind
    title: str
    version: str
    ref: str | None
    base: str


async def _expect_over(connection: Connection, app: FoundApp, number: int) -> _Failed:
    async with connection.cursor(row_factory=typed(_Failed)) as cursor:
        await cursor.execute(
            """
            SELECT deployments.id, deployments.number, state, release_id, back_to, files_of, skips_tests,
                   source, title, version, ref, base
            FROM deployments JOIN releases ON releases.id = release_id JOIN builds ON builds.id = build_id
            WHERE deployments.app_id = %s AND deployments.number = %s::numeric
            """,
            (app.id, number),
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"{app.slug} has no deployment #{number}.")
    if found.state not in {DeploymentState.FAILED, DeploymentState.CANCELLED}:
        state = found.state.replace("_", " ")
        raise Conflict(
            f"Deployment #{number} of {app.slug} is {state}; one that failed or was cancelled can be retried.",
            hint=f"Deploy what is new with: bakery deploy {app.slug}",
        )
    if found.back_to is not None:
        raise Conflict(
            f"Deployment #{number} of {app.slug} went back to release #{found.back_to}; there is nothing to retry.",
            hint=f"Go back once more: bakery rollback {app.slug} {found.back_to}",
        )
    return found


async def _first_step(connection: Connection, app: FoundApp, failed: _Failed, wanted: str | None) -> StepKey | None:
    """None: it has none, so it begins with its source."""
    cursor = await connection.execute(_STEPS, (failed.id,))
    steps = [(StepKey(key), StepState(state)) for key, state in await cursor.fetchall()]
    keys = [key for key, _ in steps]
    ended_at = next((key for key, state in steps if state in _BEGUN_ANEW), keys[0] if keys else None)
    if wanted is None:
        return ended_at
    if wanted not in keys:
        raise BadInput(
            f"Deployment #{failed.number} has no step “{wanted[:40]}”.",
            field="from_step",
            hint=f"It has {', '.join(keys)}." if keys else "It ended before its first step.",
        )
    if ended_at is not None and keys.index(StepKey(wanted)) > keys.index(ended_at):
        raise BadInput(
            f"Deployment #{failed.number} ended at its step {ended_at}, so {wanted} cannot be the first of a retry.",
            field="from_step",
            hint=f"Retry it from where it ended: bakery retry {app.slug} {failed.number}",
        )
    return StepKey(wanted)


async def _release(
    tx: Transaction, app: FoundApp, number: int, failed: _Failed, begin: StepKey | None
) -> tuple[int, str]:
    """The one that was made, or a new one of the same commit or image."""
    is_after = begin is not None and begin not in MAKING
    if is_after:
        await _expect_alone(tx.connection, app, failed)
        cursor = await tx.connection.execute(_TODAY, (failed.release_id,))
        if await cursor.fetchone() is not None:
            return failed.release_id, (
                f"What deployment #{failed.number} made is taken over; it goes on with {begin}. "
                "Today's variables and settings count."
            )
    why = "what it made is not kept any more" if is_after else f"the results of the steps before {begin} are not kept"
    if begin is None:
        why = "it ended before its first step"
    if failed.files_of is not None:
        raise Conflict(
            f"Deployment #{failed.number} of {app.slug} cannot be retried: {why}.",
            hint=f"Apply its variables again: bakery apply {app.slug}",
        )
    note = f"Retries deployment #{failed.number} from the beginning: {why}."
    if failed.source is SourceKind.IMAGE and failed.ref is not None:
        return await make_release(tx, app, number, Image(parse_image(failed.ref), failed.version)), note
    if failed.source is not SourceKind.GIT or failed.ref is None:
        raise Conflict(
            f"Deployment #{failed.number} of {app.slug} cannot be retried: {why}, nor is its upload.",
            hint=f"Upload it again: bakery deploy {app.slug} --dir PATH",
        )
    same = Commit(Ref(failed.version or failed.ref), RepositoryPath(failed.base))
    return await make_release(tx, app, number, same), note


async def _expect_alone(connection: Connection, app: FoundApp, failed: _Failed) -> None:
    """Today's variables and settings would change a release that is being started."""
    cursor = await connection.execute(
        "SELECT number FROM deployments WHERE release_id = %s AND state = 'running'", (failed.release_id,)
    )
    row = await cursor.fetchone()
    if row is not None:
        raise Conflict(
            f"Deployment #{failed.number} of {app.slug} is being retried already, by #{row[0]}.",
            hint="Wait until that ends, or cancel it.",
        )


async def _say(connection: Connection, deployment_id: int, note: str) -> None:
    """It begins its log."""
    cursor = await connection.execute("SELECT log_stream_id FROM deployments WHERE id = %s", (deployment_id,))
    row = await cursor.fetchone()
    if row is not None:
        await logs.append_within(connection, int(row[0]), f"{note}\n".encode())
