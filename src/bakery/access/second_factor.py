"""The second factor: six digits from an authenticator, each good once, or one of ten recovery codes."""

import hmac
import re
from dataclasses import dataclass

import pyotp
from psycopg.rows import class_row

from bakery.access.people import confirm_password
from bakery.access.sessions import SignedIn, complete_session
from bakery.access.throttle import Attempt, Guess, begin_attempt
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.bearer import digest, mint_code, read_code
from bakery.model.errors import BadInput, Conflict, NotFound
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.store.store import Store
from bakery.store.transaction import Transaction
from bakery.store.vault import Place, Vault

_STEP_SECONDS = 30
_DRIFT = 1  # steps that an authenticator's clock may be off
_RECOVERY_CODES = 10
_RECOVERY_LETTERS = 16


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the authenticator needs: as text for typing, as an address for a QR code."""

    secret: Secret
    uri: Secret


@dataclass(frozen=True, slots=True)
class _Factor:
    email: str
    totp_secret: bytes | None
    is_confirmed: bool
    totp_last_step: int
    step_now: int


async def begin_enrolment(store: Store, *, actor: Actor) -> Enrolment:
    """A new secret. Nothing changes at sign-in until a code of it is confirmed."""
    actor.require(Permission.OWN_ACCOUNT)
    secret = Secret(pyotp.random_base32())
    async with store.transaction() as tx:
        factor = await _locked(tx, actor)
        if factor.is_confirmed:
            raise Conflict("The second factor is already on.", hint="Turn it off to change the device.")
        await tx.connection.execute(
            "UPDATE people SET totp_secret = %s, totp_last_step = 0 WHERE id = %s",
            (store.vault.seal(_place(actor), secret), actor.person_id),
        )
        _record(tx, actor, "second_factor.begun")
    return _enrolment(secret, factor.email)


async def pending_enrolment(store: Store, *, actor: Actor) -> Enrolment:
    """What was begun and not confirmed, to be shown again after a wrong code."""
    actor.require(Permission.OWN_ACCOUNT)
    async with store.transaction() as tx:
        factor = await _locked(tx, actor)
    if factor.totp_secret is None or factor.is_confirmed:
        raise Conflict("There is no second factor to confirm.", hint="Begin again.")
    return _enrolment(store.vault.open(_place(actor), factor.totp_secret), factor.email)


async def confirm_enrolment(store: Store, code: str, *, actor: Actor) -> list[Secret]:
    """Turns the second factor on. Gives the recovery codes, this once."""
    actor.require(Permission.OWN_ACCOUNT)
    attempt = await _begin(store, actor)
    async with store.transaction() as tx:
        factor = await _locked(tx, actor)
        if factor.is_confirmed:
            raise Conflict("The second factor is already on.")
        if factor.totp_secret is None:
            raise Conflict("There is no second factor to confirm.", hint="Begin again.")
        await _spend_step(tx, store.vault, factor, code, actor)
        await tx.connection.execute("UPDATE people SET totp_confirmed_at = now() WHERE id = %s", (actor.person_id,))
        codes = await _new_recovery_codes(tx, actor)
        await attempt.succeeded(tx.connection)
        _record(tx, actor, "second_factor.turned_on")
    return codes


async def challenge(store: Store, code: str, *, field: str = "code", actor: Actor) -> SignedIn:
    """Completes a sign-in with a code or a recovery code. The session gets a new token."""
    actor.require(Permission.SECOND_FACTOR)
    if not actor.second_factor_due:
        raise Conflict("You are signed in already.")
    attempt = await _begin(store, actor)
    async with store.transaction() as tx:
        await _spend(tx, store.vault, code, actor, field=field)
        await attempt.succeeded(tx.connection)
        return await complete_session(tx, actor)


async def expect_fresh_code(store: Store, code: str, *, actor: Actor, field: str = "code") -> None:
    """Before something that a borrowed session must not do. Without a second factor there is nothing to ask for."""
    actor.require(Permission.OWN_ACCOUNT)
    if not await has_second_factor(store, actor=actor):
        return
    if not code.strip():
        raise BadInput("A code of your second factor is needed for this.", field=field)
    attempt = await _begin(store, actor)
    async with store.transaction() as tx:
        await _spend(tx, store.vault, code, actor, field=field)
        await attempt.succeeded(tx.connection)


async def has_second_factor(store: Store, *, actor: Actor) -> bool:
    """Whether the actor is going to be asked for codes."""
    actor.require(Permission.OWN_ACCOUNT)
    async with store.connection() as connection:
        found = await connection.execute(
            "SELECT FROM people WHERE id = %s AND totp_confirmed_at IS NOT NULL", (actor.person_id,)
        )
        return bool(found.rowcount)


async def turn_off(store: Store, *, password: Secret, code: str, actor: Actor) -> None:
    actor.require(Permission.OWN_ACCOUNT)
    await confirm_password(store, password, actor=actor)
    attempt = await _begin(store, actor)
    async with store.transaction() as tx:
        await _spend(tx, store.vault, code, actor)
        await clear(tx, actor.person_id or 0)
        await attempt.succeeded(tx.connection)
        _record(tx, actor, "second_factor.turned_off")


async def renew_recovery_codes(store: Store, *, password: Secret, code: str, actor: Actor) -> list[Secret]:
    """The old ones are good no longer. Gives the new ones, this once."""
    actor.require(Permission.OWN_ACCOUNT)
    await confirm_password(store, password, actor=actor)
    attempt = await _begin(store, actor)
    async with store.transaction() as tx:
        await _spend(tx, store.vault, code, actor)
        codes = await _new_recovery_codes(tx, actor)
        await attempt.succeeded(tx.connection)
        _record(tx, actor, "second_factor.recovery_codes_renewed")
    return codes


async def clear(tx: Transaction, person_id: int) -> None:
    """For use cases that have just made sure who the person is."""
    await tx.connection.execute(
        "UPDATE people SET totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = 0 WHERE id = %s", (person_id,)
    )
    await tx.connection.execute("DELETE FROM recovery_codes WHERE person_id = %s", (person_id,))


async def _begin(store: Store, actor: Actor) -> Attempt:
    return await begin_attempt(store, Guess.CODE, str(actor.person_id), actor.origin.address)


async def _locked(tx: Transaction, actor: Actor) -> _Factor:
    async with tx.connection.cursor(row_factory=class_row(_Factor)) as cursor:
        await cursor.execute(
            """
            SELECT email, totp_secret, totp_confirmed_at IS NOT NULL AS is_confirmed, totp_last_step,
                   floor(extract(epoch FROM clock_timestamp()) / %s)::bigint AS step_now
            FROM people WHERE id = %s FOR UPDATE
            """,
            (_STEP_SECONDS, actor.person_id),
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("This account is gone.")
    return found


async def _spend(tx: Transaction, vault: Vault, code: str, actor: Actor, *, field: str = "code") -> None:
    """Accepts a code or a recovery code, which is good no more after it."""
    factor = await _locked(tx, actor)
    if not factor.is_confirmed:
        raise Conflict("The second factor is off.")
    if re.fullmatch(r"[\d\s]*", code):
        await _spend_step(tx, vault, factor, code, actor, field=field)
        return
    spent = await tx.connection.execute(
        "UPDATE recovery_codes SET used_at = now() WHERE person_id = %s AND code_hash = %s AND used_at IS NULL",
        (actor.person_id, digest(read_code(code))),
    )
    if not spent.rowcount:
        raise _wrong_code(field)
    _record(tx, actor, "second_factor.recovery_code_used")


async def _spend_step(
    tx: Transaction, vault: Vault, factor: _Factor, code: str, actor: Actor, *, field: str = "code"
) -> None:
    typed = "".join(code.split()).encode("utf-8", "surrogatepass")
    totp = pyotp.TOTP(vault.open(_place(actor), factor.totp_secret or b"").reveal())
    for step in range(factor.step_now - _DRIFT, factor.step_now + _DRIFT + 1):
        if step > factor.totp_last_step and hmac.compare_digest(totp.generate_otp(step).encode(), typed):
            await tx.connection.execute("UPDATE people SET totp_last_step = %s WHERE id = %s", (step, actor.person_id))
            return
    raise _wrong_code(field)


async def _new_recovery_codes(tx: Transaction, actor: Actor) -> list[Secret]:
    codes = [mint_code(_RECOVERY_LETTERS) for _ in range(_RECOVERY_CODES)]
    await tx.connection.execute("DELETE FROM recovery_codes WHERE person_id = %s", (actor.person_id,))
    await tx.connection.execute(
        "INSERT INTO recovery_codes (person_id, code_hash) SELECT %s, unnest(%s::bytea[])",
        (actor.person_id, [digest(code) for code in codes]),
    )
    return codes


def _enrolment(secret: Secret, email: str) -> Enrolment:
    uri = pyotp.TOTP(secret.reveal()).provisioning_uri(name=email, issuer_name="Bakery")
    return Enrolment(secret, Secret(uri))


def _place(actor: Actor) -> Place:
    return Place("people", actor.person_id or 0, "totp_secret")


def _wrong_code(field: str) -> BadInput:
    return BadInput(
        "This code is wrong or was used already.",
        field=field,
        hint="Wait for the next one, and check that the device's clock is right.",
    )


def _record(tx: Transaction, actor: Actor, action: str) -> None:
    tx.record(AuditEntry(actor, action, "person", str(actor.person_id), actor.label))
    tx.publish("people", f"person:{actor.person_id}")
