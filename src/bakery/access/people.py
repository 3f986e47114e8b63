"""Who works here: their profile, role and grants. There is always an active Admin."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from bakery.access import passwords
from bakery.access.sessions import end_sessions_of
from bakery.access.throttle import Guess, begin_attempt
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.emails import email_key, parse_email
from bakery.model.errors import BadInput, Conflict, NotAllowed, NotFound
from bakery.model.labels import parse_label
from bakery.model.permissions import Permission, Role
from bakery.model.secret import Secret
from bakery.model.versions import expect_version, version_of
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

THEMES = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class Person:
    """All but secrets. For the person and for Admins."""

    id: int
    email: str
    name: str
    role: Role
    all_apps: bool
    apps: tuple[str, ...]  # slugs of those granted; they count when `all_apps` is false
    has_second_factor: bool
    recovery_codes_left: int
    password_change_due: bool
    password_changed_at: datetime
    theme: str
    shortcuts: bool
    suspended_at: datetime | None
    created_at: datetime
    last_seen_at: datetime | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", Role(self.role))
        object.__setattr__(self, "apps", tuple(self.apps))

    @property
    def grants(self) -> "Grants":
        return Grants.of(None if self.all_apps else self.apps)

    @property
    def access_version(self) -> str:
        return version_of(self.role, self.grants)


@dataclass(frozen=True, slots=True)
class Grants:
    """The slugs of the apps that somebody sees, in order; None: all, also those to come."""

    apps: tuple[str, ...] | None

    @classmethod
    def of(cls, apps: Iterable[str] | None) -> "Grants":
        return cls(None if apps is None else tuple(sorted(set(apps))))

    @property
    def shown(self) -> object:
        """As the audit has it."""
        return "all" if self.apps is None else list(self.apps)


@dataclass(frozen=True, slots=True)
class Colleague:
    """What everybody may know of a person."""

    id: int
    name: str
    role: Role

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", Role(self.role))


async def list_colleagues(store: Store, *, actor: Actor) -> list[Colleague]:
    actor.require(Permission.SEE_PEOPLE)
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Colleague)) as cursor:
        await cursor.execute("SELECT id, name, role FROM people WHERE suspended_at IS NULL ORDER BY lower(name), id")
        return await cursor.fetchall()


async def list_people(store: Store, *, actor: Actor) -> list[Person]:
    actor.require(Permission.MANAGE_PEOPLE)
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Person)) as cursor:
        await cursor.execute(_PEOPLE, {"id": 0, "all": True})
        return await cursor.fetchall()


async def find_person(store: Store, person_id: int, *, actor: Actor) -> Person:
    actor.require(Permission.MANAGE_PEOPLE)
    async with store.connection() as connection:
        return await _person(connection, person_id)


async def preferences_of(store: Store, *, actor: Actor) -> Person:
    """One's own account, with how one likes the pages."""
    actor.require(Permission.OWN_ACCOUNT)
    async with store.connection() as connection:
        return await _person(connection, actor.person_id or 0)


async def change_profile(store: Store, *, name: str, actor: Actor) -> None:
    actor.require(Permission.OWN_ACCOUNT)
    label = parse_label(name)
    async with store.transaction() as tx:
        before = await _locked(tx, actor.person_id or 0)
        await tx.connection.execute("UPDATE people SET name = %s WHERE id = %s", (label, before.id))
        _record(tx, actor, "person.renamed", before, before={"name": before.name}, after={"name": label})


async def change_preferences(store: Store, *, theme: str, shortcuts: bool, actor: Actor) -> None:
    actor.require(Permission.OWN_ACCOUNT)
    if theme not in THEMES:
        raise BadInput("Choose system, light or dark.", field="theme")
    async with store.transaction() as tx:
        before = await _locked(tx, actor.person_id or 0)
        await tx.connection.execute(
            "UPDATE people SET theme = %s, shortcuts = %s WHERE id = %s", (theme, shortcuts, before.id)
        )
        _record(
            tx,
            actor,
            "person.preferences_changed",
            before,
            before={"theme": before.theme, "shortcuts": before.shortcuts},
            after={"theme": theme, "shortcuts": shortcuts},
        )


async def change_password(store: Store, *, current: Secret, new: Secret, actor: Actor) -> None:
    """Ends all other sessions of the person."""
    actor.require(Permission.OWN_ACCOUNT)
    passwords.check_new_password(new, actor.label)
    if new == current:
        raise BadInput("Choose a password that differs from the current one.", field="password")
    new_hash = await passwords.hash_password(new)
    await confirm_password(store, current, actor=actor, field="current_password")
    async with store.transaction() as tx:
        before = await _locked(tx, actor.person_id or 0)
        await set_password(tx, before.id, new_hash)
        await end_sessions_of(tx, before.id, except_for=actor.session_id)
        _record(tx, actor, "person.password_changed", before)


