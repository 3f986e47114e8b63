"""Links for a new password: made by an Admin, or on the server; good for one hour and once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from bakery.access import passwords, second_factor
from bakery.access.people import refuse_above_own, set_password
from bakery.access.sessions import SignedIn, end_sessions_of, open_session
from bakery.access.throttle import Guess, begin_attempt
from bakery.model.actor import Actor, Origin
from bakery.model.audit import AuditEntry
from bakery.model.bearer import digest, mint_token
from bakery.model.emails import email_key, parse_email
from bakery.model.errors import Conflict, NotFound
from bakery.model.permissions import Permission, Role
from bakery.model.secret import Secret
from bakery.store.rows import only
from bakery.store.store import Connection, Store

_GOOD_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NewResetLink:
    """The token is shown this once; the door that shows it knows the address to put before it."""

    token: Secret
    email: str
    expires_at: datetime
    clears_second_factor: bool


@dataclass(frozen=True, slots=True)
class ResetLink:
    """What the page behind a link may tell."""

    id: int
    person_id: int
    email: str
    role: str
    clears_second_factor: bool
    expires_at: datetime


async def make_reset_link(
    store: Store, email: str, *, clears_second_factor: bool = False, actor: Actor
) -> NewResetLink:
    """An older link of the person is good no more."""
    actor.require(Permission.MANAGE_PEOPLE)
    token = mint_token()
    async with store.transaction() as tx:
        found = await tx.connection.execute(
            "SELECT id, email, role, suspended_at IS NOT NULL FROM people WHERE email_key = %s FOR UPDATE",
            (email_key(parse_email(email)),),
        )
        row = await found.fetchone()
        if row is None:
            raise NotFound("There is no account with this e-mail address.")
        person_id, address, role, is_suspended = row
        refuse_above_own(actor, Role(role))
        if is_suspended:
            raise Conflict(f"{address} is suspended.", hint="End the suspension first.")
        await tx.connection.execute("DELETE FROM reset_links WHERE person_id = %s", (person_id,))
        made = await tx.connection.execute(
            """
            INSERT INTO reset_links (person_id, token_hash, clears_second_factor, expires_at)
            VALUES (%s, %s, %s, now() + %s) RETURNING expires_at
            """,
            (person_id, digest(token), clears_second_factor, _GOOD_FOR),
        )
        (expires_at,) = await only(made)
        after = {"clears_second_factor": clears_second_factor}
        tx.record(AuditEntry(actor, "person.reset_link_made", "person", str(person_id), address, after=after))
        tx.publish(f"person:{person_id}")
    return NewResetLink(token, address, expires_at, clears_second_factor)


async def look_at_reset_link(store: Store, token: Secret, *, origin: Origin) -> ResetLink:
    attempt = await begin_attempt(store, Guess.LINK, "", origin.address)
    async with store.connection() as connection:
        link = await _open_link(connection, token)
        await attempt.succeeded(connection)
    return link


async def use_reset_link(store: Store, token: Secret, new: Secret, *, origin: Origin, user_agent: str = "") -> SignedIn:
    """Sets the password, ends all sessions, and signs in; a second factor that is on is still asked for."""
    link = await look_at_reset_link(store, token, origin=origin)
    passwords.check_new_password(new, link.email)
    new_hash = await passwords.hash_password(new)
    async with store.transaction() as tx:
        used = await tx.connection.execute(
            "UPDATE reset_links SET used_at = now() WHERE id = %s AND used_at IS NULL AND expires_at > now()",
            (link.id,),
        )
        if not used.rowcount:
            raise _no_link()
        await set_password(tx, link.person_id, new_hash)
        if link.clears_second_factor:
            await second_factor.clear(tx, link.person_id)
        await end_sessions_of(tx, link.person_id)
        cursor = await tx.connection.execute(
            "SELECT totp_confirmed_at IS NOT NULL FROM people WHERE id = %s", (link.person_id,)
        )
        (has_second_factor,) = await only(cursor)
        person = Actor(origin=origin, person_id=link.person_id, label=link.email, role=Role(link.role))
        after = {"cleared_second_factor": link.clears_second_factor}
        tx.record(AuditEntry(person, "person.password_reset", "person", str(link.person_id), link.email, after=after))
        tx.publish("people")
        return await open_session(tx, person, user_agent=user_agent, second_factor_due=has_second_factor)


async def _open_link(connection: Connection, token: Secret) -> ResetLink:
    async with connection.cursor(row_factory=class_row(ResetLink)) as cursor:
        await cursor.execute(
            """
            SELECT l.id, l.person_id, p.email, p.role, l.clears_second_factor, l.expires_at
            FROM reset_links l JOIN people p ON p.id = l.person_id
            WHERE l.token_hash = %s AND l.used_at IS NULL AND l.expires_at > now() AND p.suspended_at IS NULL
            """,
            (digest(token),),
        )
        link = await cursor.fetchone()
    if link is None:
        raise _no_link()
    return link


def _no_link() -> NotFound:
    return NotFound(
        "This link is not good any more: it was used, replaced, or is older than an hour.", hint="Ask for a new one."
    )
