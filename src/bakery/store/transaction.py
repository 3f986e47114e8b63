"""A change to the database, with its audit rows and events."""

from collections.abc import Collection

from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from bakery.model.audit import AuditEntry

# Held from the first audit row or event to the commit, so that their ids are in the order of the commits.
_ORDER = 0x6F72646572
CHANNEL = "bakery_events"
_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_INSERT_ENTRY = """
INSERT INTO audit (person_id, actor, source, address, request_id, token_id, action,
                   target_kind, target_id, target_label, app_id, before, after)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_TELL = """
WITH fresh AS (INSERT INTO events (topic) SELECT unnest(%s::text[]) RETURNING id)
SELECT pg_notify(%s, max(id)::text) FROM fresh
"""


class Transaction:
    """What `Store.transaction` gives. Audit rows and events are kept back and written last, because writing them
    makes other changes wait until the commit."""

    def __init__(self, connection: AsyncConnection[TupleRow]) -> None:
        self.connection = connection
        self._entries: list[AuditEntry] = []
        self._topics: dict[str, None] = {}

    def record(self, entry: AuditEntry) -> None:
        self._entries.append(entry)
        self.publish("activity")

    def publish(self, *topics: str) -> None:
        """Tells open pages that what they show about these topics has changed."""
        self._topics.update(dict.fromkeys(topics))

    async def finish(self) -> None:
        if not self._entries and not self._topics:
            return
        await self.connection.execute(_LOCK, (_ORDER,))
        for entry in self._entries:
            await self.connection.execute(_INSERT_ENTRY, _values(entry))
        if self._topics:
            await self.connection.execute(_TELL, _told(self._topics))


def record_last(connection: Connection, entry: AuditEntry) -> None:
    """For maintenance without a pool. It is the last thing that a transaction does, for the reason above."""
    connection.execute(_LOCK, (_ORDER,))
    connection.execute(_INSERT_ENTRY, _values(entry))
    connection.execute(_TELL, _told(["activity"]))


def _values(entry: AuditEntry) -> tuple[object, ...]:
    actor = entry.actor
    return (
        actor.person_id,
        actor.label,
        actor.origin.source,
        actor.origin.address,
        actor.origin.request_id,
        actor.token_id,
        entry.action,
        entry.target_kind,
        entry.target_id,
        entry.target_label,
        entry.app_id,
        None if entry.before is None else Jsonb(dict(entry.before)),
        None if entry.after is None else Jsonb(dict(entry.after)),
    )


def _told(topics: Collection[str]) -> tuple[list[str], str]:
    return list(topics), CHANNEL
