import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.model.emails import email_key, parse_email
from bakery.model.errors import BadInput


@pytest.mark.parametrize(
    "text",
    ["ada@example.com", " ada@example.com ", "a+b@x.io", "jürgen@bücher.example", "o'neil@example.com", "me@localhost"],
)
def test_people_have_addresses_of_many_kinds(text: str) -> None:
    assert parse_email(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "a b@example.com",
        "ada@@example.com",
        "ada@example..com",
        "ada@.com",
        "a\0b@example.com",
        "ada@example.com\nBcc: all@example.com",
        "<ada@example.com>",
        "x" * 65 + "@example.com",
        "a@" + "b." * 200 + "com",
        "a\u202eb@example.com",
    ],
)
def test_what_is_no_address_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_email(text)
    assert refused.value.field == "email"


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        email = parse_email(text)
    except BadInput:
        return
    assert email.isprintable()
    assert email.encode()


def test_case_and_compatibility_forms_are_one_person() -> None:
    assert email_key("Ada@Example.com") == email_key("ada@example.com") == email_key("ａda@example.com")
