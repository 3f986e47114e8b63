"""A change to the database, with its audit rows and events."""

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from bakery.model.audit import AuditEntry

# Held from the first audit row or event to the commit, so that their ids are in the order of the commits.
_ORDER = 0x6F72646572
CHANNEL = "bakery_events"


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
        await self.connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ORDER,))
        for entry in self._entries:
            await self._insert(entry)
        if self._topics:
            await self.connection.execute(
                "WITH fresh AS (INSERT INTO events (topic) SELECT unnest(%s::text[]) RETURNING id) "
                "SELECT pg_notify(%s, max(id)::text) FROM fresh",
                (list(self._topics), CHANNEL),
            )

    async def _insert(self, entry: AuditEntry) -> None:
        actor = entry.actor
        await self.connection.execute(
            """
            INSERT INTO audit (person_id, actor, source, address, request_id, token_id, action,
                               target_kind, target_id, target_label, app_id, before, after)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
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
            ),
        )
