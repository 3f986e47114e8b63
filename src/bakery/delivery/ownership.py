"""Whose a deployment is. A process that stood still for a while is taken for dead, and another one goes on with what it
did; when it wakes up, it has nothing to say any more. Each taking-up counts the environment's generation up."""

from bakery.store.queue import TakenOver
from bakery.store.rows import only
from bakery.store.store import Store
from bakery.store.transaction import Transaction

_COUNTED = """
WITH counted AS (
    UPDATE environments SET generation = environments.generation + 1 FROM deployments
    WHERE deployments.id = %s AND environments.id = environment_id RETURNING deployments.id, environments.generation)
UPDATE deployments SET generation = counted.generation FROM counted WHERE deployments.id = counted.id
RETURNING counted.generation
"""


async def take_up(tx: Transaction, deployment_id: int) -> int:
    """Its generation from now on."""
    (generation,) = await only(await tx.connection.execute(_COUNTED, (deployment_id,)))
    return int(generation)


async def require_ours(tx: Transaction, deployment_id: int, generation: int) -> None:
    """Nobody takes it up before the transaction ends. Harmless for one that is gone with its app."""
    cursor = await tx.connection.execute(
        "SELECT generation FROM deployments WHERE id = %s FOR UPDATE", (deployment_id,)
    )
    _compare(await cursor.fetchone(), generation)


async def expect_ours(store: Store, deployment_id: int, generation: int) -> None:
    """Before something is done on the node that the node itself would not refuse to an older one."""
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT generation FROM deployments WHERE id = %s", (deployment_id,))
        _compare(await cursor.fetchone(), generation)


def _compare(row: tuple[int] | None, generation: int) -> None:
    if row is not None and row[0] != generation:
        raise TakenOver
