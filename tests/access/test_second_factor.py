import asyncio

import pytest

from bakery.access.people import preferences_of
from bakery.access.second_factor import (
    begin_enrolment,
    challenge,
    confirm_enrolment,
    expect_fresh_code,
    pending_enrolment,
    renew_recovery_codes,
    turn_off,
)
from bakery.access.sessions import SignedIn, actor_of_session, list_sessions, sign_in
from bakery.access.tokens import create_token
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, Conflict, NotSignedIn, TooMany
from bakery.model.permissions import Scope
from bakery.model.secret import Secret
from bakery.store.store import Store
from bakery.store.vault import CannotOpen
from tests.support.authenticator import Authenticator, a_step_passes, enrol
from tests.support.people import HERE, PASSWORD, a_viewer, an_admin, signed_in


async def half_signed_in(store: Store, person: Actor) -> tuple[SignedIn, Actor]:
    session = await sign_in(store, person.label, PASSWORD, origin=HERE)
    actor = await actor_of_session(store, session.token, HERE)
    assert actor is not None
    return session, actor


async def test_nothing_changes_until_a_code_is_confirmed(store: Store) -> None:
    ada = await an_admin(store)
    await begin_enrolment(store, actor=ada)
    assert not (await preferences_of(store, actor=ada)).has_second_factor
    with pytest.raises(BadInput) as error:
        await confirm_enrolment(store, "000000", actor=ada)
    assert error.value.field == "code"
    assert not (await half_signed_in(store, ada))[0].second_factor_due


async def test_what_was_begun_is_shown_again_until_it_is_confirmed(store: Store) -> None:
    ada = await an_admin(store)
    with pytest.raises(Conflict):
        await pending_enrolment(store, actor=ada)
    begun = await begin_enrolment(store, actor=ada)
    assert await pending_enrolment(store, actor=ada) == begun
    await enrol(store, ada)
    with pytest.raises(Conflict):
        await pending_enrolment(store, actor=ada)


async def test_the_authenticator_gets_the_secret_and_the_database_only_a_sealed_one(store: Store) -> None:
    ada = await an_admin(store)
    enrolment = await begin_enrolment(store, actor=ada)
    assert enrolment.uri.reveal() == (
        f"otpauth://totp/Bakery:ada%40example.com?secret={enrolment.secret.reveal()}&issuer=Bakery"
    )
    async with store.connection() as connection:
        row = await (await connection.execute("SELECT totp_secret FROM people")).fetchone()
    assert row is not None
    assert enrolment.secret.reveal().encode() not in row[0]


async def test_a_sealed_secret_opens_for_nobody_else(store: Store) -> None:
    ada, vic = await an_admin(store), await a_viewer(store)
    authenticator, _ = await enrol(store, ada)
    await enrol(store, vic)
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE people a SET totp_secret = b.totp_secret FROM people b WHERE a.id <> b.id")
    _, half = await half_signed_in(store, ada)
    with pytest.raises(CannotOpen):
        await challenge(store, authenticator.code(), actor=half)


async def test_with_the_second_factor_due_a_session_reaches_nothing_but_the_challenge(store: Store) -> None:
    ada = await an_admin(store)
    await enrol(store, ada)
    session, half = await half_signed_in(store, ada)
    assert session.second_factor_due
    assert half.second_factor_due
    for attempt in (
        list_sessions(store, actor=half),
        preferences_of(store, actor=half),
        create_token(store, "x", Scope.READ, actor=half),
        begin_enrolment(store, actor=half),
        turn_off(store, password=PASSWORD, code="", actor=half),
    ):
        with pytest.raises(NotSignedIn):
            await attempt


async def test_a_code_completes_the_sign_in_under_another_token(store: Store) -> None:
    ada = await an_admin(store)
    authenticator, _ = await enrol(store, ada)
    session, half = await half_signed_in(store, ada)
    whole = await challenge(store, f" {authenticator.code()[:3]} {authenticator.code()[3:]}", actor=half)
    assert await actor_of_session(store, session.token, HERE) is None
    actor = await actor_of_session(store, whole.token, HERE)
    assert actor is not None
    assert actor.is_signed_in
    with pytest.raises(Conflict):
        await challenge(store, authenticator.code(), actor=actor)


