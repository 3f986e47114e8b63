"""The certificate of Bakery's own site: asked for when the base URL begins with https, as those of apps are."""

from datetime import UTC, datetime

import msgspec
from psycopg.types.json import Jsonb

from bakery.model.certificates import Held, Refused, counts, is_enough, next_try
from bakery.model.errors import CommandFailed, NodeUnreachable
from bakery.model.names import OWN_CERTIFICATE, HostName
from bakery.nodes.certificates import Authority, NodeCertificates
from bakery.store.store import Connection, Store

_ROW = "own_certificate"


class OwnCertificate(msgspec.Struct, frozen=True):
    """`held` lies on this machine. `host` is of the last order, `refused` why that brought nothing; before `next_try`
    there is no other for the same name."""

    held: Held | None = None
    directory: str = ""
    host: str = ""
    refused: Refused | None = None
    tries: int = 0
    next_try: datetime | None = None

    def covers(self, host: str, now: datetime) -> bool:
        return self.held is not None and host in self.held.names and self.held.not_after > now

    def is_due(self, host: str, authority: Authority, now: datetime) -> bool:
        is_enough_now = self.directory == authority.directory and is_enough(self.held, (HostName(host),), now)
        waits = self.host == host and self.next_try is not None and self.next_try > now
        return not is_enough_now and not waits


async def read_own_certificate(connection: Connection) -> OwnCertificate:
    cursor = await connection.execute("SELECT value FROM settings WHERE name = %s", (_ROW,))
    row = await cursor.fetchone()
    return msgspec.convert(row[0], OwnCertificate) if row else OwnCertificate()


async def order_own_certificate(
    store: Store, node: NodeCertificates, kept: OwnCertificate, host: str, authority: Authority
) -> OwnCertificate:
    """What is kept of it from now on. A refusal takes nothing away that is there."""
    instead_of = kept.held.fingerprint if kept.held and kept.held.names == (HostName(host),) else None
    try:
        answer = await node.issue(OWN_CERTIFICATE, (HostName(host),), authority, instead_of=instead_of)
    except NodeUnreachable as error:
        answer = Refused("node", error.message)
    except CommandFailed as error:
        answer = Refused("other", f"{error.message} {error.hint}".strip())
    if isinstance(answer, Held):
        found = OwnCertificate(answer, authority.directory, host)
    else:
        tries = (kept.tries if kept.host == host else 0) + counts(answer)
        again = next_try(answer, max(tries, 1), datetime.now(UTC))
        found = OwnCertificate(kept.held, kept.directory, host, answer, tries, again)
    async with store.transaction() as tx:
        await tx.connection.execute(
            "INSERT INTO settings (name, value) VALUES (%s, %s) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = now()",
            (_ROW, Jsonb(msgspec.to_builtins(found))),
        )
        tx.publish("settings")
    return found
