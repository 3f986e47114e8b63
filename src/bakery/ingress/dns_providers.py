"""The DNS providers of an installation: whoever lets Bakery write records, each for its zones.

A name with a star that is attached to an app gets its certificate by the provider of the smallest zone that it lies in.
Who may deploy may attach such names; that the zone is ours is what writing into it proves to the authority. The secrets
are sealed here, and lie on a node only while certbot asks there; a renewal brings them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import errors
from psycopg.types.json import Jsonb

from bakery.ingress.tasks import look_at_starred
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.dns_providers import DnsAccount, Kind, expect_secrets, parse_provider_name
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

_SELECT = """
SELECT name, plugin, fields, secret, wait, changed_by, changed_at,
       ARRAY(SELECT zone FROM dns_provider_zones WHERE provider = name ORDER BY zone) AS zones,
       ARRAY(SELECT DISTINCT apps.slug FROM certificates JOIN environments ON environments.id = environment_id
             JOIN apps ON apps.id = app_id WHERE dns_provider = dns_providers.name AND removed_at IS NULL
             ORDER BY apps.slug) AS apps
FROM dns_providers
"""


@dataclass(frozen=True, slots=True)
class DnsProvider:
    """`secret` has all of its kind, a line each, and stays sealed until an order needs them. `apps` are those whose
    certificates it proves."""

    name: str
    plugin: str
    fields: dict[str, str]
    secret: bytes
    wait: int
    changed_by: str
    changed_at: datetime
    zones: tuple[HostName, ...]
    apps: tuple[str, ...]

    @property
    def account(self) -> DnsAccount:
        return DnsAccount(self.plugin, self.zones, self.fields, self.wait)

    def secrets(self, vault: Vault) -> Mapping[str, Secret]:
        lines = vault.open(_place(self.name), self.secret).reveal().split("\n")
        names = (field.name for field in self.account.kind.secret_fields)
        return {name: Secret(line) for name, line in zip(names, lines, strict=True)}

    def proof(self, vault: Vault) -> DnsProof:
        return DnsProof(self.plugin, self.fields, self.secrets(vault), self.wait)


async def list_dns_providers(store: Store, *, actor: Actor) -> Sequence[DnsProvider]:
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.connection() as connection, connection.cursor(row_factory=typed(DnsProvider)) as cursor:
        await cursor.execute(f"{_SELECT} ORDER BY name".encode())
        return await cursor.fetchall()


async def show_dns_provider(store: Store, name: str, *, actor: Actor) -> DnsProvider:
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.connection() as connection:
        return _expect(await read_dns_provider(connection, _named(name)))


async def add_dns_provider(
    store: Store, name: str, wanted: DnsAccount, secrets: Mapping[str, Secret], *, actor: Actor
) -> DnsProvider:
    """Names with a star in its zones that wait for a certificate get one."""
    actor.require(Permission.MANAGE_SYSTEM)
    new = parse_provider_name(name)
    expect_secrets(wanted.kind, secrets)
    given = _lines(wanted.kind, secrets)
    try:
        async with store.transaction() as tx:
            await tx.connection.execute(
                """
                INSERT INTO dns_providers (name, plugin, fields, secret, wait, changed_by)
                VALUES (%s, %s, %s, %s, %s, %s)
                """,
                (
                    new, wanted.plugin, Jsonb(wanted.fields), store.vault.seal(_place(new), given), wanted.wait,
                    actor.label,
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
    store: Store, name: str, wanted: DnsAccount, secrets: Mapping[str, Secret], *, actor: Actor
) -> DnsProvider:
    """Secrets that are not given stay, where records are written at the same place. What was refused is asked for
    anew."""
    actor.require(Permission.MANAGE_SYSTEM)
    name = _named(name)
    async with store.transaction() as tx:
        now = _expect(await read_dns_provider(tx.connection, name, for_update=True))
        if now.plugin != wanted.plugin:
            raise BadInput("What kind of provider it is does not change.", field="plugin", hint="Add another one.")
        if now.account.place != wanted.place:
            try:
                expect_secrets(wanted.kind, secrets)
            except BadInput as error:
                raise BadInput("With another server or key, its secret is needed too.", field=error.field) from error
        before = now.secrets(store.vault)
        kept, given = _lines(wanted.kind, before), _lines(wanted.kind, {**before, **secrets})
        await tx.connection.execute(
            """
            UPDATE dns_providers SET fields = %s, secret = %s, wait = %s, changed_by = %s, changed_at = now()
            WHERE name = %s
            """,
            (Jsonb(wanted.fields), store.vault.seal(_place(name), given), wanted.wait, actor.label, name),
        )
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
            before=(now.account, kept),
            after=(wanted, given),
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
        await _record(tx, store, actor, "dns_provider.removed", name, before=(now.account, None))


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
    before: tuple[DnsAccount, Secret | None] | None = None,
    after: tuple[DnsAccount, Secret] | None = None,
) -> None:
    key = await marking_key(tx, store.vault)

    def told(one: tuple[DnsAccount, Secret | None] | None) -> Mapping[str, object] | None:
        if one is None:
            return None
        where, secret = one
        mark = {"secret": mark_of(secret, key)} if secret else {}
        return {"plugin": where.plugin, "zones": list(where.zones), **where.fields, "wait": where.wait, **mark}

    tx.record(AuditEntry(actor, action, "dns_provider", name, name, before=told(before), after=told(after)))
    tx.publish("settings")


def _lines(kind: Kind, secrets: Mapping[str, Secret]) -> Secret:
    """As they are sealed: none has an end of a line in it."""
    return Secret("\n".join(secrets[field.name].reveal() for field in kind.secret_fields))


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
