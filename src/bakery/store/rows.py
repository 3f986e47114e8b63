"""Rows that are always there: a count, or what was just inserted."""

from typing import TypeVar

from psycopg import AsyncCursor

Row = TypeVar("Row")


async def only(cursor: AsyncCursor[Row]) -> Row:
    """The row of a statement that always gives one."""
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("a statement that always gives a row gave none")
    return row
