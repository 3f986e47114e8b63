"""An app's variables: seen, changed, brought back. Values leave only for who asks for them, which is written down."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bakery.delivery.apps import Then
from bakery.delivery.find import FoundApp, find_app
from bakery.delivery.variable_sets import (
    Stored,
    StoredSet,
    lock_version,
    newest_version,
    open_all,
    read_set,
    write_version,
)
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.dotenv import read_dotenv, write_dotenv
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.variables import (
    Difference,
    Variable,
    VariableName,
    Variables,
    VariableScope,
    expect_fit,
    parse_value,
    parse_variable_name,
)
from bakery.model.versions import expect_version
from bakery.store.rows import Page, typed
from bakery.store.signing import mark_of, marking_key
from bakery.store.store import Store
from bakery.store.transaction import Transaction
from bakery.store.vault import CannotOpen, Vault

PAGE = 50


@dataclass(frozen=True, slots=True)
class VariableRow:
    """`value` is None for who may not see it: a secret one, or any for who only reads."""

    name: VariableName
    value: Secret | None
    scope: VariableScope
    is_secret: bool
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class VariableList:
    """`version` counts the saved changes; 0: none yet."""

    version: int
    rows: tuple[VariableRow, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable as somebody wants it. What is None stays as it is; of a new one it is run, and a secret."""

    name: VariableName
    value: Secret | None
    scope: VariableScope | None = None
    is_secret: bool | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    version: int
    difference: Difference


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """One line of the history."""

    number: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    restores: int | None
    changed_by: str
    changed_at: datetime


async def list_variables(store: Store, where: AppAt, *, actor: Actor) -> VariableList:
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    async with store.connection() as connection:
        version = await newest_version(connection, app.environment_id)
        stored = await read_set(connection, app.environment_id, version)
    may_see = actor.may(Permission.SEE_VALUES)
    rows = (
        VariableRow(
            one.name,
            _seen(one, store.vault) if may_see and not one.is_secret else None,
            one.scope,
            one.is_secret,
            one.changed_at,
            one.changed_by,
        )
        for one in stored.values()
    )
    return VariableList(version, tuple(rows))


def _seen(stored: Stored, vault: Vault) -> Secret | None:
    """One that nobody can open does not hide the others; who asks for it is told why."""
    try:
        return stored.open(vault).value
    except CannotOpen:
        return None


async def change_variables(
    store: Store,
    where: AppAt,
    settings: Sequence[Setting],
    *,
    unset: Collection[str] = (),
    made_from: Collection[str] | None = None,
    actor: Actor,
) -> Saved:
    """Sets some and removes some; all others stay. `made_from` are versions, of which one must still be the newest."""
    return await _save(store, where, settings, unset=unset, made_from=made_from, actor=actor)


async def import_variables(
    store: Store,
    where: AppAt,
    text: Secret,
    *,
    replaces: bool = False,
    unset: Collection[str] = (),
    scope: VariableScope | None = None,
    is_secret: bool | None = None,
    made_from: Collection[str] | None = None,
    actor: Actor,
) -> Saved:
    """The text of a .env file. `replaces`: what is not in it goes. KEY=•••• keeps what is stored."""
    settings = settings_in(text, scope=scope, is_secret=is_secret)
    return await _save(
        store, where, settings, unset=unset, replaces=replaces, made_from=made_from, field="text", actor=actor
    )


def first_variables(store: Store, values: Mapping[VariableName, Secret], *, actor: Actor) -> Then:
    """Those that an app is made with: secret ones, for while it runs."""

    async def write(tx: Transaction, app: FoundApp) -> None:
        new = {name: Variable(name, value) for name, value in values.items()}
        expect_fit(new.values(), field="text")
        await _write(store, tx, app, 0, new, actor, now={})

    return write


async def restore_version(
    store: Store, where: AppAt, number: int, *, made_from: Collection[str] | None = None, actor: Actor
) -> Saved:
    """All variables as they were at that version, as a new version."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        newest = await lock_version(tx, app.environment_id)
        expect_version(str(newest), made_from)
        if not 0 < number <= newest:
            raise NotFound(
                f"The variables of {where} have no version {number}.", hint=f"See: bakery env history {where.arguments}"
            )
        then = await read_set(tx.connection, app.environment_id, number)
        return await _write(store, tx, app, newest, open_all(then, store.vault), actor, restores=number)


async def reveal(store: Store, where: AppAt, names: Sequence[str], *, actor: Actor) -> Mapping[VariableName, Secret]:
    """The values of some, in clear. Who asked for which is in the audit before they are told."""
    actor.require(Permission.SEE_VALUES)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        version = await newest_version(tx.connection, app.environment_id)
        stored = await read_set(tx.connection, app.environment_id, version)
        wanted = {name: one for name, one in stored.items() if name in names}
        if len(wanted) < len(set(names)) or not names:
            raise NotFound(f"{where} has no variable with this name.", hint=f"See: bakery env list {where.arguments}")
        return {name: one.value for name, one in _revealed(store, tx, app, version, wanted, actor).items()}


async def export_variables(store: Store, where: AppAt, *, actor: Actor) -> Secret:
    """All of them, in clear, as the text of a .env file. It counts as asking for each secret one."""
    actor.require(Permission.SEE_VALUES)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        version = await newest_version(tx.connection, app.environment_id)
        stored = await read_set(tx.connection, app.environment_id, version)
        found = _revealed(store, tx, app, version, stored, actor)
        return write_dotenv((name, one.value) for name, one in found.items())


async def editable_text(store: Store, where: AppAt, *, actor: Actor) -> tuple[Secret, int]:
    """All of them as text to edit, with their version; a secret one as what is kept."""
    found = await list_variables(store, where, actor=actor)
    return write_dotenv((row.name, row.value) for row in found.rows), found.version


async def list_versions(store: Store, where: AppAt, *, actor: Actor, after: str = "") -> Page[SavedVersion]:
    """The newest first, 50 a page. `after` is a page's `next`."""
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    before = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else None
    async with store.connection() as connection, connection.cursor(row_factory=typed(SavedVersion)) as cursor:
        await cursor.execute(
            """
            SELECT number, added, changed, removed, restores, changed_by, changed_at FROM variable_versions
            WHERE environment_id = %(environment)s AND (%(before)s::int IS NULL OR number < %(before)s)
            ORDER BY number DESC LIMIT %(size)s
            """,
            {"environment": app.environment_id, "before": before, "size": PAGE + 1},
        )
        return Page.cut(await cursor.fetchall(), PAGE, lambda row: str(row.number))


