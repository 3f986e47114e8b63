"""What looks at nodes found, which are made now and then by whoever looks after one. It is told on the dashboard until
a look finds it right again. Nothing is ever repaired by itself.

What a look finds for the first time is looked at once more before it is told: a program that starts anew at that moment
was changed by nobody."""

from collections.abc import Collection
from datetime import timedelta

import structlog

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.store.store import Store

log = structlog.get_logger()

_MOST_KEYS = 100
_SOON = timedelta(minutes=1)


async def claim_look(store: Store, node_id: int, every: timedelta) -> bool:
    """Whether its time has come. A node that was never looked at waits a while: a start has other things to do."""
    async with store.transaction() as tx:
        await tx.connection.execute(
            "INSERT INTO drift_looks (node_id, next_at) VALUES (%s, now() + %s) ON CONFLICT DO NOTHING",
            (node_id, min(every, _SOON)),
        )
        cursor = await tx.connection.execute(
            "UPDATE drift_looks SET next_at = now() + %s WHERE node_id = %s AND next_at <= now()", (every, node_id)
        )
        return cursor.rowcount == 1


async def note_look(store: Store, node_id: int, found: Collection[str], *, by_itself: bool) -> None:
    """`found` are the keys of what differs. Who looks in person sees it, so nothing new is told then."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            SELECT slug, coalesce(keys, '{}'), coalesce(suspected, '{}')
            FROM nodes LEFT JOIN drift_looks ON node_id = nodes.id WHERE nodes.id = %s FOR UPDATE OF nodes
            """,
            (node_id,),
        )
        row = await cursor.fetchone()
        if row is None:
            return  # it was removed meanwhile
        slug, told, suspected = row[0], set(row[1]), set(row[2])
        known = told | suspected if by_itself else told
        now = sorted(known & set(found))[:_MOST_KEYS]
        new = sorted(set(found) - set(now))[:_MOST_KEYS] if by_itself else []
        await tx.connection.execute(
            """
            UPDATE drift_looks SET keys = %(now)s, suspected = %(new)s,
                next_at = CASE WHEN %(is_new)s THEN least(next_at, now() + %(soon)s) ELSE next_at END
            WHERE node_id = %(id)s
            """,
            {"id": node_id, "now": now, "new": new, "is_new": bool(new), "soon": _SOON},
        )
        if now and not told:
            log.warning("node_drifted", node=slug, keys=now)
            after = {"what": now}
            tx.record(AuditEntry(Actor.system(), "node.drifted", "node", str(node_id), slug, after=after))
        if set(now) != told:
            tx.publish("nodes", f"node:{slug}")


async def look_soon(store: Store, node_id: int) -> None:
    """After a repair: what is right again is told no longer."""
    async with store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE drift_looks SET next_at = least(next_at, now() + %s) WHERE node_id = %s", (_SOON, node_id)
        )
