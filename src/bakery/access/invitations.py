"""Invitations: a link for one e-mail address and one role, good once and for a week."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from bakery.access import passwords
from bakery.access.people import add_person, refuse_above_own
from bakery.access.sessions import SignedIn, open_session
from bakery.access.throttle import Guess, begin_attempt
from bakery.model.actor import Actor, Origin
from bakery.model.audit import AuditEntry
from bakery.model.bearer import digest, mint_token
from bakery.model.emails import email_key, parse_email
from bakery.model.errors import Conflict, NotFound
from bakery.model.labels import parse_label
from bakery.model.permissions import Permission, Role
from bakery.model.secret import Secret
from bakery.store.rows import only
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

_GOOD_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invitation:
    """`state` is open, accepted, revoked or expired."""

    id: int
    email: str
    role: Role
    invited_by: str
    state: str
    created_at: datetime
    expires_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", Role(self.role))


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """The token is shown this once."""

    token: Secret
    invitation: Invitation


async def invite(store: Store, email: str, role: Role, *, actor: Actor) -> NewInvitation:
    """Inviting an address again replaces what was open for it."""
    actor.require(Permission.MANAGE_PEOPLE)
    refuse_above_own(actor, role)
    address = parse_email(email)
    token = mint_token()
    async with store.transaction() as tx:
        await _expect_no_account(tx, address)
        made = await tx.connection.execute(
            """
            INSERT INTO invitations (email, email_key, role, token_hash, invited_by, expires_at)
            VALUES (%s, %s, %s, %s, %s, now() + %s)
            ON CONFLICT (email_key) WHERE accepted_at IS NULL AND revoked_at IS NULL DO UPDATE
            SET email = excluded.email, role = excluded.role, token_hash = excluded.token_hash,
                invited_by = excluded.invited_by, created_at = now(), expires_at = excluded.expires_at
            RETURNING id
            """,
            (address, email_key(address), role, digest(token), actor.person_id, _GOOD_FOR),
        )
        invitation = await _find(tx.connection, (await only(made))[0])
        _record(tx, actor, "person.invited", invitation, after={"role": role})
    return NewInvitation(token, invitation)


async def list_invitations(
    store: Store, *, before: int | None = None, limit: int | None = None, actor: Actor
) -> list[Invitation]:
    """The newest first. `before` is the id of one: those that are older."""
    actor.require(Permission.MANAGE_PEOPLE)
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Invitation)) as cursor:
        await cursor.execute(_INVITATIONS, {"id": 0, "hash": b"", "all": True, "before": before, "limit": limit})
        return await cursor.fetchall()


async def revoke_invitation(store: Store, invitation_id: int, *, actor: Actor) -> None:
    actor.require(Permission.MANAGE_PEOPLE)
    async with store.transaction() as tx:
        invitation = await _find(tx.connection, invitation_id)
        revoked = await tx.connection.execute(
            "UPDATE invitations SET revoked_at = now() WHERE id = %s AND accepted_at IS NULL AND revoked_at IS NULL",
            (invitation_id,),
        )
        if not revoked.rowcount:
            raise Conflict(f"This invitation is {invitation.state} already.")
        _record(tx, actor, "invitation.revoked", invitation)


async def look_at_invitation(store: Store, token: Secret, *, origin: Origin) -> Invitation:
    """For the page behind the link. Looking accepts nothing."""
    attempt = await begin_attempt(store, Guess.LINK, "", origin.address)
    async with store.connection() as connection:
        invitation = await _open_invitation(connection, token)
        await attempt.succeeded(connection)
    return invitation


async def accept_invitation(
    store: Store, token: Secret, *, name: str, password: Secret, origin: Origin, user_agent: str = ""
) -> SignedIn:
    """Makes the account that was offered, with the address and the role of the invitation, and signs in."""
    invitation = await look_at_invitation(store, token, origin=origin)
    label = parse_label(name)
    passwords.check_new_password(password, invitation.email)
    password_hash = await passwords.hash_password(password)
    async with store.transaction() as tx:
        accepted = await tx.connection.execute(
            """
            UPDATE invitations SET accepted_at = now()
            WHERE token_hash = %s AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now() RETURNING role
            """,
            (digest(token),),
        )
        row = await accepted.fetchone()
        if row is None:
            raise _no_invitation()
        role = Role(row[0])
        person_id = await add_person(tx, email=invitation.email, name=label, role=role, password_hash=password_hash)
        person = Actor(origin=origin, person_id=person_id, label=invitation.email, role=role)
        entry = AuditEntry(
            person, "invitation.accepted", "person", str(person_id), invitation.email, after={"role": role}
        )
        tx.record(entry)
        return await open_session(tx, person, user_agent=user_agent)


async def _expect_no_account(tx: Transaction, address: str) -> None:
    found = await tx.connection.execute("SELECT FROM people WHERE email_key = %s", (email_key(address),))
    if found.rowcount:
        raise Conflict(f"There is already an account for {address}.", hint="Change its role instead.")


async def _find(connection: Connection, invitation_id: int) -> Invitation:
    async with connection.cursor(row_factory=class_row(Invitation)) as cursor:
        await cursor.execute(_INVITATIONS, {**_ONE, "id": invitation_id})
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("There is no such invitation.")
    return found


async def _open_invitation(connection: Connection, token: Secret) -> Invitation:
    async with connection.cursor(row_factory=class_row(Invitation)) as cursor:
        await cursor.execute(_INVITATIONS, {**_ONE, "hash": digest(token)})
        found = await cursor.fetchone()
    if found is None or found.state != "open":
        raise _no_invitation()
    return found


_ONE = {"id": 0, "hash": b"", "all": False, "before": None, "limit": 1}
_INVITATIONS = """
SELECT i.id, i.email, i.role, coalesce(p.name, 'Bakery') AS invited_by, i.created_at, i.expires_at,
       CASE WHEN i.accepted_at IS NOT NULL THEN 'accepted' WHEN i.revoked_at IS NOT NULL THEN 'revoked'
            WHEN i.expires_at <= now() THEN 'expired' ELSE 'open' END AS state
FROM invitations i LEFT JOIN people p ON p.id = i.invited_by
WHERE i.id = %(id)s OR i.token_hash = %(hash)s
      OR (%(all)s AND (%(before)s::bigint IS NULL OR i.id < %(before)s))
ORDER BY i.id DESC LIMIT %(limit)s
"""


def _no_invitation() -> NotFound:
    return NotFound(
        "This invitation is not good any more: it was used, revoked, replaced, or is older than a week.",
        hint="Ask an Admin for a new one.",
    )


def _record(
    tx: Transaction, actor: Actor, action: str, invitation: Invitation, *, after: dict[str, object] | None = None
) -> None:
    tx.record(AuditEntry(actor, action, "invitation", str(invitation.id), invitation.email, after=after))
    tx.publish("people")
