"""What Bakery forgets with an environment that goes: its rows, and those of its app with the last one."""

from collections.abc import Collection
from datetime import timedelta

from bakery.store.transaction import Transaction


async def forget_environments(tx: Transaction, environment_ids: Collection[int]) -> None:
    """What their apps have elsewhere stays. An app goes only when it was deleted itself."""
    going = list(environment_ids)
    await leave_hooks(tx, going)
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


async def leave_hooks(
    tx: Transaction, environment_ids: Collection[int], *, but: int | None = None, wait: timedelta = timedelta()
) -> list[int]:
    """What these have at GitHub is remembered as left there, also without their apps; the ids of what is. The hook of
    the number `but` stays theirs."""
    cursor = await tx.connection.execute(
        """
        WITH gone AS (
            DELETE FROM github_hooks
            WHERE environment_id = ANY(%(environments)s) AND hook IS DISTINCT FROM %(but)s::bigint
            RETURNING environment_id, person_id, server, repository, hook
        )
        INSERT INTO github_left_hooks (environment_id, app_id, app, environment, person_id, server, repository, hook,
                                       next_at)
        SELECT environment_id, apps.id, slug, environments.name, person_id, server, repository, hook, now() + %(wait)s
        FROM gone JOIN environments ON environments.id = environment_id JOIN apps ON apps.id = app_id
        ON CONFLICT (server, hook) DO UPDATE SET next_at = excluded.next_at, given_up_at = NULL, since = now()
        RETURNING id
        """,
        {"environments": list(environment_ids), "but": but, "wait": wait},
    )
    return [int(left) for (left,) in await cursor.fetchall()]
