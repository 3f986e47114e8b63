"""The DNS providers of an installation: name servers where Bakery may write records, each for its zones.

A name with a star that is attached to an app gets its certificate by the provider of the smallest zone that it lies in.
Who may deploy may attach such names; that the zone is ours is what writing into it proves to the authority. The key is
sealed here, and lies on a node only while certbot asks there; a renewal brings it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import errors

from bakery.ingress.tasks import look_at_starred
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.dns_providers import NameServer, parse_provider_name, parse_tsig_secret
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.names import HostName
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.nodes.certificates import DnsProof
from bakery.store.rows import typed
from bakery.store.signing import mark_of, marking_key
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction
from bakery.store.vault import Place, Vault

_PLUGIN = "rfc2136"
_SELECT = """
SELECT name, plugin, server, port, key_name, algorithm, secret, wait, changed_by, changed_at,
       ARRAY(SELECT zone FROM dns_provider_zones WHERE provider = name ORDER BY zone) AS zones,
       ARRAY(SELECT DISTINCT apps.slug FROM certificates JOIN environments ON environments.id = environment_id
             JOIN apps ON apps.id = app_id WHERE dns_provider = dns_providers.name AND removed_at IS NULL
             ORDER BY apps.slug) AS apps
FROM dns_providers
"""


@dataclass(frozen=True, slots=True)
class DnsProvider:
    """The secret stays sealed until an order needs it. `apps` are those whose certificates it proves."""

    name: str
    plugin: str
    server: str
    port: int
    key_name: str
    algorithm: str
    secret: bytes
    wait: int
    changed_by: str
    changed_at: datetime
    zones: tuple[HostName, ...]
    apps: tuple[str, ...]

    @property
    def name_server(self) -> NameServer:
        return NameServer(self.zones, self.server, self.port, self.key_name, self.algorithm, self.wait)

    def proof(self, vault: Vault) -> DnsProof:
        secret = vault.open(_place(self.name), self.secret)
        return DnsProof(self.plugin, self.server, self.port, self.key_name, self.algorithm, secret, self.wait)


async def list_dns_providers(store: Store, *, actor: Actor) -> Sequence[DnsProvider]:
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.connection() as connection, connection.cursor(row_factory=typed(DnsProvider)) as cursor:
        await cursor.execute(f"{_SELECT} ORDER BY name".encode())
        return await cursor.fetchall()


async def show_dns_provider(store: Store, name: str, *, actor: Actor) -> DnsProvider:
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.connection() as connection:
        return _expect(await read_dns_provider(connection, _named(name)))


async def add_dns_provider(store: Store, name: str, wanted: NameServer, secret: Secret, *, actor: Actor) -> DnsProvider:
    """Names with a star in its zones that wait for a certificate get one."""
    actor.require(Permission.MANAGE_SYSTEM)
    new, given = parse_provider_name(name), parse_tsig_secret(secret)
    try:
        async with store.transaction() as tx:
            await tx.connection.execute(
                """
                INSERT INTO dns_providers (name, plugin, server, port, key_name, algorithm, secret, wait, changed_by)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
                """,
                (
                    new, _PLUGIN, wanted.server, wanted.port, wanted.key_name, wanted.algorithm,
                    store.vault.seal(_place(new), given), wanted.wait, actor.label,
                ),
            )  # fmt: skip
            await _set_zones(tx, new, wanted.zones)
            await _record(tx, store, actor, "dns_provider.added", new, after=(wanted, given))
            await look_at_starred(tx)
    except errors.UniqueViolation as error:
        raise Conflict(
            f"There is a DNS provider {new} already.", hint="Choose another name, or edit that one."
        ) from error
    return await show_dns_provider(store, new, actor=actor)


async def change_dns_provider(
    store: Store, name: str, wanted: NameServer, secret: Secret | None, *, actor: Actor
) -> DnsProvider:
    """`secret` None: the one that is stored stays, where server and key are the same. What was refused is asked for
    anew."""
    actor.require(Permission.MANAGE_SYSTEM)
    name, given = _named(name), parse_tsig_secret(secret) if secret else None
    async with store.transaction() as tx:
        now = _expect(await read_dns_provider(tx.connection, name, for_update=True))
        is_same = (now.server, now.port, now.key_name) == (wanted.server, wanted.port, wanted.key_name)
        if given is None and not is_same:
            raise BadInput("With another server or key, its secret is needed too.", field="secret")
        kept = now.proof(store.vault).secret
        await tx.connection.execute(
            """
            UPDATE dns_providers SET server = %s, port = %s, key_name = %s, algorithm = %s, secret = %s, wait = %s,
                changed_by = %s, changed_at = now() WHERE name = %s
            """,
            (
                wanted.server, wanted.port, wanted.key_name, wanted.algorithm,
                store.vault.seal(_place(name), given or kept), wanted.wait, actor.label, name,
            ),
        )  # fmt: skip
        await _set_zones(tx, name, wanted.zones)
        await tx.connection.execute(
            "UPDATE certificates SET next_try = NULL, try_at = now() WHERE dns_provider = %s AND NOT is_barred", (name,)
        )
        await _record(
            tx,
            store,
            actor,
            "dns_provider.changed",
            name,
            before=(now.name_server, kept),
            after=(wanted, given or kept),
        )
        await look_at_starred(tx)
    return await show_dns_provider(store, name, actor=actor)


async def remove_dns_provider(store: Store, name: str, *, actor: Actor) -> None:
    """Refused while a certificate depends on it."""
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.transaction() as tx:
        now = _expect(await read_dns_provider(tx.connection, _named(name), for_update=True))
        name = now.name
        if now.apps:
            raise Conflict(
                f"Certificates of {', '.join(now.apps)} are renewed by {name}.",
                hint="Remove the names with a star there first, or name their zones at another provider.",
            )
        await tx.connection.execute("DELETE FROM dns_providers WHERE name = %s", (name,))
        await _record(tx, store, actor, "dns_provider.removed", name, before=(now.name_server, None))


async def read_dns_provider(connection: Connection, name: str, *, for_update: bool = False) -> DnsProvider | None:
    async with connection.cursor(row_factory=typed(DnsProvider)) as cursor:
        await cursor.execute(f"{_SELECT} WHERE name = %s {'FOR UPDATE' if for_update else ''}".encode(), (name,))
        return await cursor.fetchone()


async def _set_zones(tx: Transaction, name: str, zones: Sequence[HostName]) -> None:
    await tx.connection.execute("DELETE FROM dns_provider_zones WHERE provider = %s", (name,))
    cursor = await tx.connection.execute(
        """
        INSERT INTO dns_provider_zones (zone, provider) SELECT unnest(%s::text[]), %s ON CONFLICT DO NOTHING
        RETURNING zone
        """,
        (list(zones), name),
    )
    mine = {zone for (zone,) in await cursor.fetchall()}
    if others := [zone for zone in zones if zone not in mine]:
        raise Conflict(f"{', '.join(others)}: another provider has it.", hint="A zone has one provider.")


async def _record(
    tx: Transaction,
    store: Store,
    actor: Actor,
    action: str,
    name: str,
    *,
    before: tuple[NameServer, Secret | None] | None = None,
    after: tuple[NameServer, Secret] | None = None,
) -> None:
    key = await marking_key(tx, store.vault)

    def told(one: tuple[NameServer, Secret | None] | None) -> Mapping[str, object] | None:
        if one is None:
            return None
        where, secret = one
        mark = {"secret": mark_of(secret, key)} if secret else {}
        return {
            "zones": list(where.zones), "server": where.server, "port": where.port, "key_name": where.key_name,
            "algorithm": where.algorithm, "wait": where.wait, **mark,
        }  # fmt: skip

    tx.record(AuditEntry(actor, action, "dns_provider", name, name, before=told(before), after=told(after)))
    tx.publish("settings")


def _place(name: str) -> Place:
    return Place("dns_providers", name, "secret")


def _named(name: str) -> str:
    """What is no name of one, is not there."""
    try:
        return parse_provider_name(name)
    except BadInput:
        return _expect(None).name


def _expect(found: DnsProvider | None) -> DnsProvider:
    if found is None:
        raise NotFound("There is no such DNS provider.", hint="Those that there are: bakery dns-providers list")
    return found
