"""The host names that an environment answers to, beside the one that it has by itself."""

from bakery.model.names import HostName
from bakery.store.store import Connection


async def attached_names(connection: Connection, environment_id: int) -> tuple[HostName, ...]:
    """The primary one first."""
    cursor = await connection.execute(
        "SELECT host FROM domains WHERE environment_id = %s ORDER BY is_primary DESC, id", (environment_id,)
    )
    return tuple(HostName(host) for (host,) in await cursor.fetchall())
