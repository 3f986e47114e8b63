import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bakery.model.dotenv import KEPT, read_dotenv, write_dotenv
from bakery.model.errors import BadInput
from bakery.model.secret import Secret

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
VALUES = st.text(
    st.one_of(st.sampled_from("'\"\\$`#=\n\r\t \x01\x0b\x85\u2028•é€😀nrt"), st.characters(exclude_categories=["Cs"]))
).filter(lambda text: "\0" not in text)


def read(text: str) -> dict[str, str | None]:
    return {entry.name: entry.value.reveal() if entry.value is not None else None for entry in read_dotenv(text)}


@given(st.dictionaries(NAMES, VALUES, max_size=5))
@example({"A": "x" * 32 * 1024, "B": KEPT, "C": "'\r\n\"", "D": "$'x'", "E": "\\\n", "F": "\ufeff", "G": "#", "H": " "})
def test_any_value_that_is_written_is_read_again(values: dict[str, str]) -> None:
    text = write_dotenv((name, Secret(value)) for name, value in values.items()).reveal()
    assert read(text) == values


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_a_browser_that_ends_lines_with_cr_lf_changes_no_value(values: dict[str, str]) -> None:
    """As a text area sends it."""
    text = write_dotenv((name, Secret(value)) for name, value in values.items()).reveal()
    assert read(text.replace("\n", "\r\n")) == values


@given(st.text())
def test_any_text_is_read_or_refused_by_line(text: str) -> None:
    told = ""
    try:
        read_dotenv(text)
    except BadInput as error:
        told = error.message
    assert not told or told.startswith("Line ")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("A=1", "1"),
        ("  export A=1  ", "1"),
        ('declare -x A="1"', "1"),
        ("A = 1", "1"),
        ("A=", ""),
        ("A= # nothing", ""),
        ("A=''", ""),
        ("A=a b c", "a b c"),
        ("A=a # b", "a"),
        ("A=a#b", "a#b"),
        ("A=#fff", "#fff"),
        ("A=it's", "it's"),
        ("A='a # b'  # why", "a # b"),
        ("A='it'\\''s'", "it's"),
        ('A="two\\nlines"', "two\nlines"),
        ('A="two\nlines"', "two\nlines"),
        ("A='two\r\nlines'", "two\nlines"),
        ("A='two\\nlines'", "two\\nlines"),
        ('A="a\\"b\\\\c\\$d\\`e"', 'a"b\\c$d`e'),
        ('A="C:\\program"', "C:\\program"),
        ("A=C:\\new", "C:\\new"),
        ("A=$B and ${C}", "$B and ${C}"),
        ('A="$B"', "$B"),
        ("A=$'a\\nb\\'c\\x41\\u00e9'", "a\nb'cAé"),
        ("A=a=b", "a=b"),
        ("\ufeffA=1\r\n", "1"),
        ("# comment\n\n   # another\nA=1\n", "1"),
        ("A=••••", None),
        ("A='••••'", "••••"),
    ],
)
def test_what_other_tools_write_is_read_as_they_mean_it(written: str, meant: str | None) -> None:
    assert read(written) == {"A": meant}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A=1\nhunter2", "Line 2: this is not NAME=value, with a name of letters, digits and underscores."),
        ("1A=hunter2", "Line 1: this is not NAME=value, with a name of letters, digits and underscores."),
        ("A=1\nA=hunter2", "Line 2: A is set on line 1 already."),
        ("B=1\n\nA='hunter2\nB=2", "Line 3: a quote is never closed."),
        ("A='hunter2'x", "Line 1: something follows the closing quote."),
        ("B='a\nb'\nhunter2", "Line 3: this is not NAME=value, with a name of letters, digits and underscores."),
        (
            "hunter2\nA=1\nhunter2",
            " ".join(
                f"Line {line}: this is not NAME=value, with a name of letters, digits and underscores."
                for line in (1, 3)
            ),
        ),
    ],
)
def test_a_mistake_is_told_by_its_line_and_never_by_what_stands_there(text: str, told: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_dotenv(text)
    assert refused.value.message == told


def test_of_many_mistakes_some_are_told() -> None:
    with pytest.raises(BadInput, match=r"And 3 more\.$"):
        read_dotenv("x\n" * 8)


def test_what_is_written_is_as_plain_as_it_can_be() -> None:
    values = {"A": "1", "B": "a b", "C": "it's", "D": "two\nlines", "E": "", "F": "a\rb"}
    assert write_dotenv((name, Secret(value)) for name, value in values.items()).reveal() == (
        "A=1\nB='a b'\nC=\"it's\"\nD='two\nlines'\nE=\nF=\"a\\rb\"\n"
    )
    assert write_dotenv([("A", None)]).reveal() == "A=••••\n"
