"""The steps of a deployment as rows: known before the first one begins, so that it can be taken up at any of them."""

from collections.abc import Mapping, Sequence

from bakery.delivery.planned import PlannedStep, StepKey
from bakery.model.deployments import NEXT_STEP_STATES, StepState, require_move
from bakery.store.store import Store
from bakery.store.transaction import Transaction


async def store_steps(tx: Transaction, deployment_id: int, steps: Sequence[PlannedStep]) -> None:
    await tx.connection.execute(
        """
        INSERT INTO steps (deployment_id, position, key, title)
        SELECT %s, position, key, title
        FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS planned (key, title, position)
        """,
        (deployment_id, [step.key for step in steps], [step.title for step in steps]),
    )


async def retitle_steps(tx: Transaction, deployment_id: int, steps: Sequence[PlannedStep]) -> None:
    """When something was found out that decides them. Those that were not planned before are not added."""
    await tx.connection.execute(
        """
        UPDATE steps SET title = planned.title FROM unnest(%s::text[], %s::text[]) AS planned (key, title)
        WHERE deployment_id = %s AND steps.key = planned.key AND state = 'waiting' AND steps.title <> planned.title
        """,
        ([step.key for step in steps], [step.title for step in steps], deployment_id),
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
    await _move(tx, deployment_id, key, StepState.RUNNING, from_byte=at_byte)
    return True


async def skip_steps(tx: Transaction, deployment_id: int, skipped: Mapping[StepKey, tuple[int, int]]) -> None:
    """There was nothing to do; their parts of the log, from a byte to a byte, say why."""
    moved = await tx.connection.execute(
        """
        UPDATE steps SET state = 'skipped', from_byte = said.from_byte, to_byte = said.to_byte
        FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS said (key, from_byte, to_byte)
        WHERE deployment_id = %s AND steps.key = said.key AND state = 'waiting' RETURNING steps.key
        """,
        (
            list(skipped),
            [from_byte for from_byte, _ in skipped.values()],
            [to_byte for _, to_byte in skipped.values()],
            deployment_id,
        ),
    )
    for key in skipped.keys() - {StepKey(key) for (key,) in await moved.fetchall()}:
        require_move(NEXT_STEP_STATES, f"Step {key}", await _state(tx, deployment_id, key), StepState.SKIPPED)
    tx.publish(f"deployment:{deployment_id}")


async def end_step(tx: Transaction, deployment_id: int, key: StepKey, state: StepState, *, at_byte: int | None) -> None:
    await _move(tx, deployment_id, key, state, to_byte=at_byte)


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


async def _move(
    tx: Transaction,
    deployment_id: int,
    key: StepKey,
    then: StepState,
    *,
    from_byte: int | None = None,
    to_byte: int | None = None,
) -> None:
    """In one statement, for there are many: it asks for the states from which the move is allowed."""
    moved = await tx.connection.execute(
        """
        UPDATE steps SET state = %(state)s,
            started_at = CASE WHEN %(state)s = 'running' THEN now() ELSE started_at END,
            ended_at = CASE WHEN state = 'running' THEN now() ELSE ended_at END,
            from_byte = coalesce(%(from)s, from_byte), to_byte = coalesce(%(to)s, to_byte)
        WHERE deployment_id = %(deployment)s AND key = %(key)s AND state = ANY(%(before)s)
        """,
        {
            "state": then,
            "from": from_byte,
            "to": to_byte,
            "deployment": deployment_id,
            "key": key,
            "before": [state for state, following in NEXT_STEP_STATES.items() if then in following],
        },
    )
    if not moved.rowcount:
        require_move(NEXT_STEP_STATES, f"Step {key}", await _state(tx, deployment_id, key), then)
    tx.publish(f"deployment:{deployment_id}")


async def _state(tx: Transaction, deployment_id: int, key: StepKey) -> StepState:
    cursor = await tx.connection.execute(
        "SELECT state FROM steps WHERE deployment_id = %s AND key = %s FOR UPDATE", (deployment_id, key)
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"deployment {deployment_id} has no step {key}")
    return StepState(row[0])
