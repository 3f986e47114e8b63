"""The options of an environment's site: what was chosen, and choosing. The live site has them at once, without a
deployment; a rollback leaves them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import bcrypt
import msgspec
from psycopg.types.json import Jsonb

from bakery.access.app_by_name import FoundApp, find_app
from bakery.ingress.tasks import ask_for_refresh
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput
from bakery.model.labels import shown_part
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.site_options import USUAL, SiteOptions, changed, parse_user, texts, with_user, without_user
from bakery.store.queue import Queue
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

# nginx compares at each request, and whoever else visits the node waits meanwhile: about four milliseconds.
_ROUNDS: Final = 6
_SHORTEST, _LONGEST = 8, 72
_NOTED: Final = 500  # of a page's text


async def options_of(connection: Connection, environment_id: int) -> SiteOptions:
    cursor = await connection.execute("SELECT options FROM site_options WHERE environment_id = %s", (environment_id,))
    row = await cursor.fetchone()
    return msgspec.convert(row[0], SiteOptions) if row else USUAL


async def trouble_of(connection: Connection, environment_id: int) -> str:
    """Why nginx refused the site as it is to be; empty: it did not."""
    cursor = await connection.execute("SELECT trouble FROM site_options WHERE environment_id = %s", (environment_id,))
    row = await cursor.fetchone()
    return str(row[0]) if row else ""


@dataclass(frozen=True, slots=True)
class ShownSite:
    """`trouble` is why nginx refused it as it is to be; its visitors have it as it was before."""

    options: SiteOptions
    trouble: str


async def show_site(store: Store, where: AppAt, *, actor: Actor) -> ShownSite:
    actor.require(Permission.READ)
    found = await find_app(store, where, actor)
    async with store.connection() as connection:
        options = await options_of(connection, found.environment_id)
        return ShownSite(options, await trouble_of(connection, found.environment_id))


async def note_trouble(store: Store, environment_id: int, sentence: str) -> None:
    """Empty: nginx took the site."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            WITH noted AS (
                INSERT INTO site_options (environment_id, options, trouble)
                SELECT %(environment)s, '{}', %(sentence)s WHERE %(sentence)s <> '' OR EXISTS (
                    SELECT FROM site_options WHERE environment_id = %(environment)s)
                ON CONFLICT (environment_id) DO UPDATE SET trouble = excluded.trouble
                WHERE site_options.trouble <> excluded.trouble
                RETURNING environment_id
            )
            SELECT apps.slug FROM noted JOIN environments ON environments.id = environment_id
            JOIN apps ON apps.id = app_id
            """,
            {"environment": environment_id, "sentence": sentence},
        )
        for (slug,) in await cursor.fetchall():
            tx.publish(f"app:{slug}")


async def change_site(
    store: Store, queue: Queue, where: AppAt, wanted: Mapping[str, str], *, actor: Actor
) -> SiteOptions:
    """What is not in `wanted` stays as it is."""
    actor.require(Permission.DEPLOY)
    found = await find_app(store, where, actor)
    async with store.transaction() as tx:
        was = await _take(tx, found)
        becomes = changed(was, wanted)
        before, after = texts(was), texts(becomes)
        differing = [name for name in after if before[name] != after[name]]
        if differing:
            await _save(tx, queue, found, becomes)
            tx.record(
                AuditEntry(
                    actor,
                    "site.changed",
                    "app",
                    str(found.id),
                    where.app,
                    app_id=found.id,
                    before={name: shown_part(before[name], at_most=_NOTED) for name in differing},
                    after={name: shown_part(after[name], at_most=_NOTED) for name in differing},
                )
            )
    return becomes


async def set_site_password(
    store: Store, queue: Queue, where: AppAt, user: str, password: Secret, *, actor: Actor
) -> SiteOptions:
    """From now on the site asks its visitors for a name and a password, and takes these."""
    actor.require(Permission.DEPLOY)
    hashed = await asyncio.to_thread(_hashed, parse_user(user), password)
    found = await find_app(store, where, actor)
    async with store.transaction() as tx:
        was = await _take(tx, found)
        becomes = with_user(was, user, hashed)
        await _save(tx, queue, found, becomes)
        tx.record(
            AuditEntry(
                actor,
                "site.password_set",
                "app",
                str(found.id),
                where.app,
                app_id=found.id,
                after={"user": user},
            )
        )
    return becomes


async def remove_site_user(store: Store, queue: Queue, where: AppAt, user: str, *, actor: Actor) -> SiteOptions:
    """When it was the last, the site asks nobody any more."""
    actor.require(Permission.DEPLOY)
    found = await find_app(store, where, actor)
    async with store.transaction() as tx:
        was = await _take(tx, found)
        becomes = without_user(was, user)
        await _save(tx, queue, found, becomes)
        tx.record(
            AuditEntry(
                actor,
                "site.user_removed",
                "app",
                str(found.id),
                where.app,
                app_id=found.id,
                before={"user": user},
            )
        )
    return becomes


def _hashed(user: str, password: Secret) -> str:
    said = password.reveal().encode(errors="surrogatepass")
    if not _SHORTEST <= len(said) <= _LONGEST or any(byte < ord(" ") for byte in said):
        raise BadInput(
            f"A password has {_SHORTEST} to {_LONGEST} characters, none of which is a line end.", field="password"
        )
    if said.decode(errors="replace") == user:
        raise BadInput("A password differs from the name.", field="password")
    return bcrypt.hashpw(said, bcrypt.gensalt(_ROUNDS)).decode()


async def _take(tx: Transaction, found: FoundApp) -> SiteOptions:
    """Whoever has it is alone with it until the transaction ends."""
    await tx.connection.execute("SELECT FROM environments WHERE id = %s FOR UPDATE", (found.environment_id,))
    return await options_of(tx.connection, found.environment_id)


async def _save(tx: Transaction, queue: Queue, found: FoundApp, options: SiteOptions) -> None:
    await tx.connection.execute(
        """
        INSERT INTO site_options (environment_id, options) VALUES (%s, %s)
        ON CONFLICT (environment_id) DO UPDATE SET options = excluded.options
        """,
        (found.environment_id, Jsonb(msgspec.to_builtins(options))),
    )
    await ask_for_refresh(tx, queue, found.environment_id)
