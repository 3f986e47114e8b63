"""An app by what people call it; outside an actor's grants it does not exist."""

from dataclasses import dataclass

from bakery.model.actor import Actor
from bakery.model.errors import NotFound
from bakery.model.names import AppAt
from bakery.store.rows import typed
from bakery.store.store import Store


@dataclass(frozen=True, slots=True)
class FoundApp:
    id: int
    slug: str
    environment_id: int


async def find_app(store: Store, where: AppAt, actor: Actor) -> FoundApp:
    async with store.connection() as connection, connection.cursor(row_factory=typed(FoundApp)) as cursor:
        await cursor.execute(
            "SELECT id, slug, environment_id FROM environment_facts WHERE slug = %s AND environment = %s",
            (where.app, where.environment),
        )
        app = await cursor.fetchone()
    if app is None or not actor.sees_app(app.id):
        raise await no_such_app(store, where, actor)
    return app


async def no_such_app(store: Store, where: AppAt, actor: Actor) -> NotFound:
    """Who sees the app hears that it is the environment that there is not."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT id, array_agg(environment ORDER BY environment) FROM environment_facts WHERE slug = %s GROUP BY id",
            (where.app,),
        )
        row = await cursor.fetchone()
    if row is None or not actor.sees_app(row[0]):
        return NotFound("There is no such app.")
    return NotFound(f"{where.app} has no environment {where.environment}.", hint=f"It has {', '.join(row[1])}.")
