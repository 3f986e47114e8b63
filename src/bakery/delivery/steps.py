"""The steps of a deployment as rows: known before the first one begins, so that it can be taken up at any of them."""

from collections.abc import Iterable, Mapping

from bakery.delivery.plan import PlannedStep, StepKey
from bakery.model.deployments import NEXT_STEP_STATES, StepState, require_move
from bakery.store.store import Store
from bakery.store.transaction import Transaction


async def store_steps(tx: Transaction, deployment_id: int, steps: Iterable[PlannedStep]) -> None:
    for position, step in enumerate(steps, 1):
        await tx.connection.execute(
            "INSERT INTO steps (deployment_id, position, key, title) VALUES (%s, %s, %s, %s)",
            (deployment_id, position, step.key, step.title),
        )


async def retitle_steps(store: Store, deployment_id: int, steps: Iterable[PlannedStep]) -> None:
    """When something was found out that decides them. Those that were not planned before are not added."""
    async with store.transaction() as tx:
        for step in steps:
            await tx.connection.execute(
                "UPDATE steps SET title = %s WHERE deployment_id = %s AND key = %s AND state = 'waiting'",
                (step.title, deployment_id, step.key),
            )
        tx.publish(f"deployment:{deployment_id}")


async def read_steps(store: Store, deployment_id: int) -> Mapping[StepKey, StepState]:
    """In order."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT key, state FROM steps WHERE deployment_id = %s ORDER BY position", (deployment_id,)
        )
        return {StepKey(key): StepState(state) for key, state in await cursor.fetchall()}


class CancelAsked(Exception):
    """Somebody cancelled the deployment before this step began."""


async def begin_step(tx: Transaction, deployment_id: int, key: StepKey, *, at_byte: int) -> bool:
    """False: somebody has cancelled the deployment. A step that was interrupted goes on from its first beginning. The
    row is locked, so that a deployment is cancelled before a step or after it has begun, never in between."""
    cursor = await tx.connection.execute(
        "SELECT cancel_asked_at IS NOT NULL FROM deployments WHERE id = %s FOR UPDATE", (deployment_id,)
    )
    row = await cursor.fetchone()
    if await _state(tx, deployment_id, key) is StepState.RUNNING:
        return True
    if row is None or row[0]:
        return False
    await _move(tx, deployment_id, key, StepState.RUNNING)
    await tx.connection.execute(
        "UPDATE steps SET from_byte = %s WHERE deployment_id = %s AND key = %s", (at_byte, deployment_id, key)
    )
    return True


async def skip_step(tx: Transaction, deployment_id: int, key: StepKey, *, from_byte: int, to_byte: int) -> None:
    """There was nothing to do; its part of the log says why."""
    await _move(tx, deployment_id, key, StepState.SKIPPED)
    await tx.connection.execute(
        "UPDATE steps SET from_byte = %s, to_byte = %s WHERE deployment_id = %s AND key = %s",
        (from_byte, to_byte, deployment_id, key),
    )


async def end_step(tx: Transaction, deployment_id: int, key: StepKey, state: StepState, *, at_byte: int | None) -> None:
    await _move(tx, deployment_id, key, state)
    await tx.connection.execute(
        "UPDATE steps SET ended_at = now(), to_byte = %s WHERE deployment_id = %s AND key = %s",
        (at_byte, deployment_id, key),
    )


async def end_steps(tx: Transaction, deployment_id: int, ended: StepState, *, at_byte: int | None) -> None:
    """Of a deployment that does not go on: what runs ended so, and what waits is skipped."""
    cursor = await tx.connection.execute(
        "SELECT key, state FROM steps WHERE deployment_id = %s FOR UPDATE", (deployment_id,)
    )
    for key, state in await cursor.fetchall():
        if state == StepState.RUNNING:
            await end_step(tx, deployment_id, StepKey(key), ended, at_byte=at_byte)
        elif state == StepState.WAITING:
            await _move(tx, deployment_id, StepKey(key), StepState.SKIPPED)


async def _move(tx: Transaction, deployment_id: int, key: StepKey, then: StepState) -> None:
    require_move(NEXT_STEP_STATES, f"Step {key}", await _state(tx, deployment_id, key), then)
    await tx.connection.execute(
        """
        UPDATE steps SET state = %(state)s,
            started_at = CASE WHEN %(state)s = 'running' THEN now() ELSE started_at END
        WHERE deployment_id = %(deployment)s AND key = %(key)s
        """,
        {"state": then, "deployment": deployment_id, "key": key},
    )
    tx.publish(f"deployment:{deployment_id}")


async def _state(tx: Transaction, deployment_id: int, key: StepKey) -> StepState:
    cursor = await tx.connection.execute(
        "SELECT state FROM steps WHERE deployment_id = %s AND key = %s FOR UPDATE", (deployment_id, key)
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"deployment {deployment_id} has no step {key}")
    return StepState(row[0])
