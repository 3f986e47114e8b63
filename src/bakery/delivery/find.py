"""An app or a deployment by what people call it; outside an actor's grants it does not exist."""

from collections.abc import Mapping

from bakery.access.app_by_name import FoundApp, find_app, no_such_app
from bakery.store.store import Store

__all__ = [
    "FoundApp", "app_of_deployment", "app_of_stream", "find_app", "no_such_app", "node_of_deployment",
    "node_of_environment",
]  # fmt: skip


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