async def confirm_password(store: Store, password: Secret, *, actor: Actor, field: str = "password") -> None:
    """Before a change that a borrowed screen must not make."""
    actor.require(Permission.OWN_ACCOUNT)
    attempt = await begin_attempt(store, Guess.PASSWORD, email_key(actor.label), actor.origin.address)
    async with store.connection() as connection:
        found = await connection.execute("SELECT password_hash FROM people WHERE id = %s", (actor.person_id,))
        row = await found.fetchone()
    if not await passwords.matches(row[0] if row else None, password):
        raise BadInput("This is not your password.", field=field)
    async with store.connection() as connection:
        await attempt.succeeded(connection)


async def set_password(tx: Transaction, person_id: int, password_hash: str) -> None:
    """For use cases that have just made sure who the person is."""
    await tx.connection.execute(
        """
        UPDATE people SET password_hash = %s, password_change_due = false, password_changed_at = now() WHERE id = %s
        """,
        (password_hash, person_id),
    )


async def change_access(
    store: Store,
    person_id: int,
    *,
    role: Role | None = None,
    grants: Grants | None = None,
    made_from: Collection[str] | None = None,
    actor: Actor,
) -> None:
    """Both or nothing; None leaves as it is. A changed role ends the person's sessions: they sign in again as what they
    are now. `made_from` are versions of the access, of which one must still be true."""
    actor.require(Permission.MANAGE_PEOPLE)
    if role is not None:
        refuse_above_own(actor, role)
    async with store.transaction() as tx:
        before = await _locked_below(tx, person_id, actor)
        after, seen = role or before.role, grants or before.grants
        if grants is not None and grants.apps is not None and after is Role.ADMIN:
            raise Conflict("Admins see all apps.", hint="Change the role first.")
        if (after, seen) == (before.role, before.grants):
            return
        expect_version(before.access_version, made_from)
        if after is not before.role:
            await _set_role(tx, before, after, actor)
        if seen != before.grants:
            await _set_grants(tx, before, seen, actor)


async def change_role(store: Store, person_id: int, role: Role, *, actor: Actor) -> None:
    await change_access(store, person_id, role=role, actor=actor)


async def set_grants(store: Store, person_id: int, apps: Sequence[str] | None, *, actor: Actor) -> None:
    """The slugs of the apps that the person sees from now on; None: all."""
    await change_access(store, person_id, grants=Grants.of(apps), actor=actor)


async def suspend(store: Store, person_id: int, *, actor: Actor) -> None:
    """Ends the person's sessions and revokes their tokens. What they did stays."""
    actor.require(Permission.MANAGE_PEOPLE)
    async with store.transaction() as tx:
        before = await _locked_below(tx, person_id, actor)
        if before.suspended_at:
            return
        await _keep_an_admin(tx, before, "suspended")
        await tx.connection.execute("UPDATE people SET suspended_at = now() WHERE id = %s", (person_id,))
        await tx.connection.execute("DELETE FROM api_tokens WHERE person_id = %s", (person_id,))
        await tx.connection.execute("DELETE FROM reset_links WHERE person_id = %s", (person_id,))
        await _withdraw_invitations(tx, person_id)
        await end_sessions_of(tx, person_id)
        _record(tx, actor, "person.suspended", before)


async def unsuspend(store: Store, person_id: int, *, actor: Actor) -> None:
    """They may sign in again. Their tokens stay revoked."""
    actor.require(Permission.MANAGE_PEOPLE)
    async with store.transaction() as tx:
        before = await _locked_below(tx, person_id, actor)
        if before.suspended_at is None:
            return
        await tx.connection.execute("UPDATE people SET suspended_at = NULL WHERE id = %s", (person_id,))
        _record(tx, actor, "person.unsuspended", before)


async def remove_person(store: Store, person_id: int, *, actor: Actor) -> None:
    """Their sessions, tokens and links go with them; the audit stays."""
    actor.require(Permission.MANAGE_PEOPLE)
    async with store.transaction() as tx:
        before = await _locked_below(tx, person_id, actor)
        await _keep_an_admin(tx, before, "removed")
        await _withdraw_invitations(tx, person_id)
        await tx.connection.execute("DELETE FROM people WHERE id = %s", (person_id,))
        _record(tx, actor, "person.removed", before, before={"email": before.email, "role": before.role})


async def add_person(
    tx: Transaction,
    *,
    email: str,
    role: Role,
    password_hash: str | None,
    name: str = "",
    password_change_due: bool = False,
) -> int:
    """For use cases that decided who comes. Without a name, the address gives one."""
    address = parse_email(email)
    added = await tx.connection.execute(
        """
        INSERT INTO people (email, email_key, name, role, password_hash, password_change_due)
        VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (email_key) DO NOTHING RETURNING id
        """,
        (address, email_key(address), name or address.partition("@")[0], role, password_hash, password_change_due),
    )
    row = await added.fetchone()
    if row is None:
        raise Conflict(f"There is already an account for {address}.", hint="Sign in, or have the password reset.")
    tx.publish("people")
    return int(row[0])


