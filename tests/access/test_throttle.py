import asyncio
from datetime import timedelta

import pytest

from bakery.access.resets import look_at_reset_link
from bakery.access.sessions import sign_in
from bakery.access.throttle import Guess, begin_attempt
from bakery.model.actor import Origin
from bakery.model.errors import BadInput, BakeryError, NotFound, TooMany
from bakery.model.secret import Secret
from bakery.store.store import Store
from tests.support.people import ELSEWHERE, HERE, PASSWORD, an_admin


async def guesses(store: Store, count: int, *, account: str = "ada@example.com", network: str = "198.51.100") -> None:
    """Each from another address."""
    for number in range(count):
        await begin_attempt(store, Guess.PASSWORD, account, f"{network}.{number % 250}")


async def pass_time(store: Store, time: timedelta) -> None:
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE attempts SET at = at - %s", (time,))


async def test_the_eleventh_wrong_password_is_not_looked_at(store: Store) -> None:
    ada = await an_admin(store)
    outcomes: list[type[BakeryError]] = []
    for _ in range(20):
        with pytest.raises(BakeryError) as error:
            await sign_in(store, ada.label, Secret("a wrong guess"), origin=ELSEWHERE)
        outcomes.append(type(error.value))
    assert outcomes == [BadInput] * 10 + [TooMany] * 10
    assert isinstance(error.value, TooMany)
    assert 800 < error.value.retry_after <= 900


async def test_guesses_at_once_are_counted_like_guesses_in_a_row(store: Store) -> None:
    results = await asyncio.gather(
        *(begin_attempt(store, Guess.PASSWORD, "ada@example.com", "198.51.100.7") for _ in range(30)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, TooMany) for result in results) == 20


async def test_who_waits_may_try_again(store: Store) -> None:
    ada = await an_admin(store)
    for _ in range(10):
        await begin_attempt(store, Guess.PASSWORD, ada.label, HERE.address)
    with pytest.raises(TooMany):
        await sign_in(store, ada.label, PASSWORD, origin=HERE)
    await pass_time(store, timedelta(minutes=16))
    await sign_in(store, ada.label, PASSWORD, origin=HERE)


async def test_what_strangers_guess_does_not_hold_up_the_owner_at_a_known_address(store: Store) -> None:
    ada = await an_admin(store)
    await sign_in(store, ada.label, PASSWORD, origin=HERE)
    await guesses(store, 20)
    with pytest.raises(TooMany):
        await sign_in(store, ada.label, PASSWORD, origin=Origin("browser", "203.0.113.9"))
    await sign_in(store, ada.label, PASSWORD, origin=HERE)


async def test_the_owner_at_a_known_address_is_slowed_by_strangers_at_the_same_one(store: Store) -> None:
    """As behind a proxy that nobody listed: all of them are one address."""
    ada = await an_admin(store)
    await sign_in(store, ada.label, PASSWORD, origin=HERE)
    for _ in range(10):
        await begin_attempt(store, Guess.PASSWORD, ada.label, HERE.address)
    with pytest.raises(TooMany) as error:
        await sign_in(store, ada.label, PASSWORD, origin=HERE)
    assert error.value.retry_after <= 10
    await pass_time(store, timedelta(seconds=11))
    await sign_in(store, ada.label, PASSWORD, origin=HERE)


async def test_an_account_guessed_from_everywhere_is_slowed_not_locked(store: Store) -> None:
    ada = await an_admin(store)
    await guesses(store, 20)
    with pytest.raises(TooMany) as error:
        await sign_in(store, ada.label, PASSWORD, origin=HERE)
    assert error.value.retry_after <= 60
    await pass_time(store, timedelta(seconds=61))
    await sign_in(store, ada.label, PASSWORD, origin=HERE)


async def test_one_address_that_guesses_many_accounts_is_stopped(store: Store) -> None:
    for number in range(50):
        await begin_attempt(store, Guess.PASSWORD, f"{number}@example.com", "198.51.100.7")
    with pytest.raises(TooMany):
        await begin_attempt(store, Guess.PASSWORD, "another@example.com", "198.51.100.7")


async def test_an_ipv6_network_is_one_address(store: Store) -> None:
    for number in range(10):
        await begin_attempt(store, Guess.PASSWORD, "ada@example.com", f"2001:db8:1:2::{number:x}")
    with pytest.raises(TooMany):
        await begin_attempt(store, Guess.PASSWORD, "ada@example.com", "2001:db8:1:2:ffff::1")
    await begin_attempt(store, Guess.PASSWORD, "ada@example.com", "2001:db8:1:3::1")


async def test_there_is_a_limit_for_all_together(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.connection.execute(
            "INSERT INTO attempts (kind, account, address) "
            "SELECT 'password', n || '@example.com', 'address ' || n FROM generate_series(1, 1000) n"
        )
    with pytest.raises(TooMany):
        await begin_attempt(store, Guess.PASSWORD, "new@example.com", "198.51.100.7")


async def test_links_are_guessed_as_slowly(store: Store) -> None:
    for _ in range(10):
        with pytest.raises(NotFound):
            await look_at_reset_link(store, Secret("guess"), origin=ELSEWHERE)
    with pytest.raises(TooMany):
        await look_at_reset_link(store, Secret("guess"), origin=ELSEWHERE)
    with pytest.raises(NotFound):
        await look_at_reset_link(store, Secret("guess"), origin=HERE)


async def test_passwords_and_codes_are_counted_apart(store: Store) -> None:
    for _ in range(10):
        await begin_attempt(store, Guess.PASSWORD, "7", HERE.address)
    await begin_attempt(store, Guess.CODE, "7", HERE.address)