async def test_a_code_is_good_once(store: Store) -> None:
    ada = await an_admin(store)
    authenticator, _ = await enrol(store, ada)
    halves = [(await half_signed_in(store, ada))[1] for _ in range(4)]
    code = authenticator.code()
    results = await asyncio.gather(*(challenge(store, code, actor=half) for half in halves), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["BadInput", "BadInput", "BadInput", "SignedIn"]
    with pytest.raises(BadInput):
        await challenge(store, authenticator.code(steps=-1), actor=halves[3])


async def test_a_clock_may_be_off_by_one_step_and_not_by_more(store: Store) -> None:
    ada = await an_admin(store)
    authenticator, _ = await enrol(store, ada)
    await expect_fresh_code(store, authenticator.code(), actor=ada)
    await expect_fresh_code(store, authenticator.code(steps=1), actor=ada)
    await a_step_passes(store)
    with pytest.raises(BadInput):
        await expect_fresh_code(store, authenticator.code(steps=3), actor=ada)


async def test_a_recovery_code_is_good_once(store: Store) -> None:
    ada = await an_admin(store)
    _, codes = await enrol(store, ada)
    assert len(set(codes)) == 10
    halves = [(await half_signed_in(store, ada))[1] for _ in range(2)]
    typed = codes[0].reveal().lower().replace("-", " ")
    results = await asyncio.gather(*(challenge(store, typed, actor=half) for half in halves), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["BadInput", "SignedIn"]
    assert (await preferences_of(store, actor=ada)).recovery_codes_left == 9


async def test_new_recovery_codes_replace_the_old_ones(store: Store) -> None:
    ada = await an_admin(store)
    authenticator, old = await enrol(store, ada)
    with pytest.raises(BadInput):
        await renew_recovery_codes(store, password=Secret("not the password"), code=authenticator.code(), actor=ada)
    new = await renew_recovery_codes(store, password=PASSWORD, code=authenticator.code(), actor=ada)
    _, half = await half_signed_in(store, ada)
    with pytest.raises(BadInput):
        await challenge(store, old[0].reveal(), actor=half)
    await challenge(store, new[0].reveal(), actor=half)


async def test_turning_it_off_needs_the_password_and_a_code(store: Store) -> None:
    ada = await an_admin(store)
    authenticator, _ = await enrol(store, ada)
    with pytest.raises(BadInput) as error:
        await turn_off(store, password=Secret("not the password"), code=authenticator.code(), actor=ada)
    assert error.value.field == "password"
    with pytest.raises(BadInput) as error:
        await turn_off(store, password=PASSWORD, code="000000", actor=ada)
    assert error.value.field == "code"
    await turn_off(store, password=PASSWORD, code=authenticator.code(), actor=ada)
    assert (await signed_in(store, ada)).is_signed_in
    assert (await preferences_of(store, actor=ada)).recovery_codes_left == 0


async def test_a_second_factor_is_not_replaced_while_it_is_on(store: Store) -> None:
    ada = await an_admin(store)
    await enrol(store, ada)
    with pytest.raises(Conflict):
        await begin_enrolment(store, actor=ada)


async def test_codes_are_guessed_slowly(store: Store) -> None:
    ada = await an_admin(store)
    await enrol(store, ada)
    _, half = await half_signed_in(store, ada)
    outcomes: list[type[BakeryError]] = []
    for _ in range(12):
        with pytest.raises(BakeryError) as error:
            await challenge(store, "000000", actor=half)
        outcomes.append(type(error.value))
    assert outcomes == [BadInput] * 10 + [TooMany] * 2


@pytest.mark.parametrize("code", ["", "\0", "\ud800", "１２３４５６", "1" * 10_000, "BCDF-GHJK-LMNP-QRST", "' OR ''='"])
async def test_odd_codes_are_wrong_codes(store: Store, code: str) -> None:
    ada = await an_admin(store)
    await enrol(store, ada)
    _, half = await half_signed_in(store, ada)
    with pytest.raises(BadInput) as error:
        await challenge(store, code, actor=half)
    assert error.value.field == "code"


async def test_a_token_is_made_only_with_a_code_when_the_second_factor_is_on(store: Store) -> None:
    ada = await an_admin(store)
    await create_token(store, "before", Scope.READ, actor=ada)
    authenticator, _ = await enrol(store, ada)
    for code in ("", "000000"):
        with pytest.raises(BadInput) as error:
            await create_token(store, "after", Scope.READ, code=code, actor=ada)
        assert error.value.field == "code"
    await create_token(store, "after", Scope.READ, code=authenticator.code(), actor=ada)


async def test_an_authenticator_of_another_secret_is_no_help(store: Store) -> None:
    ada = await an_admin(store)
    await enrol(store, ada)
    stranger = Authenticator(Secret("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
    _, half = await half_signed_in(store, ada)
    with pytest.raises(BadInput):
        await challenge(store, stranger.code(), actor=half)
