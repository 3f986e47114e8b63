"""An app that a person is about to make: what they typed stays until it is made or thrown away. One a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from psycopg.types.json import Jsonb

from bakery.delivery.findings import Finding
from bakery.delivery.sources import DeployKey
from bakery.model.actor import Actor
from bakery.model.errors import Conflict, NotFound
from bakery.model.names import AppName
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.variables import VariableName
from bakery.nodes.login import mint_key
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction
from bakery.store.vault import Place


@dataclass(frozen=True, slots=True)
class Draft:
    """`fields` by name, as they were typed; none is a secret."""

    fields: Mapping[str, str] = field(default_factory=dict)
    finding: Finding | None = None
    token: Secret | None = None
    key: DeployKey | None = None
    variables: Mapping[VariableName, Secret] = field(default_factory=dict)
    saved_at: datetime | None = None

    @property
    def began(self) -> str:
        """Which draft this is, of all that the person begins one after the other."""
        return self.text("began")

    def text(self, name: str) -> str:
        return self.fields.get(name, "")


async def read_draft(store: Store, *, actor: Actor) -> Draft:
    """An empty one where nothing was begun."""
    actor.require(Permission.CREATE_APP)
    async with store.connection() as connection:
        return await _read(store, connection, _person(actor))


async def keep_typed(
    store: Store,
    fields: Mapping[str, str],
    *,
    token: Secret | None = None,
    forgets_token: bool = False,
    variables: Mapping[VariableName, Secret | None] | None = None,
    began: str = "",
    actor: Actor,
) -> Draft:
    """What is not named stays as it is. A variable without a value goes. `began` is the draft that a form was of: one
    that is gone does not come back from a tab that was left open."""
    actor.require(Permission.CREATE_APP)
    person = _person(actor)
    async with store.transaction() as tx:
        await _begin(tx, person)
        now = await _read(store, tx.connection, person)
        if began and began != now.began:
            raise Conflict(
                "This draft was used or discarded in another tab.",
                hint="What you typed begins a new one if you continue.",
            )
        kept = {**now.variables, **(variables or {})}
        values = {name: value.reveal() for name, value in kept.items() if value is not None}
        opened = token or (None if forgets_token else now.token)
        sealed = Secret(msgspec.json.encode(values).decode()) if values else None
        await tx.connection.execute(
            """
            UPDATE drafts SET fields = fields || %s, token = %s, variables = %s, saved_at = now() WHERE person_id = %s
            """,
            (
                Jsonb(dict(fields)),
                store.vault.seal(_place(person, "token"), opened) if opened else None,
                store.vault.seal(_place(person, "variables"), sealed) if sealed else None,
                person,
            ),
        )
        return await _read(store, tx.connection, person)


async def keep_finding(store: Store, finding: Finding | None, *, actor: Actor) -> None:
    actor.require(Permission.CREATE_APP)
    person = _person(actor)
    async with store.transaction() as tx:
        await _begin(tx, person)
        told = Jsonb(msgspec.to_builtins(finding)) if finding else None
        await tx.connection.execute("UPDATE drafts SET finding = %s WHERE person_id = %s", (told, person))


async def deploy_key_of_draft(store: Store, *, actor: Actor) -> DeployKey:
    """Made when it is wanted first; the app gets it."""
    actor.require(Permission.CREATE_APP)
    person = _person(actor)
    async with store.transaction() as tx:
        await _begin(tx, person)
        now = await _read(store, tx.connection, person)
        if now.key is not None:
            return now.key
        public, private = mint_key("bakery")
        await tx.connection.execute(
            "UPDATE drafts SET key_public = %s, key_secret = %s WHERE person_id = %s",
            (public, store.vault.seal(_place(person, "key_secret"), private), person),
        )
        return DeployKey(public, private)


async def discard_draft(store: Store, *, actor: Actor) -> None:
    """Harmless when there is none."""
    actor.require(Permission.CREATE_APP)
    async with store.transaction() as tx:
        await tx.connection.execute("DELETE FROM drafts WHERE person_id = %s", (_person(actor),))


async def is_name_free(store: Store, slug: AppName, *, actor: Actor) -> bool:
    """Names are one's in the whole installation, also those of apps that the actor does not see."""
    actor.require(Permission.CREATE_APP)
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT FROM apps WHERE slug = %s", (slug,))
        return await cursor.fetchone() is None


@dataclass(frozen=True, slots=True)
class _Row:
    fields: Mapping[str, str]
    finding: object
    token: bytes | None
    key_public: str | None
    key_secret: bytes | None
    variables: bytes | None
    saved_at: datetime


async def _read(store: Store, connection: Connection, person: int) -> Draft:
    async with connection.cursor(row_factory=typed(_Row)) as cursor:
        await cursor.execute(
            """
            SELECT fields, finding, token, key_public, key_secret, variables, saved_at FROM drafts WHERE person_id = %s
            """,
            (person,),
        )
        row = await cursor.fetchone()
    if row is None:
        return Draft()
    token, key, variables = (
        store.vault.open(_place(person, column), sealed) if sealed else None
        for column, sealed in (("token", row.token), ("key_secret", row.key_secret), ("variables", row.variables))
    )
    return Draft(
        fields=row.fields,
        finding=_finding(row.finding),
        token=token,
        key=DeployKey(row.key_public, key) if row.key_public and key else None,
        variables=_values(variables),
        saved_at=row.saved_at,
    )


async def _begin(tx: Transaction, person: int) -> None:
    """The row, which nobody else changes until the transaction ends."""
    await tx.connection.execute(
        """
        INSERT INTO drafts (person_id, fields) VALUES (%s, jsonb_build_object('began', gen_random_uuid()))
        ON CONFLICT (person_id) DO UPDATE SET saved_at = drafts.saved_at
        """,
        (person,),
    )


def _finding(stored: object) -> Finding | None:
    """What an earlier version of Bakery wrote otherwise is looked at again."""
    try:
        return msgspec.convert(stored, Finding | None)
    except msgspec.ValidationError:
        return None


def _values(sealed: Secret | None) -> Mapping[VariableName, Secret]:
    if sealed is None:
        return {}
    found = msgspec.json.decode(sealed.reveal().encode(), type=dict[str, str])
    return {VariableName(name): Secret(value) for name, value in found.items()}


def _person(actor: Actor) -> int:
    if actor.person_id is None:
        raise NotFound("Only a person keeps a draft.")
    return actor.person_id


def _place(person: int, column: str) -> Place:
    return Place("drafts", person, column)