async def _save(
    store: Store,
    where: AppAt,
    settings: Sequence[Setting],
    *,
    unset: Collection[str],
    replaces: bool = False,
    made_from: Collection[str] | None,
    field: str = "value",
    actor: Actor,
) -> Saved:
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    async with store.transaction() as tx:
        newest = await lock_version(tx, app.environment_id)
        expect_version(str(newest), made_from)
        now = open_all(await read_set(tx.connection, app.environment_id, newest), store.vault)
        if set(unset) - now.keys():
            raise NotFound(f"{where} has no variable with this name.", hint=f"See: bakery env list {where.arguments}")
        kept = {} if replaces else {name: one for name, one in now.items() if name not in unset}
        new = kept | {one.name: _merged(one, now.get(one.name), field=field) for one in settings}
        expect_fit(new.values(), field=field)
        return await _write(store, tx, app, newest, new, actor, now=now)


async def _expect_no_fork(tx: Transaction, app: FoundApp) -> None:
    """What a stranger wrote is given nothing."""
    cursor = await tx.connection.execute(
        "SELECT number FROM previews WHERE environment_id = %s AND is_fork", (app.environment_id,)
    )
    row = await cursor.fetchone()
    if row is not None:
        raise Conflict(
            f"Pull request #{row[0]} comes from a fork: its preview is never given variables.",
            hint="Push its commits to a branch of the repository itself, once you trust them.",
        )


async def _write(
    store: Store,
    tx: Transaction,
    app: FoundApp,
    newest: int,
    new: Variables,
    actor: Actor,
    *,
    now: Variables | None = None,
    restores: int | None = None,
) -> Saved:
    if now is None:
        now = open_all(await read_set(tx.connection, app.environment_id, newest), store.vault)
    if new:
        await _expect_no_fork(tx, app)
    made = await write_version(
        tx, store.vault, app.environment_id, now, new, after=newest, actor=actor, restores=restores
    )
    if not made:
        return Saved(newest, made)
    key = await marking_key(tx, store.vault)
    before, after = (_marked(some, made, key) for some in (now, new))
    tx.record(
        AuditEntry(
            actor,
            "variables.restored" if restores else "variables.changed",
            "app",
            str(app.id),
            app.slug,
            app_id=app.id,
            before=before,
            after={**after, **({"restores": restores} if restores else {}), "version": newest + 1},
        )
    )
    tx.publish(f"app:{app.slug}")
    return Saved(newest + 1, made)


def _marked(some: Variables, made: Difference, key: Secret) -> dict[str, object]:
    """By name, of those that changed. Equal values have equal marks, which say nothing else about them."""
    return {
        "variables": {
            name: {"value": mark_of(one.value, key), "scope": one.scope, "is_secret": one.is_secret}
            for name, one in sorted(some.items())
            if name in made.names
        }
    }


def _revealed(
    store: Store, tx: Transaction, app: FoundApp, version: int, wanted: StoredSet, actor: Actor
) -> dict[VariableName, Variable]:
    """Only what nobody sees without asking is worth a line in the audit."""
    secret = sorted(name for name, one in wanted.items() if one.is_secret)
    if secret:
        after = {"names": secret, "version": version}
        tx.record(AuditEntry(actor, "variables.revealed", "app", str(app.id), app.slug, app_id=app.id, after=after))
    return open_all(wanted, store.vault)


def _merged(wanted: Setting, now: Variable | None, *, field: str) -> Variable:
    if now is None:
        if wanted.value is None:
            raise BadInput(f"{wanted.name} has no stored value that could be kept.", field=field)
        scope, is_secret = wanted.scope or VariableScope.RUN, wanted.is_secret is not False
        return Variable(wanted.name, wanted.value, scope, is_secret)
    if now.is_secret and wanted.is_secret is False and wanted.value is None:  # else it would be seen without asking
        raise BadInput(f"{wanted.name} is a secret: to show it from now on, give its value again.", field=field)
    return replace(
        now,
        value=now.value if wanted.value is None else wanted.value,
        scope=wanted.scope or now.scope,
        is_secret=now.is_secret if wanted.is_secret is None else wanted.is_secret,
    )


def settings_in(text: Secret, *, scope: VariableScope | None, is_secret: bool | None) -> Sequence[Setting]:
    """Each mistake names its line."""
    return [
        Setting(
            _name_on(entry.line, entry.name),
            None if entry.value is None else parse_value(entry.value, field="text", of=f"Line {entry.line}: the value"),
            scope,
            is_secret,
        )
        for entry in read_dotenv(text.reveal())
    ]


def _name_on(line: int, name: str) -> VariableName:
    try:
        return parse_variable_name(name, field="text")
    except BadInput as error:
        raise BadInput(f"Line {line}: {error.message}", field="text", hint=error.hint) from None
