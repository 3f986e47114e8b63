import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.model.errors import BadInput
from bakery.model.names import (
    AppName,
    Colour,
    EnvironmentName,
    ProcessName,
    parse_app_name,
    parse_host_name,
    parse_port,
    unit_name,
)

APPS = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True).map(AppName)
SHORT = st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True).filter(lambda name: name not in set(Colour))


@pytest.mark.parametrize("name", ["a", "shop", "my-shop-2", "x" * 40])
def test_an_app_name_is_a_slug(name: str) -> None:
    assert parse_app_name(name) == name


@pytest.mark.parametrize("name", ["", "Shop", "2shop", "-shop", "my_shop", "shop;id", "shop\n", "x" * 41, "é"])
def test_another_text_is_no_app_name(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_app_name(name)
    assert refused.value.field == "name"
    assert refused.value.message == "Use up to 40 lower-case letters, digits and hyphens, and begin with a letter."


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("My Shop", "“My Shop” could be “my-shop”."),
        ("Café №5", "“Café №5” could be “cafe-no5”."),
        ("42", ""),
        ("", ""),
    ],
)
def test_a_refused_app_name_comes_with_a_suggestion_when_there_is_one(text: str, hint: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_app_name(text)
    assert refused.value.hint == hint


@given(st.text())
def test_a_suggestion_is_itself_acceptable(text: str) -> None:
    try:
        parse_app_name(text)
    except BadInput as refused:
        if suggested := re.search(r"could be “([^”]*)”\.$", refused.hint):
            assert parse_app_name(suggested[1]) == suggested[1]


def test_a_unit_is_named_for_its_slot() -> None:
    app, environment = AppName("shop"), EnvironmentName("production")
    assert unit_name(app, environment, Colour.BLUE) == "bakery-shop-production-blue"
    assert unit_name(app, environment, Colour.GREEN, ProcessName("worker")) == "bakery-shop-production-green-worker"


@given(APPS, SHORT, st.sampled_from(Colour), st.one_of(st.none(), SHORT))
def test_a_unit_name_can_be_read_back_so_no_two_slots_share_one(
    app: AppName, environment: str, colour: Colour, process: str | None
) -> None:
    name = unit_name(app, EnvironmentName(environment), colour, ProcessName(process) if process else None)
    words = name.split("-")
    end = len(words) if words[-1] in set(Colour) else len(words) - 1
    assert ("-".join(words[1 : end - 2]), words[end - 2], words[end - 1], *words[end:]) == (
        (app, environment, colour, process) if process else (app, environment, colour)
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [("Shop.Example.COM.", "shop.example.com"), (" a.b ", "a.b"), ("shop.localhost", "shop.localhost")],
)
def test_a_host_name_is_written_in_one_way(text: str, name: str) -> None:
    assert parse_host_name(text) == name


@pytest.mark.parametrize(
    "text",
    ["", "http://a.example", "a b", "a..b", "-a.example", "a.example:80", "*.example", "_", "a;b", "a" * 64, "$x"],
)
def test_another_text_is_no_host_name(text: str) -> None:
    with pytest.raises(BadInput, match="host name alone"):
        parse_host_name(text)


def test_a_host_name_of_other_letters_is_suggested_in_ascii() -> None:
    with pytest.raises(BadInput) as refused:
        parse_host_name("bäckerei.example")
    assert refused.value.hint == "“bäckerei.example” could be “xn--bckerei-5wa.example”."


@pytest.mark.parametrize("text", ["203.0.113.7", "::1"])
def test_an_address_is_no_host_name(text: str) -> None:
    with pytest.raises(BadInput, match="is an IP address"):
        parse_host_name(text)


@pytest.mark.parametrize("text", ["1", "3000", 65535])
def test_a_port_is_a_number(text: str | int) -> None:
    assert parse_port(text) == int(text)


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "3000x", "٣", "1e3", 0, 70000])
def test_another_value_is_no_port(text: str | int) -> None:
    with pytest.raises(BadInput, match="1 to 65535"):
        parse_port(text)


def test_the_slots_take_turns() -> None:
    assert [colour.other for colour in Colour] == [Colour.GREEN, Colour.BLUE]
