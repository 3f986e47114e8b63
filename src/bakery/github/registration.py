"""The OAuth app by which people link their GitHub: registered there by an Admin, and known here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, Conflict
from bakery.model.github import GitHubUrl, parse_client_id, parse_client_secret, parse_github_url
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.store.rows import only, typed
from bakery.store.signing import mark_of, marking_key
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction
from bakery.store.vault import Place, Vault

_PLACE = Place("github_client", 1, "secret")
_SELECT = "SELECT url, client_id, secret, changed_by, changed_at FROM github_client"


@dataclass(frozen=True, slots=True)
class Registration:
    """The secret stays sealed until somebody asks GitHub with it."""

    url: GitHubUrl
    client_id: str
    secret: bytes
    changed_by: str
    changed_at: datetime

    def open_secret(self, vault: Vault) -> Secret:
        return vault.open(_PLACE, self.secret)


@dataclass(frozen=True, slots=True)
class RegistrationDetail:
    """What an Admin sees of it. `links` is how many people linked by it."""

    registration: Registration | None
    links: int


async def show_registration(store: Store, *, actor: Actor) -> RegistrationDetail:
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.connection() as connection:
        return await _read_detail(connection)


async def set_registration(
    store: Store, *, url: str, client_id: str, secret: Secret | None, actor: Actor
) -> RegistrationDetail:
    """`secret` None: the one that is stored stays with its OAuth app. Another app ends what people linked by the one
    before: their tokens are no use to it."""
    actor.require(Permission.MANAGE_SYSTEM)
    server, client = parse_github_url(url), parse_client_id(client_id)
    given = parse_client_secret(secret) if secret else None
    async with store.transaction() as tx:
        now = await read_registration(tx.connection, for_update=True)
        is_same = now is not None and (now.url, now.client_id) == (server, client)
        kept = now.open_secret(store.vault) if now and is_same else None
        wanted = given or kept
        if wanted is None:
            raise BadInput("Its client secret is needed too.", field="client_secret", hint="GitHub shows it once.")
        if is_same and wanted == kept:
            return await _read_detail(tx.connection)
        await tx.connection.execute(
            """
            INSERT INTO github_client (id, url, client_id, secret, changed_by) VALUES (1, %s, %s, %s, %s)
            ON CONFLICT (id) DO UPDATE SET url = excluded.url, client_id = excluded.client_id,
                secret = excluded.secret, changed_by = excluded.changed_by, changed_at = now()
            """,
            (server, client, store.vault.seal(_PLACE, wanted), actor.label),
        )
        ended = 0 if is_same else await _end_links(tx)
        key = await marking_key(tx, store.vault)
        before = {"url": now.url, "client_id": now.client_id} if now else None
        after = {"url": server, "client_id": client, "client_secret": mark_of(wanted, key), "links_ended": ended}
        _record(tx, actor, before=before, after=after)
        return await _read_detail(tx.connection)


async def forget_registration(store: Store, *, actor: Actor) -> None:
    """And what people linked by it. Harmless when there is none."""
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.transaction() as tx:
        now = await read_registration(tx.connection, for_update=True)
        if now is None:
            return
        await tx.connection.execute("DELETE FROM github_client")
        before = {"url": now.url, "client_id": now.client_id}
        _record(tx, actor, before=before, after={"links_ended": await _end_links(tx)})


async def read_registration(connection: Connection, *, for_update: bool = False) -> Registration | None:
    async with connection.cursor(row_factory=typed(Registration)) as cursor:
        await cursor.execute(f"{_SELECT}{' FOR UPDATE' if for_update else ''}".encode())
        return await cursor.fetchone()


async def _read_detail(connection: Connection) -> RegistrationDetail:
    found = await connection.execute("SELECT count(*) FROM github_links")
    return RegistrationDetail(await read_registration(connection), (await only(found))[0])


async def expect_registration(store: Store) -> Registration:
    async with store.connection() as connection:
        found = await read_registration(connection)
    if found is None:
        raise Conflict("Bakery is not known to GitHub yet.", hint="An Admin registers it under Settings → GitHub.")
    return found


async def _end_links(tx: Transaction) -> int:
    return (await tx.connection.execute("DELETE FROM github_links")).rowcount


def _record(tx: Transaction, actor: Actor, *, before: Mapping[str, object] | None, after: Mapping[str, object]) -> None:
    tx.record(AuditEntry(actor, "settings.changed", "settings", "github", "GitHub", before=before, after=after))
    tx.publish("settings")
