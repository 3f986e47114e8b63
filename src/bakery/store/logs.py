"""Log streams: masked bytes by offset, one writer a stream, in chunks that any reader finds again."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow, class_row

from bakery.store.rows import only
from bakery.store.store import Store

LOG_CHANNEL = "bakery_logs"
LARGEST_CHUNK = 256 * 1024
_READ_AT_MOST = 1024 * 1024
_CHUNKS_AT_MOST = 2000  # when they are small


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of one stream."""

    stream: int
    from_byte: int
    to_byte: int
    lines_before: int
    bytes: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """Without its end. `is_cut`: there is more of it than was read."""

    number: int
    bytes: bytes
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """`began` is of the whole log; a line without a time of its own came with the one before it."""

    began: datetime | None
    lines: Sequence[tuple[int, datetime]]


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a stream is by now."""

    bytes: int
    lines: int
    is_closed: bool


async def open_stream(connection: AsyncConnection[TupleRow]) -> int:
    row = await (await connection.execute("INSERT INTO log_streams DEFAULT VALUES RETURNING id")).fetchone()
    if row is None:
        raise LookupError("INSERT … RETURNING gave no row")
    return int(row[0])


async def append(store: Store, stream: int, data: bytes) -> int:
    """Adds to the end and tells who follows. Returns the new length. Losing the last moment in a crash of the
    database is accepted: the writer then finds the shorter length and sends the rest again."""
    async with store.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = off")
        return await append_within(connection, stream, data)


async def append_within(connection: AsyncConnection[TupleRow], stream: int, data: bytes) -> int:
    """The same as a part of a transaction, with whatever has to be true together with it."""
    cursor = await connection.execute("SELECT bytes, lines FROM log_streams WHERE id = %s FOR UPDATE", (stream,))
    found = await cursor.fetchone()
    if found is None:
        raise LookupError(f"log stream {stream} is gone")
    length, lines = int(found[0]), int(found[1])
    async with (
        connection.cursor() as writer,
        writer.copy(
            "COPY log_chunks (stream_id, from_byte, to_byte, lines_before, bytes) FROM STDIN (FORMAT BINARY)"
        ) as copy,
    ):
        copy.set_types(["int8", "int8", "int8", "int8", "bytea"])
        for start in range(0, len(data), LARGEST_CHUNK):
            chunk = data[start : start + LARGEST_CHUNK]
            await copy.write_row((stream, length, length + len(chunk), lines, chunk))
            length += len(chunk)
            lines += chunk.count(b"\n")
    await connection.execute("UPDATE log_streams SET bytes = %s, lines = %s WHERE id = %s", (length, lines, stream))
    await connection.execute("SELECT pg_notify(%s, %s)", (LOG_CHANNEL, f"{stream}:{length}"))
    return length


async def close_stream(connection: AsyncConnection[TupleRow], stream: int) -> None:
    await connection.execute("UPDATE log_streams SET closed_at = now() WHERE id = %s", (stream,))
    await connection.execute(
        "SELECT pg_notify(%s, id || ':' || bytes) FROM log_streams WHERE id = %s", (LOG_CHANNEL, stream)
    )


async def extent(store: Store, stream: int) -> Extent | None:
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Extent)) as cursor:
        await cursor.execute(
            "SELECT bytes, lines, closed_at IS NOT NULL AS is_closed FROM log_streams WHERE id = %s", (stream,)
        )
        return await cursor.fetchone()


async def readable(store: Store, stream: int) -> Extent | None:
    """As `extent`, but it counts the last line also while that has no end."""
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Extent)) as cursor:
        await cursor.execute(
            """
            SELECT bytes, lines + CASE WHEN last.byte <> 10 THEN 1 ELSE 0 END AS lines,
                   closed_at IS NOT NULL AS is_closed
            FROM log_streams LEFT JOIN LATERAL (
                SELECT get_byte(bytes, octet_length(bytes) - 1) AS byte FROM log_chunks
                WHERE stream_id = log_streams.id ORDER BY from_byte DESC LIMIT 1
            ) last ON true
            WHERE id = %s
            """,
            (stream,),
        )
        return await cursor.fetchone()


async def read(store: Store, stream: int, from_byte: int, to_byte: int | None = None) -> Piece | None:
    """The bytes from an offset on, about 1 MiB of them; None where there are none yet."""
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Piece)) as cursor:
        return _cut(await _chunks(cursor, stream, from_byte, to_byte), from_byte, to_byte)


async def read_lines(store: Store, stream: int, first: int, count: int) -> list[Line]:
    """Lines by number, from 1. Fewer than asked where they are long, but at least one while there is one."""
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Piece)) as cursor:
        # Line `first` begins after the end of the line before it.
        chunks = await _chunks(cursor, stream, await _chunk_with_end(connection, stream, first - 1), None)
        if not chunks:
            return []
        more = await connection.execute(
            "SELECT 1 FROM log_chunks WHERE stream_id = %s AND from_byte >= %s LIMIT 1", (stream, chunks[-1].to_byte)
        )
        return _lines(chunks, first, count, is_all=await more.fetchone() is None)


async def read_times(store: Store, stream: int, first: int, count: int) -> Times:
    """When lines from `first` on were written down: of each chunk, the number of the first line that begins in it."""
    async with store.connection() as connection, connection.cursor() as cursor:
        bounds = [await _chunk_with_end(connection, stream, ends) for ends in (first - 1, first + count - 1)]
        await cursor.execute(
            """
            SELECT lines_before + CASE WHEN from_byte = 0 OR last_before = 10 THEN 1 ELSE 2 END, at FROM (
                SELECT lines_before, from_byte, at,
                       lag(get_byte(bytes, octet_length(bytes) - 1)) OVER (ORDER BY from_byte) AS last_before
                FROM log_chunks WHERE stream_id = %(stream)s AND from_byte BETWEEN %(from)s AND %(to)s
                ORDER BY from_byte LIMIT %(chunks)s
            ) chunks ORDER BY from_byte
            """,
            {"stream": stream, "from": bounds[0], "to": bounds[1], "chunks": _CHUNKS_AT_MOST},
        )
        begun = {int(line): at async for line, at in cursor}  # where no line begins, the next chunk says the same
        await cursor.execute("SELECT at FROM log_chunks WHERE stream_id = %s ORDER BY from_byte LIMIT 1", (stream,))
        began = await cursor.fetchone()
    before = [line for line in begun if line <= first]
    times = [(line, begun[line]) for line in sorted(begun) if max(before, default=first) <= line < first + count]
    return Times(began[0] if began else None, times)


async def _chunk_with_end(connection: AsyncConnection[TupleRow], stream: int, ends: int) -> int:
    """Where the last chunk begins that has fewer ends of lines before it: found by halving, over an index that knows
    bytes only."""
    found = await connection.execute(
        """
        WITH RECURSIVE halving (low, high, found) AS (
            SELECT 0::bigint, bytes, 0::bigint FROM log_streams WHERE id = %(stream)s
            UNION ALL
            SELECT CASE WHEN is_before THEN to_byte ELSE low END,
                   CASE WHEN is_before THEN high ELSE from_byte END,
                   CASE WHEN is_before THEN from_byte ELSE found END
            FROM halving CROSS JOIN LATERAL (
                SELECT from_byte, to_byte, lines_before < %(ends)s AS is_before FROM log_chunks
                WHERE stream_id = %(stream)s AND from_byte <= (low + high) / 2 ORDER BY from_byte DESC LIMIT 1
            ) chunk
            WHERE low < high
        )
        SELECT coalesce(max(found), 0) FROM halving
        """,
        {"stream": stream, "ends": ends},
    )
    return int((await only(found))[0])


async def _chunks(cursor: AsyncCursor[Piece], stream: int, start: int, end: int | None) -> list[Piece]:
    """From the chunk that holds the byte `start` on: at least one, and others until 1 MiB is full."""
    await cursor.execute(
        """
        SELECT stream_id AS stream, from_byte, to_byte, lines_before, bytes FROM (
            SELECT *, sum(to_byte - from_byte) OVER (ORDER BY from_byte) - (to_byte - from_byte) AS bytes_before
            FROM log_chunks
            WHERE stream_id = %(stream)s AND from_byte < coalesce(%(end)s, from_byte + 1) AND from_byte >= coalesce(
                (SELECT max(from_byte) FROM log_chunks WHERE stream_id = %(stream)s AND from_byte <= %(start)s), 0)
            ORDER BY from_byte LIMIT %(chunks)s
        ) chunks
        WHERE bytes_before < %(bytes)s ORDER BY from_byte
        """,
        {"stream": stream, "start": start, "end": end, "chunks": _CHUNKS_AT_MOST, "bytes": _READ_AT_MOST},
    )
    return await cursor.fetchall()


def _lines(chunks: list[Piece], first: int, count: int, *, is_all: bool) -> list[Line]:
    ends_before = first - 1 - chunks[0].lines_before
    skipped = b"".join(chunk.bytes for chunk in chunks).split(b"\n", ends_before)
    if len(skipped) <= ends_before:
        return []
    *complete, rest = skipped[-1].split(b"\n", count)
    lines = [Line(number, text) for number, text in enumerate(complete, first)]
    if len(complete) == count or (is_all and not rest):
        return lines
    if is_all or not complete:
        lines.append(Line(first + len(complete), rest, is_cut=not is_all))
    return lines


async def whole(store: Store, stream: int) -> AsyncIterator[bytes]:
    """All that there is, piece by piece."""
    at = 0
    while piece := await read(store, stream, at):
        yield piece.bytes
        at = piece.to_byte


def _cut(pieces: list[Piece], from_byte: int, to_byte: int | None) -> Piece | None:
    if not pieces:
        return None
    first, last = pieces[0], pieces[-1]
    end = last.to_byte if to_byte is None else min(to_byte, last.to_byte)
    if end <= from_byte:
        return None
    data = b"".join(piece.bytes for piece in pieces)
    skipped = data[: from_byte - first.from_byte]
    return Piece(
        stream=first.stream,
        from_byte=from_byte,
        to_byte=end,
        lines_before=first.lines_before + skipped.count(b"\n"),
        bytes=data[from_byte - first.from_byte : end - first.from_byte],
    )
