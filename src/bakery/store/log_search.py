"""Which lines of a log hold a text, match a regular expression, or are of a level: on what a person sees, not on
escapes."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg

from bakery.model.errors import BadInput
from bakery.store.log_levels import Level, is_at_least
from bakery.store.logs import read
from bakery.store.store import Store

MOST_MATCHES = 10_000
LONGEST_PATTERN = 500
_SECONDS = 4.0
_LONGEST_LINE = 1024 * 1024  # a longer one is searched in parts
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-Z\\^-~])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    text: str
    is_regex: bool = False
    matches_case: bool = False
    level: Level | None = None  # and that grave at least


@dataclass(frozen=True, slots=True)
class Matches:
    """Lines by number, at most MOST_MATCHES. `is_complete`: there are no others; else it was searched up to the line
    `searched`."""

    lines: Sequence[int]
    searched: int
    is_complete: bool


async def search(store: Store, stream: int, pattern: Pattern, *, seconds: float = _SECONDS) -> Matches:
    """From the beginning of the log, until it ends, there are enough matches, or the time is over."""
    if len(pattern.text) > LONGEST_PATTERN:
        raise BadInput(f"Search for at most {LONGEST_PATTERN} characters.", field="q")
    deadline = time.monotonic() + seconds
    found: list[int] = []
    at, searched, rest = 0, 0, b""
    while (pattern.text or pattern.level) and len(found) <= MOST_MATCHES:
        piece = await read(store, stream, at)
        data = rest + (piece.bytes if piece else b"")
        end = data.rfind(b"\n") + 1
        if piece is None or (not end and len(data) > _LONGEST_LINE):
            end = len(data)
        if end:
            text = await asyncio.to_thread(_seen, data[:end])
            try:
                numbers = await _matching(store, text, pattern, deadline)
            except TimeoutError:
                return Matches(found[:MOST_MATCHES], searched, is_complete=False)
            found += [searched + number for number in numbers if found[-1:] != [searched + number]]
            searched += data.count(b"\n", 0, end)
        if piece is None:
            return Matches(found[:MOST_MATCHES], searched, is_complete=len(found) <= MOST_MATCHES)
        at, rest = piece.to_byte, data[end:]
        if time.monotonic() > deadline:
            break
    return Matches(found[:MOST_MATCHES], searched, is_complete=not (pattern.text or pattern.level))


def _seen(data: bytes) -> str:
    """Of a line that was written over, as progress bars do, the last state."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(_last_state(line) for line in text.split("\n"))
    return _ESCAPES.sub("", text).removesuffix("\n")


def _last_state(line: str) -> str:
    return next((state for state in reversed(line.split("\r")) if _ESCAPES.sub("", state)), "")


async def _matching(store: Store, text: str, pattern: Pattern, deadline: float) -> list[int]:
    of_text = _matching_in_database if pattern.is_regex else _containing
    if pattern.level is None:
        return await of_text(store, text, pattern, deadline)
    grave = await asyncio.to_thread(_of_level, text, pattern.level)
    if not pattern.text:
        return sorted(grave)
    return [number for number in await of_text(store, text, pattern, deadline) if number in grave]


def _of_level(text: str, level: Level) -> set[int]:
    return {number for number, line in enumerate(text.split("\n"), 1) if is_at_least(line, level)}


async def _containing(_: Store, text: str, pattern: Pattern, __: float) -> list[int]:
    return await asyncio.to_thread(lambda: list(_lines_with(text, pattern)))


def _lines_with(text: str, pattern: Pattern) -> Iterator[int]:
    wanted = pattern.text if pattern.matches_case else pattern.text.lower()
    if not pattern.matches_case:
        text = text.lower()
    number, counted, at = 1, 0, text.find(wanted)
    while at >= 0:
        number += text.count("\n", counted, at)
        yield number
        counted = text.find("\n", at)
        at = text.find(wanted, counted) if counted >= 0 else -1


async def _matching_in_database(store: Store, text: str, pattern: Pattern, deadline: float) -> list[int]:
    """PostgreSQL's engine can be stopped; Python's cannot."""
    milliseconds = int((deadline - time.monotonic()) * 1000)
    if milliseconds < 1:
        raise TimeoutError
    async with store.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('statement_timeout', %s, true)", (str(milliseconds),))
        try:
            found = await connection.execute(
                """
                SELECT number FROM unnest(%(lines)s::text[]) WITH ORDINALITY AS lines (line, number)
                WHERE CASE WHEN %(case)s THEN line ~ %(regex)s ELSE line ~* %(regex)s END ORDER BY number
                """,
                {"lines": text.split("\n"), "case": pattern.matches_case, "regex": pattern.text},
            )
        except psycopg.errors.QueryCanceled as error:
            raise TimeoutError from error
        except psycopg.errors.InvalidRegularExpression as error:
            reason = (error.diag.message_primary or "").removeprefix("invalid regular expression: ")
            raise BadInput(f"This is not a regular expression: {reason}.", field="q") from error
        return [int(number) for (number,) in await found.fetchall()]
