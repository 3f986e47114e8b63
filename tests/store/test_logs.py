"""Logs by line number, and searched."""

import time
from itertools import pairwise

import pytest

from bakery.model.errors import BadInput
from bakery.store import log_search, logs
from bakery.store.log_levels import Level, level_of
from bakery.store.log_search import Matches, Pattern, search
from bakery.store.logs import Extent, Line, read_lines, read_times, readable
from bakery.store.store import Store


async def a_log(store: Store, *parts: bytes) -> int:
    """One chunk, or several, for each part."""
    async with store.transaction() as tx:
        stream = await logs.open_stream(tx.connection)
    for part in parts:
        await logs.append(store, stream, part)
    return stream


def numbered(first: int, last: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(first, last + 1))


async def test_lines_are_found_by_number_wherever_chunks_begin(store: Store) -> None:
    whole = numbered(1, 400)
    borders = sorted({0, len(whole), *(at * 7 % len(whole) for at in range(1, 90))})
    stream = await a_log(store, *(whole[start:end] for start, end in pairwise(borders)))

    for first in (1, 2, 3, 77, 199, 200, 400):
        assert await read_lines(store, stream, first, 3) == [
            Line(number, b"line %d" % number) for number in range(first, min(first + 3, 401))
        ]
    assert await read_lines(store, stream, 401, 3) == []


async def test_a_log_without_a_line_has_none(store: Store) -> None:
    stream = await a_log(store)

    assert await read_lines(store, stream, 1, 500) == []
    assert await readable(store, stream) == Extent(0, 0, is_closed=False)
    assert await readable(store, 999_999) is None


async def test_a_last_line_without_an_end_counts(store: Store) -> None:
    stream = await a_log(store, b"one\n\ntw", b"o")

    assert await read_lines(store, stream, 1, 500) == [Line(1, b"one"), Line(2, b""), Line(3, b"two")]
    assert await readable(store, stream) == Extent(8, 3, is_closed=False)


async def test_one_line_of_10_mb_is_cut_and_the_next_is_found(store: Store) -> None:
    stream = await a_log(store, b"before\n", b"x" * 10_000_000 + b"\nafter\n")

    assert await read_lines(store, stream, 1, 500) == [Line(1, b"before")]
    (cut,) = await read_lines(store, stream, 2, 500)
    assert (cut.number, cut.is_cut, set(cut.bytes)) == (2, True, {ord("x")})
    assert len(cut.bytes) < 2 * 1024 * 1024
    assert await read_lines(store, stream, 3, 500) == [Line(3, b"after")]


async def test_a_log_in_tiny_pieces_comes_in_shorter_answers(store: Store) -> None:
    stream = await a_log(store, *(b"." for _ in range(300)), b"\n", numbered(2, 9))

    assert [line.number for line in await read_lines(store, stream, 1, 500)] == list(range(1, 10))


async def test_a_text_is_found_across_chunks_and_in_any_case_unless_told(store: Store) -> None:
    stream = await a_log(store, b"first err", b"or\nno\nERROR and error\n", b"last Error")

    assert await search(store, stream, Pattern("error")) == Matches([1, 3, 4], 3, is_complete=True)
    assert (await search(store, stream, Pattern("Error", matches_case=True))).lines == [4]
    assert (await search(store, stream, Pattern(""))).lines == []


async def test_what_a_person_sees_is_searched(store: Store) -> None:
    stream = await a_log(store, b"\x1b[31mre\x1b[1md\x1b[0m\n 10 %\r 90 %\r100 %\r\n\x00caf\xc3\xa9 \xff\n")

    assert (await search(store, stream, Pattern("red"))).lines == [1]
    assert (await search(store, stream, Pattern("31m"))).lines == []
    assert (await search(store, stream, Pattern(r"^\d+ %$", is_regex=True))).lines == [2]
    assert (await search(store, stream, Pattern("10 %"))).lines == []
    assert (await search(store, stream, Pattern("CAFÉ"))).lines == [3]


async def test_regular_expressions_see_each_line_alone(store: Store) -> None:
    stream = await a_log(store, numbered(1, 60_000))

    found = await search(store, stream, Pattern(r"^LINE 5999\d$", is_regex=True))

    assert found == Matches(list(range(59_990, 60_000)), 60_000, is_complete=True)
    assert (await search(store, stream, Pattern("^$", is_regex=True))).lines == []
    assert (await search(store, stream, Pattern("^L", is_regex=True, matches_case=True))).lines == []


