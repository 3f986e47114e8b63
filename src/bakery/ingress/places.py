"""Where the apps of a node are found: their sites, and the looks at their names, follow a change of it."""

from collections.abc import Mapping

from bakery.ingress.tasks import ask_for_refresh
from bakery.model.actor import Actor
from bakery.nodes import registry
from bakery.nodes.catalogue import NodeSummary
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.store.transaction import Transaction


async def edit_node(
    store: Store, queue: Queue, slug: str, wanted: Mapping[str, str | int], *, actor: Actor
) -> NodeSummary:
    """What is not wanted otherwise stays. A site answers under its new automatic name without a deployment."""

    async def follow(tx: Transaction, node_id: int) -> None:
        await sites_follow(tx, queue, node_id)

    return await registry.edit_node(store, slug, wanted, follow=follow, actor=actor)


async def sites_follow(tx: Transaction, queue: Queue, node_id: int) -> None:
    """After a change of a node's apps domain or of its addresses, and with it."""
    cursor = await tx.connection.execute(
        """
        SELECT environments.id, apps.slug FROM environments JOIN apps ON apps.id = app_id AND deleted_at IS NULL
        WHERE node_id = %s AND going_since IS NULL
        """,
        (node_id,),
    )
    for environment_id, slug in await cursor.fetchall():
        await ask_for_refresh(tx, queue, environment_id)
        tx.publish(f"app:{slug}")
    tx.publish("apps")
    await tx.connection.execute(
        """
        UPDATE domains SET look_at = now() FROM environments WHERE environments.id = environment_id AND node_id = %s
        """,
        (node_id,),
    )
