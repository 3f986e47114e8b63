"""The key that signs forms and the ids of uploads: one for all processes that share a database.

SESSION_SECRET where it is set; else made once and kept in the database, sealed by the vault. Another one marks secrets
in the audit: equal ones have equal marks, and without the key nobody can try out which.
"""

import hashlib
import hmac
import secrets

from psycopg.types.json import Jsonb

from bakery.model.errors import NotReady
from bakery.model.secret import Secret
from bakery.settings import Settings
from bakery.store.rows import only
from bakery.store.store import SERVER, Connection, Store
from bakery.store.transaction import Transaction
from bakery.store.vault import Place, Vault

_MADE = "signing key"  # in the table `settings`, like the next two
_MARKING = "marking key"
_IN_USE = "signing key in use"


async def signing_key(store: Store, settings: Settings) -> Secret:
    return settings.session_secret or await _made(store)


async def marking_key(tx: Transaction, vault: Vault) -> Secret:
    return await _kept(tx, vault, _MARKING)


def mark_of(secret: Secret, key: Secret) -> str:
    """What stands for a secret in the audit."""
    return f"hmac-sha256:{_digest(key, secret)}"


async def expect_the_same_key(store: Store, settings: Settings) -> None:
    """Returns when no other process that serves on this database signs with another key."""
    key = settings.session_secret
    # Keyed, so that who reads the database cannot try out what SESSION_SECRET may be.
    mark = _digest(await _made(store), key) if key else "made"
    async with store.transaction() as tx:
        await tx.connection.execute(_KEEP, (_IN_USE, Jsonb(mark)))
        found = await tx.connection.execute("SELECT value FROM settings WHERE name = %s FOR UPDATE", (_IN_USE,))
        (in_use,) = await only(found)
        if in_use == mark:
            return
        if await _others_serve(tx.connection, store.name):
            raise NotReady(
                "Another process on this database signs with another SESSION_SECRET.",
                hint="Set the same one for all of them, or for none. To change it, stop them all first.",
            )
        await tx.connection.execute("UPDATE settings SET value = %s WHERE name = %s", (Jsonb(mark), _IN_USE))


async def _made(store: Store) -> Secret:
    async with store.transaction() as tx:
        return await _kept(tx, store.vault, _MADE)


async def _kept(tx: Transaction, vault: Vault, name: str) -> Secret:
    place = Place("settings", name, "value")
    fresh = vault.seal(place, Secret(secrets.token_urlsafe(48)))
    await tx.connection.execute(_KEEP, (name, Jsonb({"sealed": fresh.hex()})))
    found = await tx.connection.execute("SELECT value ->> 'sealed' FROM settings WHERE name = %s", (name,))
    (sealed,) = await only(found)
    return vault.open(place, bytes.fromhex(sealed))


# The first of several processes decides.
_KEEP = "INSERT INTO settings (name, value) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING"


def _digest(key: Secret, secret: Secret) -> str:
    return hmac.new(key.reveal().encode(), secret.reveal().encode(), hashlib.sha256).hexdigest()


async def _others_serve(connection: Connection, our_name: str) -> bool:
    """Each process that serves has a name of its own, which all its connections bear."""
    cursor = await connection.execute(
        """
        SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                       AND starts_with(application_name, %s) AND application_name <> %s)
        """,
        (SERVER, our_name),
    )
    return bool((await only(cursor))[0])
