import time

import bcrypt
import pytest

from bakery.access import passwords
from bakery.access.sessions import sign_in
from bakery.model.errors import BadInput
from bakery.model.secret import Secret
from bakery.store.store import Store
from tests.support.people import HERE, PASSWORD, an_admin


async def test_a_password_is_kept_as_argon2id() -> None:
    assert (await passwords.hash_password(PASSWORD)).startswith("$argon2id$")


async def test_all_characters_count_also_those_after_the_72nd() -> None:
    stored = await passwords.hash_password(Secret("a" * 72 + "b"))
    assert await passwords.matches(stored, Secret("a" * 72 + "b"))
    assert not await passwords.matches(stored, Secret("a" * 72 + "c"))
    assert not await passwords.matches(stored, Secret("a" * 72))


async def test_nobody_has_a_password_that_matches() -> None:
    assert not await passwords.matches(None, PASSWORD)
    assert not await passwords.matches(None, Secret(""))


async def test_a_damaged_hash_matches_nothing() -> None:
    for stored in ("$2b$zz", "$argon2id$", "plain"):
        assert not await passwords.matches(stored, PASSWORD)


async def test_a_bcrypt_hash_is_accepted_and_upgraded_at_the_next_sign_in(store: Store) -> None:
    ada = await an_admin(store)
    for prefix in (b"2a", b"2b"):
        old = bcrypt.hashpw(PASSWORD.reveal().encode(), bcrypt.gensalt(4, prefix=prefix)).decode()
        async with store.transaction() as tx:
            await tx.connection.execute("UPDATE people SET password_hash = %s", (old,))
        await sign_in(store, ada.label, PASSWORD, origin=HERE)
        async with store.connection() as connection:
            row = await (await connection.execute("SELECT password_hash FROM people")).fetchone()
        assert row is not None
        assert not passwords.is_outdated(row[0])
        assert await passwords.matches(row[0], PASSWORD)


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("short", "Use at least 10 characters."),
        ("x" * 1025, "Use at most 1024 characters."),
        ("Password123", "This is one of the first passwords that others try."),
        ("zzzzzzzzzzzz", "This is one of the first passwords that others try."),
        ("Ada.Lovelace@example.com", "Use a password that is not the e-mail address."),
        ("ada.lovelace", "Use a password that is not the e-mail address."),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password: str, sentence: str) -> None:
    with pytest.raises(BadInput) as error:
        passwords.check_new_password(Secret(password), "ada.lovelace@example.com")
    assert (error.value.message, error.value.field) == (sentence, "password")


@pytest.mark.parametrize(
    "password", ["päßwörter ünd mehr", "x\0y\ud800 and so on", "🍞🥐🥖🥨🥯🍞🥐🥖🥨🥯", "' OR 1=1; --"]
)
async def test_any_characters_make_a_password(password: str) -> None:
    passwords.check_new_password(Secret(password), "ada@example.com")
    assert await passwords.matches(await passwords.hash_password(Secret(password)), Secret(password))


async def test_the_time_of_the_answer_does_not_tell_who_exists(store: Store) -> None:
    await an_admin(store, "known@example.com")
    seconds: dict[str, list[float]] = {"known@example.com": [], "unknown@example.com": []}
    for _ in range(15):  # in turns, the best of many, by the processor's clock: what else runs must not count
        for email, measured in seconds.items():
            begun = time.process_time()
            with pytest.raises(BadInput):
                await sign_in(store, email, Secret("not the password"), origin=HERE)
            measured.append(time.process_time() - begun)
            async with store.transaction() as tx:
                await tx.connection.execute("DELETE FROM attempts")
    known, unknown = (min(measured) for measured in seconds.values())
    assert 0.9 < known / unknown < 1.1
