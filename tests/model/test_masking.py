import base64
import html
import json
import re
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.model.masking import MARK, SHORTEST, Masker, Masking
from bakery.model.secret import Secret

SECRETS = st.lists(st.text(st.sampled_from("abcab/+ 'é\"\n"), min_size=1, max_size=14), max_size=4)
PIECES = st.lists(
    st.one_of(st.text(st.sampled_from("abcab/+ 'é\"\n"), max_size=30).map(str.encode), st.binary(max_size=8))
)


def masked(secret: str, text: str) -> str:
    return Masker([Secret(secret)]).mask_text(text)


@given(SECRETS, PIECES, st.data())
def test_however_a_stream_is_cut_the_same_comes_out(
    secrets: list[str], pieces: list[bytes], data: st.DataObject
) -> None:
    masker = Masker(map(Secret, secrets))
    whole = _with_secrets(pieces, secrets, data)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    masking = Masking(masker)
    out = (
        b"".join(masking.feed(whole[a:b]) for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)) + masking.end()
    )
    assert out == masker.mask(whole)
    assert masking.offset == len(whole)


@given(SECRETS, PIECES, st.data())
def test_no_secret_survives(secrets: list[str], pieces: list[bytes], data: st.DataObject) -> None:
    masker = Masker(map(Secret, secrets))
    out = masker.mask(_with_secrets(pieces, secrets, data))
    for secret in secrets:
        if len(secret.encode()) >= SHORTEST:
            assert secret.encode() not in out


@given(SECRETS, PIECES, st.data())
def test_who_is_interrupted_goes_on_at_the_offset(secrets: list[str], pieces: list[bytes], data: st.DataObject) -> None:
    """Nothing is lost or doubled, and what was held back is hidden as it would have been."""
    masker = Masker(map(Secret, secrets))
    whole = _with_secrets(pieces, secrets, data)
    cut = data.draw(st.integers(0, len(whole)))
    before = Masking(masker)
    first = before.feed(whole[:cut])
    after = Masking(masker, offset=before.offset)
    assert first + after.feed(whole[before.offset :]) + after.end() == masker.mask(whole)
    assert after.offset == len(whole)


def test_a_stream_of_nothing_but_a_secret_is_not_held_back_for_ever() -> None:
    masking = Masking(Masker([Secret("a" * 8)]))
    out = masking.feed(b"a" * 200_000)
    assert masking.offset > 100_000
    assert b"a" not in out + masking.end()


@pytest.mark.parametrize("secret", ["hunter2 +/=é\"<'$`\\", "ünïcödé-sécrét", "c2VjcmV0", "two lines\nof a key"])
def test_every_encoding_of_a_secret_is_hidden(secret: str) -> None:
    raw = secret.encode()
    forms = {
        "raw": secret,
        "URL": quote(secret, safe=""),
        "URL, small": re.sub("%..", lambda escape: escape[0].lower(), quote(secret, safe="")),
        "form": quote_plus(secret),
        "JSON": json.dumps(secret),
        "JSON, unicode": json.dumps(secret, ensure_ascii=False),
        "shell": shlex.quote(secret),
        "repr": repr(secret),
        "HTML": html.escape(secret),
        "hex": raw.hex(),
        **{f"base64 {n}": base64.b64encode(b"x" * n + raw + b"yz").decode() for n in range(4)},
        **{f"base64, URL {n}": base64.urlsafe_b64encode(b"x" * n + raw + b"yz").decode() for n in range(4)},
    }
    for name, form in forms.items():
        out = masked(secret, f"before {form} after")
        assert MARK.decode() in out, name
        assert form[3:-3] not in out, name


def test_what_overlaps_is_hidden_as_one() -> None:
    masker = Masker([Secret("abcdefgh"), Secret("efghijkl")])
    assert masker.mask_text("x abcdefghijkl y") == "x •••• y"


def test_the_lines_of_a_long_secret_are_hidden_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n"
    out = masked(key, "  MIIEvQIBADANBg\r\nhello")
    assert out == "  ••••\r\nhello"


def test_a_short_value_is_not_masked() -> None:
    assert masked("12345", "12345 apples") == "12345 apples"
    assert masked("123456", "123456 apples") == "•••• apples"


def test_what_is_no_text_stays_as_it_is() -> None:
    assert Masker([Secret("secret")]).mask(b"\xff\x00secret\xfe") == b"\xff\x00" + MARK + b"\xfe"


def _with_secrets(pieces: list[bytes], secrets: list[str], data: st.DataObject) -> bytes:
    parts = [part for piece in pieces for part in (piece, data.draw(st.sampled_from(["", *secrets])).encode())]
    return b"".join(parts)
