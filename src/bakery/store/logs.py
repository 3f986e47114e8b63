"""Log streams: masked bytes by offset, one writer a stream, in chunks that any reader finds again."""

from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from bakery.store.store import Store

LOG_CHANNEL = "bakery_logs"
LARGEST_CHUNK = 256 * 1024
_READ_AT_MOST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of one stream."""

    stream: int
    from_byte: int
    to_byte: int
    lines_before: int
    bytes: bytes


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
        cursor = await connection.execute("SELECT bytes, lines FROM log_streams WHERE id = %s FOR UPDATE", (stream,))
        found = await cursor.fetchone()
        if found is None:
            raise LookupError(f"log stream {stream} is gone")
        length, lines = int(found[0]), int(found[1])
        async with (
            connection.cursor() as writer,
            writer.copy("COPY log_chunks (stream_id, from_byte, to_byte, lines_before, bytes) FROM STDIN") as copy,
        ):
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


async def read(store: Store, stream: int, from_byte: int, to_byte: int | None = None) -> Piece | None:
    """The bytes from an offset on, at most 1 MiB of them; None where there are none yet."""
    async with store.connection() as connection, connection.cursor(row_factory=class_row(Piece)) as cursor:
        await cursor.execute(
            """
            SELECT stream_id AS stream, from_byte, to_byte, lines_before, bytes FROM log_chunks
            WHERE stream_id = %(stream)s AND from_byte < coalesce(%(end)s, from_byte + 1) AND from_byte >= coalesce(
                (SELECT max(from_byte) FROM log_chunks WHERE stream_id = %(stream)s AND from_byte <= %(start)s), 0)
            ORDER BY from_byte LIMIT %(most)s
            """,
            {"stream": stream, "start": from_byte, "end": to_byte, "most": _READ_AT_MOST // LARGEST_CHUNK * 16},
        )
        pieces: list[Piece] = []
        size = 0
        async for piece in cursor:
            pieces.append(piece)
            size += len(piece.bytes)
            if size >= _READ_AT_MOST:
                break
    return _cut(pieces, from_byte, to_byte)


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
