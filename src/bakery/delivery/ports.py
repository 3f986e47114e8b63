"""Ports of a node: each slot has one of its own, and keeps it."""

from bakery.delivery.keeping import keeper
from bakery.delivery.look import Deployment
from bakery.delivery.ownership import require_ours
from bakery.delivery.plan import plan_deployment
from bakery.model.deployments import SlotState
from bakery.model.errors import Conflict
from bakery.model.names import Port
from bakery.nodes.node import Node
from bakery.store.store import Store
from bakery.store.transaction import Transaction

FIRST_PORT, LAST_PORT = 20000, 29999


async def free_port(tx: Transaction, node_id: int, *, above: int = FIRST_PORT - 1) -> Port:
    """The lowest one of the pool that no slot of the node has. The node's row is locked, so that two do not get it."""
    await tx.connection.execute("SELECT FROM nodes WHERE id = %s FOR UPDATE", (node_id,))
    cursor = await tx.connection.execute(
        """
        SELECT min(port) FROM generate_series(%s::int, %s::int) AS pool (port)
        WHERE NOT EXISTS (SELECT FROM slots WHERE slots.node_id = %s AND slots.port = pool.port)
        """,
        (above + 1, LAST_PORT, node_id),
    )
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        raise Conflict(f"All ports from {FIRST_PORT} to {LAST_PORT} of this node are taken.", hint="Delete an app.")
    return Port(row[0])


async def leave_taken_port(store: Store, node: Node, deployment: Deployment) -> bool:
    """Whether the slot that a deployment is going to use has another port now, because a stranger took its own."""
    wanted = deployment.wanted(node)
    slot = plan_deployment(wanted).slot
    if slot.port is None or slot.state in {SlotState.LIVE, SlotState.WARM}:  # what is ours listens there
        return False
    if (await keeper(node, wanted.release.runtime).state(wanted.premises.unit(slot.colour))).is_running:
        return False
    port = slot.port
    while await node.traffic.is_taken(port):
        async with store.transaction() as tx:
            await require_ours(tx, deployment.id, deployment.generation)
            cursor = await tx.connection.execute(
                "SELECT node_id FROM environments WHERE id = %s", (deployment.environment.id,)
            )
            (node_id,) = await cursor.fetchone() or (None,)
            port = await free_port(tx, node_id, above=port)
            await tx.connection.execute(
                "UPDATE slots SET port = %s WHERE environment_id = %s AND colour = %s",
                (port, deployment.environment.id, slot.colour),
            )
    return port != slot.port
