"""The logs of deployments of long ago: one line stays of each, which says what went."""

from datetime import timedelta

from bakery.model.sizes import shown_bytes
from bakery.store.logs import append_within
from bakery.store.store import Store

KEPT_LOGS = 20  # of each app, however old
_SHORT = 1000  # bytes that are not worth a line
_AT_ONCE = 100


async def shorten_old_logs(store: Store, *, older_than: timedelta) -> None:
    """What the deployments were, and how each step went, stays."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT deployments.id, log_stream_id, log_streams.bytes FROM deployments
            JOIN apps ON apps.id = app_id JOIN log_streams ON log_streams.id = log_stream_id
            WHERE ended_at < now() - %s AND number <= last_number - %s AND log_streams.bytes > %s
            ORDER BY deployments.id LIMIT %s
            """,
            (older_than, KEPT_LOGS, _SHORT, _AT_ONCE),
        )
        found = await cursor.fetchall()
    for deployment_id, stream, length in found:
        gone = f"[Bakery: this log of {shown_bytes(length)} went {older_than.days} days after its deployment.]\n"
        async with store.transaction() as tx:
            await tx.connection.execute("DELETE FROM log_chunks WHERE stream_id = %s", (stream,))
            await tx.connection.execute("UPDATE log_streams SET bytes = 0, lines = 0 WHERE id = %s", (stream,))
            await tx.connection.execute(
                "UPDATE steps SET from_byte = NULL, to_byte = NULL WHERE deployment_id = %s", (deployment_id,)
            )
            await append_within(tx.connection, stream, gone.encode())
