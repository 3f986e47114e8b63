"""What the installation says of all apps, where neither a person nor a repository does: limits, and how they take over.

A release keeps what was said when it was made.
"""

from collections.abc import Mapping

import msgspec
from psycopg.types.json import Jsonb

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput
from bakery.model.permissions import Permission
from bakery.model.terms import NOTHING, OF_INSTALLATION, TERMS, Said, TermShown, shown_terms, terms_of, with_term
from bakery.store.rows import only
from bakery.store.store import Store


async def read_defaults(store: Store) -> Said:
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT value FROM settings WHERE name = 'apps'")).fetchone()
    return msgspec.convert(row[0], Said) if row else NOTHING


async def show_defaults(store: Store, *, actor: Actor) -> tuple[TermShown, ...]:
    actor.require(Permission.MANAGE_SYSTEM)
    return shown_defaults(await read_defaults(store))


def shown_defaults(said: Said) -> tuple[TermShown, ...]:
    terms = terms_of(NOTHING, NOTHING, said)
    return tuple(term for term in shown_terms(said, terms, terms_of(NOTHING)) if term.key in OF_INSTALLATION)


async def change_defaults(store: Store, wanted: Mapping[str, str], *, actor: Actor) -> tuple[TermShown, ...]:
    """What is not in `wanted` stays; an empty text says nothing any more. Each mistake names its field."""
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.transaction() as tx:
        await tx.connection.execute("INSERT INTO settings (name, value) VALUES ('apps', '{}') ON CONFLICT DO NOTHING")
        cursor = await tx.connection.execute("SELECT value FROM settings WHERE name = 'apps' FOR UPDATE")
        was = becomes = msgspec.convert((await only(cursor))[0], Said)
        for key, text in wanted.items():
            if key not in OF_INSTALLATION:
                known = ", ".join(OF_INSTALLATION)
                raise BadInput(f"There is no default “{key[:40]}” of apps.", field=key, hint=f"Known are: {known}.")
            becomes = with_term(becomes, key, text)
        if becomes != was:
            await tx.connection.execute(
                "UPDATE settings SET value = %s, changed_at = now() WHERE name = 'apps'", (Jsonb(stored(becomes)),)
            )
            before, after = told(was), told(becomes)
            differing = [name for name in after if before[name] != after[name]]
            tx.publish("settings")
            tx.record(
                AuditEntry(
                    actor, "settings.changed", "settings", "apps", "Defaults of apps",
                    before={name: before[name] for name in differing}, after={name: after[name] for name in differing},
                )
            )  # fmt: skip
    return shown_defaults(becomes)


def stored(said: Said) -> dict[str, object]:
    """For a column: what is not said is not in it."""
    return {name: value for name, value in msgspec.to_builtins(said).items() if value is not None}


def told(said: Said) -> dict[str, object]:
    """For the audit: by the names that people use."""
    values = msgspec.to_builtins(said)
    return {term.key: values[term.name] for term in TERMS.values()}