def refuse_above_own(actor: Actor, role: Role) -> None:
    """Nobody gives what they do not have, nor touches who is above them."""
    if not actor.is_system and (actor.role is None or role.is_above(actor.role)):
        raise NotAllowed(f"Only an {role.label} can do this.", hint="Ask an Admin.")


async def _person(connection: Connection, person_id: int) -> Person:
    async with connection.cursor(row_factory=class_row(Person)) as cursor:
        await cursor.execute(_PEOPLE, {"id": person_id, "all": False})
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("There is no such person.")
    return found


_PEOPLE = """
SELECT p.id, p.email, p.name, p.role, p.all_apps,
       ARRAY(SELECT apps.slug FROM grants JOIN apps ON apps.id = grants.app_id
             WHERE grants.person_id = p.id ORDER BY apps.slug) AS apps,
       p.totp_confirmed_at IS NOT NULL AS has_second_factor,
       (SELECT count(*) FROM recovery_codes c WHERE c.person_id = p.id AND c.used_at IS NULL) AS recovery_codes_left,
       p.password_change_due, p.password_changed_at, p.theme, p.shortcuts, p.suspended_at, p.created_at, p.last_seen_at
FROM people p
WHERE p.id = %(id)s OR %(all)s
ORDER BY lower(p.name), p.id
"""


async def _locked(tx: Transaction, person_id: int) -> Person:
    await tx.connection.execute("SELECT FROM people WHERE id = %s FOR UPDATE", (person_id,))
    return await _person(tx.connection, person_id)


async def _locked_below(tx: Transaction, person_id: int, actor: Actor) -> Person:
    """The Admins first and in order, so that two who change each other wait instead of meeting crosswise."""
    await tx.connection.execute("SELECT FROM people WHERE role = 'admin' ORDER BY id FOR UPDATE")
    person = await _locked(tx, person_id)
    refuse_above_own(actor, person.role)
    return person


async def _set_role(tx: Transaction, person: Person, role: Role, actor: Actor) -> None:
    if role is not Role.ADMIN:
        await _keep_an_admin(tx, person, "demoted")
    await tx.connection.execute("UPDATE people SET role = %s WHERE id = %s", (role, person.id))
    if person.role.is_above(role):
        await _withdraw_invitations(tx, person.id)
    await end_sessions_of(tx, person.id)
    _record(tx, actor, "person.role_changed", person, before={"role": person.role}, after={"role": role})


async def _set_grants(tx: Transaction, person: Person, grants: Grants, actor: Actor) -> None:
    ids = await _ids_of_apps(tx.connection, grants.apps or ())
    await tx.connection.execute("UPDATE people SET all_apps = %s WHERE id = %s", (grants.apps is None, person.id))
    await tx.connection.execute("DELETE FROM grants WHERE person_id = %s", (person.id,))
    await tx.connection.execute(
        "INSERT INTO grants (person_id, app_id) SELECT %s, unnest(%s::bigint[])", (person.id, ids)
    )
    was, now = person.grants.shown, grants.shown
    _record(tx, actor, "person.grants_changed", person, before={"apps": was}, after={"apps": now})


async def _keep_an_admin(tx: Transaction, person: Person, verb: str) -> None:
    """The rows of all Admins are locked by now: what is counted stays true until the commit."""
    others = await tx.connection.execute(
        "SELECT FROM people WHERE role = 'admin' AND suspended_at IS NULL AND id <> %s LIMIT 1", (person.id,)
    )
    if person.role is Role.ADMIN and not others.rowcount:
        raise Conflict(f"The last active Admin cannot be {verb}.", hint="Make somebody else an Admin first.")


async def _withdraw_invitations(tx: Transaction, person_id: int) -> None:
    """What somebody offered who may no longer offer it."""
    await tx.connection.execute(
        """
        UPDATE invitations SET revoked_at = now()
        WHERE invited_by = %s AND accepted_at IS NULL AND revoked_at IS NULL
        """,
        (person_id,),
    )


async def _ids_of_apps(connection: Connection, slugs: Sequence[str]) -> list[int]:
    wanted = [slug for slug in slugs if slug.isascii() and slug.isprintable()]  # others name nothing
    found = await connection.execute("SELECT slug, id FROM apps WHERE slug = ANY(%s)", (wanted,))
    ids: dict[str, int] = dict(await found.fetchall())
    if missing := [slug for slug in slugs if slug not in ids]:
        raise BadInput(f"There is no app “{missing[0]}”.", field="apps")
    return list(ids.values())


def _record(
    tx: Transaction,
    actor: Actor,
    action: str,
    person: Person,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    tx.record(AuditEntry(actor, action, "person", str(person.id), person.email, before=before, after=after))
    tx.publish("people", f"person:{person.id}")
