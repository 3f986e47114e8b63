"""Apps to choose from in a form."""

from dataclasses import dataclass

from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.store.rows import typed
from bakery.store.store import Store


@dataclass(frozen=True, slots=True)
class AppChoice:
    slug: str
    name: str


async def list_choices(store: Store, *, actor: Actor) -> list[AppChoice]:
    """All that the actor sees, by name."""
    actor.require(Permission.READ)
    granted = None if actor.is_system or actor.apps is None else sorted(actor.apps)
    async with store.connection() as connection, connection.cursor(row_factory=typed(AppChoice)) as cursor:
        await cursor.execute(
            """
            SELECT slug, name FROM apps
            WHERE deleted_at IS NULL AND (%(granted)s::bigint[] IS NULL OR id = ANY(%(granted)s))
            ORDER BY lower(name), slug
            """,
            {"granted": granted},
        )
        return await cursor.fetchall()
