"""Whose a deployment is. A process that stood still for a while is taken for dead, and another one goes on with what it
did; when it wakes up, it has nothing to say any more. Each taking-up counts the environment's generation up."""

from bakery.store.transaction import Transaction

_COUNTED = """
WITH counted AS (
    UPDATE environments SET generation = environments.generation + 1 FROM deployments
    WHERE deployments.id = %s AND environments.id = environment_id RETURNING deployments.id, environments.generation)
UPDATE deployments SET generation = counted.generation FROM counted WHERE deployments.id = counted.id
"""


class TakenOver(Exception):
    """Another process runs the deployment by now: ours ends without a word, and takes nothing away."""


async def take_up(tx: Transaction, deployment_id: int) -> None:
    await tx.connection.execute(_COUNTED, (deployment_id,))


async def require_ours(tx: Transaction, deployment_id: int, generation: int) -> None:
    """Nobody takes it up before the transaction ends. Harmless for one that is gone with its app."""
    cursor = await tx.connection.execute(
        "SELECT generation FROM deployments WHERE id = %s FOR UPDATE", (deployment_id,)
    )
    row = await cursor.fetchone()
    if row is not None and row[0] != generation:
        raise TakenOver
