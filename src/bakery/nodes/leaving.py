"""What Bakery forgets with an environment that goes: its rows, and those of its app with the last one."""

from collections.abc import Collection

from bakery.store.transaction import Transaction


async def forget_environments(tx: Transaction, environment_ids: Collection[int]) -> None:
    """What their apps have elsewhere stays. An app goes only when it was deleted itself."""
    going = list(environment_ids)
    cursor = await tx.connection.execute(
        """
        SELECT id FROM apps WHERE id IN (SELECT app_id FROM environments WHERE id = ANY(%s)) ORDER BY id FOR UPDATE
        """,
        (going,),
    )
    apps = [int(app_id) for (app_id,) in await cursor.fetchall()]
    cursor = await tx.connection.execute(
        """
        SELECT log_stream_id FROM deployments WHERE environment_id = ANY(%(going)s)
        UNION ALL SELECT stream_id FROM log_tails WHERE app_id = ANY(%(apps)s) AND NOT EXISTS (
            SELECT FROM environments WHERE environments.app_id = log_tails.app_id AND id <> ALL(%(going)s))
        """,
        {"going": going, "apps": apps},
    )
    streams = [int(stream) for (stream,) in await cursor.fetchall()]
    await tx.connection.execute("DELETE FROM environments WHERE id = ANY(%s)", (going,))
    await tx.connection.execute(
        """
        DELETE FROM builds WHERE app_id = ANY(%s)
        AND NOT EXISTS (SELECT FROM releases WHERE releases.build_id = builds.id)
        """,
        (apps,),
    )
    await tx.connection.execute(
        """
        DELETE FROM apps WHERE id = ANY(%s) AND deleted_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM environments WHERE app_id = apps.id)
        """,
        (apps,),
    )
    await tx.connection.execute("DELETE FROM log_streams WHERE id = ANY(%s)", (streams,))