async def test_a_bad_regular_expression_is_a_sentence(store: Store) -> None:
    stream = await a_log(store, b"one\n")

    with pytest.raises(BadInput, match=r"This is not a regular expression: brackets \[\] not balanced\."):
        await search(store, stream, Pattern("[a", is_regex=True))
    with pytest.raises(BadInput, match="Search for at most 500 characters"):
        await search(store, stream, Pattern("x" * 501))


async def test_a_catastrophic_regular_expression_ends_in_time(store: Store) -> None:
    stream = await a_log(store, (b"a" * 5_001 + b"b\n") * 200)
    began = time.monotonic()

    found = await search(store, stream, Pattern(r"^(a+)(a+)(a+)(a+)\1\2\3\4b$", is_regex=True), seconds=0.5)

    assert not found.is_complete
    assert time.monotonic() - began < 5


async def test_matches_beyond_the_limit_are_not_counted(store: Store) -> None:
    stream = await a_log(store, numbered(1, log_search.MOST_MATCHES + 5_000))

    found = await search(store, stream, Pattern("line"))

    assert found.lines == list(range(1, log_search.MOST_MATCHES + 1))
    assert not found.is_complete


async def test_a_very_long_line_is_searched_too(store: Store) -> None:
    stream = await a_log(store, b"x" * 3_000_000 + b" needle " + b"y" * 3_000_000 + b" needle\nneedle\n")

    assert (await search(store, stream, Pattern("needle"))).lines == [1, 2]


async def test_a_line_came_when_the_chunk_did_that_it_begins_in(store: Store) -> None:
    """Chunks end where they want: between lines, within one, and right before its end."""
    stream = await a_log(store, b"one\ntw", b"o\n", b"three\n", b"four\nfi", b"v", b"e\nsix")
    async with store.connection() as connection:
        await connection.execute(
            "UPDATE log_chunks SET at = to_timestamp((SELECT count(*) FROM log_chunks c "
            "WHERE c.stream_id = log_chunks.stream_id AND c.from_byte <= log_chunks.from_byte))"
        )

    async def times(first: int, count: int) -> dict[int, float]:
        return {line: at.timestamp() for line, at in (await read_times(store, stream, first, count)).lines}

    began = (await read_times(store, stream, 4, 1)).began
    assert began is not None
    assert began.timestamp() == 1
    assert await times(1, 500) == {1: 1, 3: 3, 4: 4, 6: 6}
    assert await times(4, 1) == {4: 4}
    assert await times(5, 1) == {5: 4}
    assert await times(6, 9) == {6: 6}


async def test_a_log_without_a_line_has_no_times(store: Store) -> None:
    assert await read_times(store, await a_log(store), 1, 500) == logs.Times(None, [])


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-11-21 14:02:51 ERROR could not open it", Level.ERROR),
        ("error[E0308]: mismatched types", Level.ERROR),
        ("main.c:3:5: error: expected ‘;’", Level.ERROR),
        ("npm ERR! code E404", Level.ERROR),
        ("FileNotFoundError: [Errno 2] No such file", Level.ERROR),
        ("java.lang.IllegalStateException: no", Level.ERROR),
        ('{"time":1,"level":"error","msg":"x"}', Level.ERROR),
        ("level=fatal msg=x", Level.ERROR),
        ("2026/11/21 14:02:51 [crit] 12#12: x", Level.ERROR),
        ("WARN slow", Level.WARNING),
        ("DeprecationWarning: use the other", Level.WARNING),
        ("warning: unused variable", Level.WARNING),
        ("npm warn deprecated left-pad", Level.WARNING),
        ("0 errors, 0 warnings", None),
        ("ERRORS=0 and no-error-here", None),
        ("terror: a novel", None),
        ("x" * 400 + " ERROR", None),
        ("", None),
    ],
)
def test_a_level_is_recognised_as_programs_write_it(line: str, level: Level | None) -> None:
    assert level_of(line) is level


async def test_lines_of_a_level_are_found_alone_and_together_with_a_text(store: Store) -> None:
    stream = await a_log(store, b"fine\nWARN a\n\x1b[31mERROR\x1b[0m a\nERROR b\n")

    async def found(pattern: Pattern) -> Matches:
        return await search(store, stream, pattern)

    assert await found(Pattern("", level=Level.ERROR)) == Matches([3, 4], 4, is_complete=True)
    assert await found(Pattern("", level=Level.WARNING)) == Matches([2, 3, 4], 4, is_complete=True)
    assert (await found(Pattern("a", level=Level.ERROR))).lines == [3]
    assert (await found(Pattern("b$", is_regex=True, level=Level.WARNING))).lines == [4]
