"""An app or a deployment by what people call it; outside an actor's grants it does not exist."""

from collections.abc import Mapping
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


async def app_of_deployment(store: Store, deployment_id: int) -> int | None:
    """For those who watch `deployment:ID`: whose app it is."""
    return await _number(store, "SELECT app_id FROM deployment_facts WHERE id = %s", deployment_id)


async def app_of_stream(store: Store, stream: int) -> int | None:
    """For those who watch `log:STREAM`: whose app it is."""
    return await _number(
        store,
        """
        SELECT app_id FROM deployment_facts WHERE log_stream = %(stream)s
        UNION ALL SELECT app_id FROM log_tails JOIN apps ON apps.id = app_id
        WHERE stream_id = %(stream)s AND deleted_at IS NULL
        """,
        {"stream": stream},
    )


async def node_of_environment(store: Store, environment_id: int) -> int | None:
    return await _number(store, "SELECT node_id FROM environments WHERE id = %s", environment_id)


async def node_of_deployment(store: Store, deployment_id: int) -> int | None:
    return await _number(
        store,
        """
        SELECT node_id FROM deployments JOIN environments ON environments.id = environment_id
        WHERE deployments.id = %s
        """,
        deployment_id,
    )


async def _number(store: Store, query: str, subject: int | Mapping[str, int]) -> int | None:
    async with store.connection() as connection:
        given = (subject,) if isinstance(subject, int) else subject
        row = await (await connection.execute(query, given)).fetchone()
    return int(row[0]) if row else None
