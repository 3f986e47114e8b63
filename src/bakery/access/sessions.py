"""Signing in, and what a signed-in browser carries: a random token whose SHA-256 the database keeps."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from bakery.access import passwords
from bakery.access.throttle import Guess, begin_attempt
from bakery.model.actor import ALL_APPS, Actor, Origin
from bakery.model.audit import AuditEntry
from bakery.model.bearer import digest, mint_token
from bakery.model.emails import email_key, parse_email
from bakery.model.errors import BadInput, NotAllowed, NotFound
from bakery.model.labels import shown_part
from bakery.model.permissions import Permission, Role
from bakery.model.secret import Secret
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

LASTS = timedelta(days=30)
IDLE_LIMIT = timedelta(hours=12)  # unless the person chose to stay signed in
_HALF_LASTS = timedelta(minutes=10)  # until the second factor is given
_LONGEST_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The token goes into the cookie. With the second factor due it opens the challenge and nothing else."""

    token: Secret
    second_factor_due: bool
    stays: bool


@dataclass(frozen=True, slots=True)
class Session:
    id: int
    address: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    id: int
    email: str
    role: str
    password_hash: str | None
    is_suspended: bool
    has_second_factor: bool


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who a session belongs to, with all that decides what they may do."""

    session_id: int
    second_factor_due: bool
    is_stale: bool
    person_id: int
    email: str
    role: str
    password_change_due: bool
    all_apps: bool
    apps: list[int]


async def sign_in(
    store: Store, email: str, password: Secret, *, origin: Origin, user_agent: str = "", stay: bool = False
) -> SignedIn:
    key = email_key(parse_email(email))
    attempt = await begin_attempt(store, Guess.PASSWORD, key, origin.address)
    async with store.connection() as connection:
        found = await _candidate(connection, key)
    if not await passwords.matches(found.password_hash if found else None, password) or not found:
        raise BadInput(
            "The e-mail address or the password is wrong.",
            field="password",
            hint="Forgotten? An Admin can make a link for a new password.",
        )
    if found.is_suspended:
        raise NotAllowed("This account is suspended.", hint="Ask an Admin.")
    upgraded = None
    if found.password_hash and passwords.is_outdated(found.password_hash):
        upgraded = await passwords.hash_password(password)
    async with store.transaction() as tx:
        await _expect_unchanged(tx, found)
        if upgraded:
            await tx.connection.execute("UPDATE people SET password_hash = %s WHERE id = %s", (upgraded, found.id))
        await attempt.succeeded(tx.connection)
        return await open_session(
            tx,
            Actor(origin=origin, person_id=found.id, label=found.email, role=Role(found.role)),
            user_agent=user_agent,
            stay=stay,
            second_factor_due=found.has_second_factor,
        )


async def open_session(
    tx: Transaction, person: Actor, *, user_agent: str, stay: bool = False, second_factor_due: bool = False
) -> SignedIn:
    """For use cases that have just made sure who the person is."""
    token = mint_token()
    await tx.connection.execute(
        """
        INSERT INTO sessions (person_id, token_hash, second_factor_due, stays, address, user_agent, expires_at)
        VALUES (%s, %s, %s, %s, %s, %s, now() + %s)
        """,
        (
            person.person_id,
            digest(token),
            second_factor_due,
            stay,
            person.origin.address,
            shown_part(user_agent, at_most=_LONGEST_USER_AGENT),
            _HALF_LASTS if second_factor_due else LASTS,
        ),
    )
    if not second_factor_due:
        record_sign_in(tx, person)
    return SignedIn(token, second_factor_due, stay)


async def complete_session(tx: Transaction, person: Actor) -> SignedIn:
    """The second factor was right: the half session becomes a whole one, under another token."""
    token = mint_token()
    changed = await tx.connection.execute(
        """
        UPDATE sessions SET token_hash = %s, second_factor_due = false, expires_at = now() + %s, last_seen_at = now()
        WHERE id = %s AND second_factor_due RETURNING stays
        """,
        (digest(token), LASTS, person.session_id),
    )
    row = await changed.fetchone()
    if row is None:
        raise NotFound("This sign-in has ended.", hint="Sign in again.")
    record_sign_in(tx, person)
    return SignedIn(token, second_factor_due=False, stays=row[0])


def record_sign_in(tx: Transaction, person: Actor) -> None:
    tx.record(AuditEntry(person, "person.signed_in", "person", str(person.person_id), person.label))
    tx.publish(f"person:{person.person_id}")


async def actor_of_session(store: Store, token: Secret, origin: Origin) -> Actor | None:
    """None when the session is unknown or over, or its person suspended."""
    async with store.connection() as connection:
        async with connection.cursor(row_factory=class_row(_Holder)) as cursor:
            holder = await (await cursor.execute(_HOLDER, {"hash": digest(token), "idle": IDLE_LIMIT})).fetchone()
        if holder is None:
            return None
        if holder.is_stale:
            await _touch(connection, holder)
    return Actor(
        origin=origin,
        person_id=holder.person_id,
        label=holder.email,
        role=Role(holder.role),
        apps=granted(Role(holder.role), holder.apps, all_apps=holder.all_apps),
        session_id=holder.session_id,
        second_factor_due=holder.second_factor_due,
        password_change_due=holder.password_change_due,
    )


_HOLDER = """
SELECT s.id AS session_id, s.second_factor_due, s.last_seen_at < now() - interval '1 minute' AS is_stale,
       p.id AS person_id, p.email, p.role, p.password_change_due, p.all_apps,
       ARRAY(SELECT app_id FROM grants WHERE grants.person_id = p.id) AS apps
