"""Bakery's own site: the nginx of this machine passes requests for the base URL's host name on to Bakery.

Whether it is wanted is a row of the settings; what became of it is another. Between them stands `settle_own_site`, in
the process that looks after this machine: it is called at the start and after every change of the settings.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec
from psycopg.types.json import Jsonb

from bakery.ingress.own_certificate import OwnCertificate, order_own_certificate, read_own_certificate
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.certificates import advice
from bakery.model.errors import BadInput, CommandFailed
from bakery.model.names import OWN_CERTIFICATE, CertificateName, Port
from bakery.model.permissions import Permission
from bakery.nodes.certificates import Authority, NodeCertificates
from bakery.nodes.ingress import SYSTEM_PORT, SYSTEM_TLS_PORT, Ingress
from bakery.store.installation import General
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

_WANTED: Final = "own_site"
_FOUND: Final = "own_site_found"


class OwnSite(msgspec.Struct, frozen=True):
    """`host` is the name under which nginx passes requests on, by now; `trouble` is why it is not as it is wanted. By
    HTTPS it does so until `secure_until`; `insecure` is why it does not, or not for long any more."""

    is_wanted: bool = False
    host: str | None = None
    trouble: str = ""
    secure_until: datetime | None = None
    insecure: str = ""

    @property
    def is_settled(self) -> bool:
        return not self.trouble and self.is_wanted == (self.host is not None)


class _Found(msgspec.Struct, frozen=True):
    """`is_secure`: nginx shows its certificate."""

    host: str | None = None
    trouble: str = ""
    is_secure: bool = False


async def show_own_site(store: Store, *, actor: Actor) -> OwnSite:
    actor.require(Permission.MANAGE_SYSTEM)
    return await read_own_site(store)


async def read_own_site(store: Store) -> OwnSite:
    async with store.connection() as connection:
        return await _read(connection)


async def is_here(connection: Connection, node_id: int) -> bool:
    """Whether the nginx of a node passes requests on to Bakery, as far as is known."""
    own = await _read(connection)
    cursor = await connection.execute("SELECT kind = 'local' FROM nodes WHERE id = %s", (node_id,))
    return own.host is not None and own.is_settled and await cursor.fetchone() == (True,)


def ask_for_settling(tx: Transaction) -> None:
    """Whoever looks after its machine makes it what it should be."""
    tx.publish("settings")


async def choose_own_site(store: Store, general: General, *, is_wanted: bool, actor: Actor) -> OwnSite:
    """Wanting it again is trying it again. The base URL has to be one that an nginx can answer."""
    actor.require(Permission.MANAGE_SYSTEM)
    if is_wanted and (why := why_not(general)):
        raise BadInput(why, field="is_wanted", hint="Set the base URL under Settings → General first.")
    async with store.transaction() as tx:
        was = await _read(tx.connection)
        await _write(tx.connection, _WANTED, {"is_wanted": is_wanted})
        as_it_is = _Found(was.host, is_secure=was.secure_until is not None)
        await _write(tx.connection, _FOUND, msgspec.to_builtins(as_it_is))
        tx.publish("settings")
        if was.is_wanted != is_wanted:
            before, after = {"is_wanted": was.is_wanted}, {"is_wanted": is_wanted}
            tx.record(
                AuditEntry(actor, "settings.changed", "settings", "own_site", "Own site", before=before, after=after)
            )
        return await _read(tx.connection)


def why_not(general: General) -> str:
    """Why no nginx can answer the base URL; empty: one can."""
    if general.base_url is None:
        return "Bakery has no base URL yet, so there is no name for its site."
    parts = urlsplit(general.base_url)
    if ":" in (parts.hostname or ""):
        return "The base URL is an IPv6 address; a site needs a host name."
    return ""


@dataclass(frozen=True, slots=True)
class Machine:
    """What this one has for it. `authority` None: nobody is asked for certificates."""

    ingress: Ingress | None
    certificates: NodeCertificates | None = None
    authority: Authority | None = None


async def is_certificate_due(store: Store, machine: Machine, general: General) -> bool:
    """Whether `settle_own_site` would ask for one now."""
    wanted = await read_own_site(store)
    return wanted.host is not None and await _due(store, machine, general, wanted.host) is not None


async def settle_own_site(store: Store, machine: Machine, general: General, *, bakerys_port: Port) -> None:
    """Makes the machine's nginx do what is wanted, and asks for a certificate where one is missing. Harmless when all
    is as it should be."""
    host = await _settle(store, machine.ingress, general, bakerys_port)
    kept = await _due(store, machine, general, host) if host else None
    if host is None or kept is None or machine.certificates is None or machine.authority is None:
        return
    kept = await order_own_certificate(store, machine.certificates, kept, host, machine.authority)
    if kept.refused is None:
        await _settle(store, machine.ingress, general, bakerys_port)


async def _due(store: Store, machine: Machine, general: General, host: str) -> OwnCertificate | None:
    if machine.certificates is None or machine.authority is None or not general.is_encrypted:
        return None
    async with store.connection() as connection:
        kept = await read_own_certificate(connection)
    return kept if kept.is_due(host, machine.authority, datetime.now(UTC)) else None


async def _settle(store: Store, ingress: Ingress | None, general: General, bakerys_port: Port) -> str | None:
    """The name under which it answers now."""
    wanted = await read_own_site(store)
    host = general.own_host if wanted.is_wanted else None
    if host is None and wanted.host is None and not wanted.trouble:
        return None
    async with store.connection() as connection:
        kept = await read_own_certificate(connection)
    has_certificate = general.is_encrypted and host is not None and kept.covers(host, datetime.now(UTC))
    try:
        found = await _settled(ingress, general, host, bakerys_port, OWN_CERTIFICATE if has_certificate else None)
    except CommandFailed as error:
        found = _Found(wanted.host, f"{error.message} {error.hint}".strip(), wanted.secure_until is not None)
    if found != _Found(wanted.host, wanted.trouble, wanted.secure_until is not None):
        async with store.transaction() as tx:
            await _write(tx.connection, _FOUND, msgspec.to_builtins(found))
            tx.publish("settings")
    return found.host


async def _settled(
    ingress: Ingress | None,
    general: General,
    host: str | None,
    bakerys_port: Port,
    certificate: CertificateName | None,
) -> _Found:
    if ingress is None:
        trouble = "There is no nginx on this machine. Install it, then try again." if host else ""
        return _Found(None, trouble)
    if host is None:
        await ingress.remove_own_site()
        return _Found()
    if why := _why_not_here(general, ingress):
        await ingress.remove_own_site()
        return _Found(None, why)
    await ingress.put_own_site(host, bakerys_port, certificate)
    return _Found(host, is_secure=certificate is not None)


def _why_not_here(general: General, ingress: Ingress) -> str:
    if why := why_not(general):
        return why
    port, usual = (ingress.tls_port, SYSTEM_TLS_PORT) if general.is_encrypted else (ingress.port, SYSTEM_PORT)
    named = urlsplit(general.base_url or "").port or usual
    if port is None:
        return "The base URL begins with https, and nginx has no port for that here."
    if named != port:
        return f"The base URL leads to port {named}, and nginx listens on port {port} here."
    return ""


async def _read(connection: Connection) -> OwnSite:
    cursor = await connection.execute("SELECT name, value FROM settings WHERE name = ANY(%s)", ([_WANTED, _FOUND],))
    rows: dict[str, dict[str, object]] = dict(await cursor.fetchall())
    found = msgspec.convert(rows.get(_FOUND, {}), _Found)
    kept = await read_own_certificate(connection)
    until = kept.held.not_after if kept.held and found.is_secure else None
    why = "" if kept.refused is None or kept.host != found.host else _words(kept)
    return OwnSite(bool(rows.get(_WANTED, {}).get("is_wanted")), found.host, found.trouble, until, why)


def _words(kept: OwnCertificate) -> str:
    if kept.refused is None:
        return ""
    told, at = advice(kept.refused), kept.next_try
    again = f" It is asked again at {at:%Y-%m-%d %H:%M} UTC." if at else ""
    return f"No certificate for {kept.host}: {told.said} {told.fix} It said: {kept.refused.said}{again}"


async def _write(connection: Connection, name: str, value: object) -> None:
    await connection.execute(
        "INSERT INTO settings (name, value) VALUES (%s, %s) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = now()",
        (name, Jsonb(value)),
    )
