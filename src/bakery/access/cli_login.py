"""`bakery login URL`: the program shows a code, a signed-in browser confirms it, the program fetches its token once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from bakery.access.second_factor import expect_fresh_code
from bakery.access.throttle import Guess, begin_attempt
from bakery.access.tokens import add_token
from bakery.model.actor import Actor, Origin
from bakery.model.audit import AuditEntry
from bakery.model.bearer import digest, mint_code, mint_token, read_code
from bakery.model.errors import NotAllowed, NotFound
from bakery.model.labels import parse_label
from bakery.model.permissions import Permission, Role, Scope
from bakery.model.secret import Secret
from bakery.store.rows import only
from bakery.store.store import Connection, Store

_GOOD_FOR = timedelta(minutes=10)
_CODE_LETTERS = 8


@dataclass(frozen=True, slots=True)
class Begun:
    """The person types `code` into the browser; the program asks with `poll_secret` whether it was confirmed."""

    code: str
    poll_secret: Secret
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CliLogin:
    """What the person sees before confirming."""

    id: int
    code: str
    machine: str
    address: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _Confirmed:
    id: int
    machine: str
    person_id: int | None
    email: str | None
    role: str | None


async def begin_cli_login(store: Store, *, machine: str, origin: Origin) -> Begun:
    label = parse_label(machine, field="machine")
    await begin_attempt(store, Guess.CLI_LOGIN, "", origin.address)
    code, poll_secret = mint_code(_CODE_LETTERS).reveal(), mint_token()
    async with store.transaction() as tx:
        made = await tx.connection.execute(
            """
            INSERT INTO cli_logins (code, poll_hash, machine, address, expires_at)
            VALUES (%s, %s, %s, %s, now() + %s) RETURNING expires_at
            """,
            (code, digest(poll_secret), label, origin.address, _GOOD_FOR),
        )
        return Begun(code, poll_secret, (await only(made))[0])


async def look_at_cli_login(store: Store, code: str, *, actor: Actor) -> CliLogin:
    actor.require(Permission.OWN_ACCOUNT)
    attempt = await begin_attempt(store, Guess.CLI_LOGIN, str(actor.person_id), actor.origin.address)
    async with store.connection() as connection:
        found = await _waiting(connection, code)
        await attempt.succeeded(connection)
    return found


async def confirm_cli_login(store: Store, code: str, *, second_factor_code: str = "", actor: Actor) -> None:
    """Lets the program in as the actor. Like making any token, it asks for the second factor when that is on."""
    actor.require(Permission.OWN_ACCOUNT)
    actor.require_own_password()
    if actor.session_id is None:
        raise NotAllowed(
            "This is confirmed in a browser.", hint="Sign in there and type the code that the command line shows."
        )
    found = await look_at_cli_login(store, code, actor=actor)
    await expect_fresh_code(store, second_factor_code, actor=actor, field="second_factor")
    async with store.transaction() as tx:
        confirmed = await tx.connection.execute(
            "UPDATE cli_logins SET person_id = %s WHERE id = %s AND person_id IS NULL AND expires_at > now()",
            (actor.person_id, found.id),
        )
        if not confirmed.rowcount:
            raise _no_login()
        tx.record(AuditEntry(actor, "cli_login.confirmed", "cli_login", str(found.id), found.machine))


async def refuse_cli_login(store: Store, code: str, *, actor: Actor) -> None:
    """The program is told at its next poll."""
    actor.require(Permission.OWN_ACCOUNT)
    found = await look_at_cli_login(store, code, actor=actor)
    async with store.transaction() as tx:
        refused = await tx.connection.execute("DELETE FROM cli_logins WHERE id = %s AND person_id IS NULL", (found.id,))
        if not refused.rowcount:
            raise _no_login()
        tx.record(AuditEntry(actor, "cli_login.refused", "cli_login", str(found.id), found.machine))


async def poll_cli_login(store: Store, poll_secret: Secret, *, origin: Origin) -> Secret | None:
    """The API token, once; None while nobody has confirmed."""
    async with store.transaction() as tx:
        async with tx.connection.cursor(row_factory=class_row(_Confirmed)) as cursor:
            await cursor.execute(
                """
                SELECT l.id, l.machine, p.id AS person_id, p.email, p.role
                FROM cli_logins l LEFT JOIN people p ON p.id = l.person_id AND p.suspended_at IS NULL
                WHERE l.poll_hash = %s AND l.fetched_at IS NULL AND l.expires_at > now() FOR UPDATE OF l
                """,
                (digest(poll_secret),),
            )
            found = await cursor.fetchone()
        if found is None:
            raise _no_login()
        if found.person_id is None or found.email is None or found.role is None:
            return None
        await tx.connection.execute("UPDATE cli_logins SET fetched_at = now() WHERE id = %s", (found.id,))
        person = Actor(origin=origin, person_id=found.person_id, label=found.email, role=Role(found.role))
        return (await add_token(tx, person, found.person_id, found.machine, Scope.ADMIN)).secret


async def _waiting(connection: Connection, code: str) -> CliLogin:
    async with connection.cursor(row_factory=class_row(CliLogin)) as cursor:
        await cursor.execute(
            """
            SELECT id, code, machine, address, created_at FROM cli_logins
            WHERE code = %s AND person_id IS NULL AND expires_at > now()
            """,
            (read_code(code).reveal(),),
        )
        found = await cursor.fetchone()
    if found is None:
        raise _no_login()
    return found


def _no_login() -> NotFound:
    return NotFound(
        "This code is not good any more: it was used or refused, or is older than ten minutes.",
        hint="Run bakery login again.",
    )
