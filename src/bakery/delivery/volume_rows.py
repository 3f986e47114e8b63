"""Volumes that are there before an app is."""

from bakery.model.actor import Actor
from bakery.model.errors import Conflict
from bakery.store.transaction import Transaction


async def expect_no_others(tx: Transaction, slug: str, node_id: int, *, actor: Actor) -> None:
    """An app gets what one of its name left. Who sees only some apps may not come to it in this way."""
    if actor.is_system or actor.apps is None:
        return
    cursor = await tx.connection.execute("SELECT FROM volumes WHERE app = %s AND node_id = %s", (slug, node_id))
    if await cursor.fetchone() is not None:
        raise Conflict(
            f"An app that was called {slug} left volumes on this node, and another of this name would have them.",
            hint="Choose another name, or ask an Admin to make this app.",
        )