FROM sessions s JOIN people p ON p.id = s.person_id
WHERE s.token_hash = %(hash)s AND s.expires_at > now() AND (s.stays OR s.last_seen_at > now() - %(idle)s)
  AND p.suspended_at IS NULL
"""


def granted(role: Role, apps: list[int], *, all_apps: bool) -> frozenset[int] | None:
    """Admins see all apps, whatever was granted to them before."""
    return ALL_APPS if all_apps or role is Role.ADMIN else frozenset(apps)


async def is_still_valid(store: Store, actor: Actor) -> bool:
    """For connections that stay open: whether what they were opened with still stands as it was."""
    async with store.connection() as connection:
        found = await connection.execute(
            """
            SELECT p.role = %(role)s AND p.suspended_at IS NULL
                   AND (EXISTS (SELECT FROM sessions WHERE id = %(session)s AND expires_at > now()
                                AND (stays OR last_seen_at > now() - %(idle)s))
                        OR EXISTS (SELECT FROM api_tokens WHERE id = %(token)s AND expires_at > now()))
                   AND (p.all_apps OR p.role = 'admin'
                        OR %(apps)s::bigint[] <@ ARRAY(SELECT app_id FROM grants WHERE person_id = p.id))
            FROM people p WHERE p.id = %(person)s
            """,
            {
                "role": actor.role,
                "session": actor.session_id or 0,
                "token": actor.token_id or 0,
                "idle": IDLE_LIMIT,
                "apps": None if actor.apps is None else list(actor.apps),
                "person": actor.person_id or 0,
            },
        )
        row = await found.fetchone()
    return bool(row and row[0])


async def list_sessions(store: Store, *, actor: Actor) -> list[Session]:
    """One's own, the last used first."""
    actor.require(Permission.OWN_ACCOUNT)
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Session)) as cursor:
        await cursor.execute(
            """
            SELECT id, address, user_agent, created_at, last_seen_at, expires_at, id = %(current)s AS is_current
            FROM sessions
            WHERE person_id = %(person)s AND NOT second_factor_due AND expires_at > now()
              AND (stays OR last_seen_at > now() - %(idle)s)
            ORDER BY is_current DESC, last_seen_at DESC, id DESC
            """,
            {"current": actor.session_id or 0, "person": actor.person_id, "idle": IDLE_LIMIT},
        )
        return await cursor.fetchall()


