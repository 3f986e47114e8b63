"""Durations, memory, paths and commands, as people write them."""

import pytest

from bakery.model.app_commands import ShellText, parse_app_command, words
from bakery.model.durations import parse_seconds
from bakery.model.errors import BadInput
from bakery.model.names import parse_process_name
from bakery.model.repository_paths import joined, parse_repository_path
from bakery.model.sizes import parse_memory


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30.0), ("500ms", 0.5), ("5m", 300.0), ("1.5h", 5400.0), ("7", 7.0), (7, 7.0), (0.25, 0.25)],
)
def test_a_duration_is_in_seconds(text: str | float, seconds: float) -> None:
    assert parse_seconds(text, field="drain") == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "-1", "1w", "1 s", "1e3", "\u0663", "99999999", "2d", float("nan"), float("inf"), -1, 1e30]
)
def test_what_is_no_duration_is_refused(text: str | float) -> None:
    with pytest.raises(BadInput):
        parse_seconds(text, field="drain")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512M", 536_870_912),
        ("512MB", 536_870_912),
        ("1.5GiB", 1_610_612_736),
        ("16384k", 16_777_216),
        (16_777_216, 16_777_216),
    ],
)
def test_memory_is_in_bytes(text: str | int, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1G", "1X", "7M", "9" * 30, -1, 10**400, "2000T"])
def test_what_is_no_amount_of_memory_is_refused(text: str | int) -> None:
    with pytest.raises(BadInput):
        parse_memory(text)


@pytest.mark.parametrize(
    ("text", "path"), [("", ""), (".", ""), ("./apps//web/", "apps/web"), ("a b/ü", "a b/ü"), ("a/-b", "a/-b")]
)
def test_a_path_is_below_the_top(text: str, path: str) -> None:
    assert parse_repository_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "/etc",
        "..",
        "a/../../b",
        "a/..",
        "-f",
        "./-f",
        "~root",
        "a\\b",
        "a\nb",
        "a\0b",
        ".git/config",
        "\udc80",
        "x" * 501,
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_repository_path(text)


def test_paths_are_joined_from_the_top() -> None:
    assert (joined("", "a"), joined("a", ""), joined("a", "b")) == ("a", "a", "a/b")


def test_a_text_is_one_argument_of_a_shell_and_a_list_is_no_shells() -> None:
    assert parse_app_command(" a; b ").argv == ("sh", "-c", "a; b")
    assert parse_app_command(["a b", "$c"]).argv == ("a b", "$c")


def test_commands_are_shown_as_they_would_be_typed() -> None:
    assert str(words("node", "a b.js")) == "node 'a b.js'"
    assert str(ShellText("a | b")) == "a | b"


@pytest.mark.parametrize("name", ["blue", "green", "", "Worker", "my-worker", "a" * 17, "1a", "ä"])
def test_a_process_is_not_named_like_a_slot_or_a_part_of_a_units_name(name: str) -> None:
    with pytest.raises(BadInput):
        parse_process_name(name)
