"""Rows as typed values: one that is always there, a page of many, and enums included."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from psycopg import AsyncCursor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list. `next` is the cursor of what follows; None at the end."""

    items: tuple[T, ...]
    next: str | None = None

    @classmethod
    def cut(cls, found: Sequence[T], size: int, cursor: Callable[[T], str]) -> "Page[T]":
        """From one row more than a page holds, which says whether there is another."""
        kept = tuple(found[:size])
        return cls(kept, cursor(kept[-1]) if len(found) > size else None)


def typed(kind: type[T]) -> Callable[[AsyncCursor[Any]], Callable[[Sequence[Any]], T]]:
    """A row factory: columns become the fields of the same names."""

    def factory(cursor: AsyncCursor[Any]) -> Callable[[Sequence[Any]], T]:
        names = [column.name for column in cursor.description or ()]
        return lambda values: msgspec.convert(dict(zip(names, values, strict=True)), kind)

    return factory


async def only(cursor: AsyncCursor[T]) -> T:
    """The row of a statement that always gives one: a count, or what was just inserted."""
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("a statement that always gives a row gave none")
    return row
