"""The variables of an environment as rows: each value from the version that brought it up to the one that ended it."""

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from bakery.model.actor import Actor
from bakery.model.masking import Masker
from bakery.model.secret import Secret
from bakery.model.variables import Difference, Variable, VariableName, VariableScope, difference
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction
from bakery.store.vault import CannotOpen, Place, Vault


@dataclass(frozen=True, slots=True)
class Stored:
    """A variable in its place. The value stays sealed until somebody opens it."""

    id: UUID
    name: VariableName
    value: bytes
    scope: VariableScope
    is_secret: bool
    changed_at: datetime
    changed_by: str

    def open(self, vault: Vault) -> Variable:
        secret = vault.open(_place(self.id), self.value)
        return Variable(self.name, secret, self.scope, self.is_secret)


StoredSet = Mapping[VariableName, Stored]


async def newest_version(connection: Connection, environment_id: int) -> int:
    """0: there were none yet."""
    cursor = await connection.execute(
        "SELECT coalesce(max(number), 0) FROM variable_versions WHERE environment_id = %s", (environment_id,)
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def lock_version(tx: Transaction, environment_id: int) -> int:
    """The newest one. Nobody makes another until the transaction ends."""
    await tx.connection.execute("SELECT FROM environments WHERE id = %s FOR NO KEY UPDATE", (environment_id,))
    return await newest_version(tx.connection, environment_id)


async def read_set(connection: Connection, environment_id: int, version: int) -> StoredSet:
    """As they were at that version, by name."""
    async with connection.cursor(row_factory=typed(Stored)) as cursor:
        await cursor.execute(
            """
            SELECT id, name, value, scope, is_secret, changed_at, changed_by
            FROM variables JOIN variable_versions ON variable_versions.environment_id = variables.environment_id
            AND number = since
            WHERE variables.environment_id = %(environment)s
            AND since <= %(version)s AND (until IS NULL OR until > %(version)s) ORDER BY name
            """,
            {"environment": environment_id, "version": version},
        )
        return {stored.name: stored for stored in await cursor.fetchall()}


def open_all(stored: StoredSet, vault: Vault) -> dict[VariableName, Variable]:
    return {name: one.open(vault) for name, one in stored.items()}


class Sealed(Mapping[str, Secret]):
    """Opened when they are read: looking at an app does not fail for a value that nobody can open."""

    def __init__(self, stored: StoredSet, vault: Vault) -> None:
        self._stored: Mapping[str, Stored] = {str(name): one for name, one in stored.items()}
        self._vault = vault

    def __getitem__(self, name: str) -> Secret:
        return self._stored[name].open(self._vault).value

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


async def run_variables(
    connection: Connection, vault: Vault, environment_id: int, version: int | None
) -> Mapping[str, Secret]:
    """What a release that was made with that version has while it runs."""
    if version is None:
        return {}
    stored = await read_set(connection, environment_id, version)
    return Sealed({name: one for name, one in stored.items() if one.scope.reaches_run}, vault)


async def build_variables(store: Store, environment_id: int, release_id: int) -> Mapping[str, Secret]:
    """What is seen while a release is built."""
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT variables_version FROM releases WHERE id = %s", (release_id,))
        row = await cursor.fetchone()
        if row is None or row[0] is None:
            return {}
        stored = await read_set(connection, environment_id, row[0])
    return Sealed({name: one for name, one in stored.items() if one.scope.reaches_build}, store.vault)


async def masker_of(store: Store, environment_id: int, others: Iterable[Secret] = ()) -> Masker:
    """Knows what must be in no log: today's secrets, and those of releases that may still run. What cannot be opened
    reaches no app either."""
    async with store.connection() as connection, connection.cursor(row_factory=typed(_Value)) as cursor:
        await cursor.execute(
            """
            SELECT id, value FROM variables WHERE environment_id = %(environment)s AND is_secret
            AND (until IS NULL OR EXISTS (
                SELECT FROM releases WHERE releases.environment_id = %(environment)s AND removed_at IS NULL
                AND variables_version >= since AND variables_version < until))
            """,
            {"environment": environment_id},
        )
        sealed = await cursor.fetchall()
    found: list[Secret] = list(others)
    for row in sealed:
        with contextlib.suppress(CannotOpen):
            found.append(store.vault.open(_place(row.id), row.value))
    return Masker(found)


async def write_version(
    tx: Transaction,
    vault: Vault,
    environment_id: int,
    old: Mapping[VariableName, Variable],
    new: Mapping[VariableName, Variable],
    *,
    after: int,
    actor: Actor,
    restores: int | None = None,
) -> Difference:
    """The version that follows `after`, which holds `old`. Nothing is written when nothing differs."""
    found = difference(old, new)
    if not found:
        return found
    number = after + 1
    await tx.connection.execute(
        """
        INSERT INTO variable_versions (environment_id, number, added, changed, removed, restores, person_id, changed_by)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            environment_id, number, list(found.added), list(found.changed), list(found.removed), restores,
            actor.person_id, actor.label,
        ),
    )  # fmt: skip
    await _end(tx, environment_id, {*found.changed, *found.removed}, number)
    for name in (*found.added, *found.changed):
        await _begin(tx, vault, environment_id, new[name], number)
    return found


async def _end(tx: Transaction, environment_id: int, names: Collection[str], number: int) -> None:
    await tx.connection.execute(
        "UPDATE variables SET until = %s WHERE environment_id = %s AND until IS NULL AND name = ANY(%s)",
        (number, environment_id, sorted(names)),
    )


async def _begin(tx: Transaction, vault: Vault, environment_id: int, variable: Variable, number: int) -> None:
    row = uuid4()
    sealed = vault.seal(_place(row), variable.value)
    await tx.connection.execute(
        """
        INSERT INTO variables (id, environment_id, name, value, scope, is_secret, since)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        (row, environment_id, variable.name, sealed, variable.scope, variable.is_secret, number),
    )


def _place(row: UUID) -> Place:
    return Place("variables", str(row), "value")


@dataclass(frozen=True, slots=True)
class _Value:
    id: UUID
    value: bytes
