"""The first Admin: made in the browser with the code that the start printed, from the environment, or on the server."""

from bakery.access import passwords
from bakery.access.people import add_person
from bakery.access.sessions import SignedIn, open_session
from bakery.access.throttle import Guess, begin_attempt
from bakery.model.actor import Actor, Origin
from bakery.model.audit import AuditEntry
from bakery.model.bearer import digest, mint_code, read_code
from bakery.model.emails import parse_email
from bakery.model.errors import BadInput, Conflict
from bakery.model.permissions import Permission, Role
from bakery.model.secret import Secret
from bakery.store.store import Store
from bakery.store.transaction import Transaction

_CODE_LETTERS = 12
_LOCK = 0x7365747570


async def is_set_up(store: Store) -> bool:
    async with store.connection() as connection:
        return bool((await connection.execute("SELECT FROM people LIMIT 1")).rowcount)


async def renew_setup_code(store: Store) -> Secret:
    """For printing at the start. The newest one counts, whichever process made it."""
    code = mint_code(_CODE_LETTERS)
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            INSERT INTO setup_code (code_hash) VALUES (%s)
            ON CONFLICT (one) DO UPDATE SET code_hash = excluded.code_hash, made_at = now()
            """,
            (digest(code),),
        )
    return code


async def create_first_admin(
    store: Store, *, code: str, email: str, password: Secret, origin: Origin, user_agent: str = ""
) -> SignedIn:
    address = parse_email(email)
    passwords.check_new_password(password, address)
    attempt = await begin_attempt(store, Guess.SETUP, "", origin.address)
    if await is_set_up(store):
        raise _already_set_up()
    password_hash = await passwords.hash_password(password)
    async with store.transaction() as tx:
        await _expect_nobody(tx)
        right = await tx.connection.execute("DELETE FROM setup_code WHERE code_hash = %s", (digest(read_code(code)),))
        if not right.rowcount:
            raise BadInput(
                "This is not the code that Bakery printed when it started.",
                field="code",
                hint="Look at the end of its output or journal. A restart prints a new one.",
            )
        person_id = await add_person(tx, email=address, role=Role.ADMIN, password_hash=password_hash)
        await attempt.succeeded(tx.connection)
        admin = Actor(origin=origin, person_id=person_id, label=address, role=Role.ADMIN)
        tx.record(AuditEntry(admin, "installation.set_up", "person", str(person_id), address))
        return await open_session(tx, admin, user_agent=user_agent)


async def seed_admin(store: Store, email: str, password: Secret, *, actor: Actor) -> bool:
    """Makes the Admin of the environment when there is nobody yet. Says whether it did."""
    actor.require(Permission.MANAGE_SYSTEM)
    if await is_set_up(store):
        return False
    passwords.check_new_password(password, email, field="BAKERY_ADMIN_PASSWORD")
    password_hash = await passwords.hash_password(password)
    async with store.transaction() as tx:
        await tx.connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if (await tx.connection.execute("SELECT FROM people LIMIT 1")).rowcount:
            return False
        person_id = await add_person(
            tx, email=email, role=Role.ADMIN, password_hash=password_hash, password_change_due=True
        )
        await tx.connection.execute("DELETE FROM setup_code")
        tx.record(AuditEntry(actor, "person.created", "person", str(person_id), email, after={"role": Role.ADMIN}))
        return True


async def create_admin(store: Store, email: str, *, password: Secret | None = None, actor: Actor) -> int:
    """On the server. Without a password, a reset link lets them choose one. Gives the id."""
    actor.require(Permission.MANAGE_SYSTEM)
    address = parse_email(email)
    password_hash = None
    if password is not None:
        passwords.check_new_password(password, address)
        password_hash = await passwords.hash_password(password)
    async with store.transaction() as tx:
        await tx.connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        person_id = await add_person(tx, email=address, role=Role.ADMIN, password_hash=password_hash)
        await tx.connection.execute("DELETE FROM setup_code")
        tx.record(AuditEntry(actor, "person.created", "person", str(person_id), address, after={"role": Role.ADMIN}))
    return person_id


async def _expect_nobody(tx: Transaction) -> None:
    """Until the commit nobody else makes a first Admin."""
    await tx.connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    if (await tx.connection.execute("SELECT FROM people LIMIT 1")).rowcount:
        raise _already_set_up()


def _already_set_up() -> Conflict:
    return Conflict("Bakery is set up already.", hint="Sign in, or ask an Admin for an invitation.")
