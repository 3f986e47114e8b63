"""Logs by line number, and searched."""

import time
from itertools import pairwise

import pytest

from bakery.model.errors import BadInput
from bakery.store import log_search, logs
from bakery.store.log_search import Matches, Pattern, search
from bakery.store.logs import Extent, Line, read_lines, readable
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