async def end_session(store: Store, session_id: int, *, actor: Actor) -> None:
    """One of one's own."""
    actor.require(Permission.OWN_ACCOUNT)
    async with store.transaction() as tx:
        ended = await tx.connection.execute(
            "DELETE FROM sessions WHERE id = %s AND person_id = %s", (session_id, actor.person_id)
        )
        if not ended.rowcount:
            raise NotFound("There is no such session.")
        _record_end(tx, actor, "session.ended")


async def end_other_sessions(store: Store, *, actor: Actor) -> int:
    """How many were ended."""
    actor.require(Permission.OWN_ACCOUNT)
    async with store.transaction() as tx:
        ended = await end_sessions_of(tx, actor.person_id, except_for=actor.session_id)
        _record_end(tx, actor, "session.others_ended")
        return ended


async def sign_out(store: Store, *, actor: Actor) -> None:
    """Also out of a sign-in that still waits for its second factor."""
    actor.require(Permission.SECOND_FACTOR)
    async with store.transaction() as tx:
        await tx.connection.execute("DELETE FROM sessions WHERE id = %s", (actor.session_id,))
        _record_end(tx, actor, "person.signed_out")


async def end_sessions_of(tx: Transaction, person_id: int | None, *, except_for: int | None = None) -> int:
    """For use cases after which nobody may go on as before."""
    ended = await tx.connection.execute(
        "DELETE FROM sessions WHERE person_id = %s AND id IS DISTINCT FROM %s", (person_id, except_for)
    )
    tx.publish(f"person:{person_id}")
    return ended.rowcount


async def forget_expired(store: Store) -> None:
    """What can no longer be used, and attempts that no longer count."""
    async with store.transaction() as tx:
        for statement in (
            "DELETE FROM sessions WHERE expires_at < now()",
            "DELETE FROM sessions WHERE NOT stays AND last_seen_at < now() - interval '1 day'",
            "DELETE FROM reset_links WHERE expires_at < now() - interval '1 day'",
            "DELETE FROM cli_logins WHERE expires_at < now() - interval '1 day'",
            "DELETE FROM attempts WHERE at < now() - interval '1 day' AND NOT succeeded",
            "DELETE FROM attempts WHERE at < now() - interval '30 days'",
        ):
            await tx.connection.execute(statement)


async def _candidate(connection: Connection, key: str) -> _Candidate | None:
    async with connection.cursor(row_factory=class_row(_Candidate)) as cursor:
        await cursor.execute(
            """
            SELECT id, email, role, password_hash, suspended_at IS NOT NULL AS is_suspended,
                   totp_confirmed_at IS NOT NULL AS has_second_factor
            FROM people WHERE email_key = %s
            """,
            (key,),
        )
        return await cursor.fetchone()


async def _expect_unchanged(tx: Transaction, found: _Candidate) -> None:
    """Between the check of the password and the session, the person may have been suspended or reset."""
    same = await tx.connection.execute(
        """
        SELECT FROM people WHERE id = %s AND password_hash = %s AND role = %s AND suspended_at IS NULL
        AND (totp_confirmed_at IS NOT NULL) = %s FOR UPDATE
        """,
        (found.id, found.password_hash, found.role, found.has_second_factor),
    )
    if not same.rowcount:
        raise NotAllowed("This account was changed a moment ago.", hint="Sign in again.")


async def _touch(connection: Connection, holder: _Holder) -> None:
    await connection.execute("UPDATE sessions SET last_seen_at = now() WHERE id = %s", (holder.session_id,))
    await connection.execute("UPDATE people SET last_seen_at = now() WHERE id = %s", (holder.person_id,))


def _record_end(tx: Transaction, actor: Actor, action: str) -> None:
    tx.record(AuditEntry(actor, action, "person", str(actor.person_id), actor.label))
    tx.publish(f"person:{actor.person_id}")
