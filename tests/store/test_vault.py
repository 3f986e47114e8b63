import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.model.errors import NotReady
from bakery.model.secret import Secret
from bakery.store.vault import CannotOpen, Key, Place, Vault

HERE = Place("people", 7, "totp_secret")
VAULT = Vault([Key.mint()])


@given(st.text())
def test_what_is_sealed_opens_byte_for_byte(text: str) -> None:
    assert VAULT.open(HERE, VAULT.seal(HERE, Secret(text))).reveal() == text


@pytest.mark.parametrize(
    "elsewhere",
    [Place("people", 8, "totp_secret"), Place("people", 7, "other"), Place("nodes", 7, "totp_secret")],
)
def test_a_sealed_value_opens_in_its_own_place_only(elsewhere: Place) -> None:
    sealed = VAULT.seal(HERE, Secret("canary"))
    with pytest.raises(CannotOpen, match="changed or moved"):
        VAULT.open(elsewhere, sealed)


@given(st.integers(min_value=5, max_value=30), st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_is_noticed(byte: int, bit: int) -> None:
    sealed = bytearray(VAULT.seal(HERE, Secret("canary")))
    sealed[byte] ^= 1 << bit
    with pytest.raises(CannotOpen):
        VAULT.open(HERE, bytes(sealed))


def test_two_seals_of_one_secret_differ() -> None:
    assert VAULT.seal(HERE, Secret("canary")) != VAULT.seal(HERE, Secret("canary"))


def test_another_key_does_not_open_and_says_which_is_missing() -> None:
    sealed = VAULT.seal(HERE, Secret("canary"))
    with pytest.raises(CannotOpen, match=VAULT.fingerprint):
        Vault([Key.mint()]).open(HERE, sealed)


def test_an_old_key_still_opens_beside_the_new_one() -> None:
    old, new = Key.mint(), Key.mint()
    sealed = Vault([old]).seal(HERE, Secret("canary"))
    assert Vault([new, old]).open(HERE, sealed) == Secret("canary")


@pytest.mark.parametrize("text", ["", "short", "not base64 at all!", "AAAA", "é" * 44])
def test_a_key_that_is_not_32_bytes_is_refused(text: str) -> None:
    with pytest.raises(NotReady, match="32 bytes"):
        Key(Secret(text))
