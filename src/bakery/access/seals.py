"""The audit as a chain: each seal is the SHA-256 of the seal before it and of its row, in the order of the commits.

Who changes, removes or inserts a row afterwards breaks the chain from there on. Who could forge all of it is found out
by a seal that was exported before.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg.rows import class_row

from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.store.rows import only
from bakery.store.store import Connection, Store

_BATCH = 200  # a few milliseconds of work, for nobody else runs meanwhile
_PAUSE = 2.0
_LOCK = 0x7365616C73
_BEGINNING = bytes(32)


@dataclass(frozen=True, slots=True)
class Seal:
    """The hash stands for its row and all before it."""

    position: int
    audit_id: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class ChainReport:
    """`fault` says what is wrong with the first row that is; empty when the chain is whole."""

    sealed: int
    waiting: int
    fault: str = ""
    broken_row: int | None = None

    @property
    def is_whole(self) -> bool:
        return not self.fault


@dataclass(frozen=True, slots=True)
class _Row:
    """As the database writes it: `before` and `after` are the text of the jsonb."""

    id: int
    at: datetime
    person_id: int | None
    actor: str
    source: str
    address: str
    request_id: str
    token_id: int | None
    action: str
    target_kind: str
    target_id: str
    target_label: str
    app_id: int | None
    before: str | None
    after: str | None

    def canonical(self) -> bytes:
        """The same bytes for the same row, wherever and whenever it is read."""
        values = [getattr(self, name) for name in self.__slots__ if name != "at"]
        values.append(self.at.astimezone(UTC).isoformat(timespec="microseconds"))
        return json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode()


async def keep_sealing(store: Store, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """What the worker runs. A database that is away ends it; whoever runs it begins again."""
    while True:
        while await seal_waiting(store) == _BATCH:
            pass
        await sleep(_PAUSE)


async def seal_waiting(store: Store) -> int:
    """Seals the next rows, a bounded number. Says how many. Several processes may do it at once."""
    async with store.transaction() as tx:
        await tx.connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        newest = await _newest(tx.connection)
        position, audit_id, previous = (newest.position, newest.audit_id, newest.hash) if newest else (0, 0, _BEGINNING)
        seals: list[tuple[int, int, bytes]] = []
        for row in await _rows_of(tx.connection, await _ids_after(tx.connection, audit_id)):
            position += 1
            previous = _hash(previous, row)
            seals.append((row.id, position, previous))
        async with tx.connection.cursor() as cursor:
            await cursor.executemany("INSERT INTO audit_seals (audit_id, position, hash) VALUES (%s, %s, %s)", seals)
        return len(seals)


async def count_overdue(store: Store, *, actor: Actor) -> int:
    """Rows that have waited for their seal for over a minute: nobody seals."""
    actor.require(Permission.SEE_AUDIT)
    async with store.connection() as connection:
        found = await connection.execute(
            """
            SELECT count(*) FROM audit
            WHERE at < now() - interval '1 minute' AND id > (SELECT coalesce(max(audit_id), 0) FROM audit_seals)
            """
        )
        return int((await only(found))[0])


async def newest_seal(store: Store, *, actor: Actor) -> Seal | None:
    """For keeping elsewhere: with it, a chain that was forged as a whole is found out."""
    actor.require(Permission.SEE_AUDIT)
    async with store.connection() as connection:
        return await _newest(connection)


async def verify(store: Store, *, exported: Seal | None = None, actor: Actor) -> ChainReport:
    """Reads the whole chain, in batches, and tells the first row that does not fit."""
    actor.require(Permission.SEE_AUDIT)
    async with store.connection() as connection:
        sealed, audit_id, previous = 0, 0, _BEGINNING
        async for seal, row in _chain(connection):
            fault = _fault(seal, row, position=sealed + 1, above=audit_id, previous=previous, exported=exported)
            if fault:
                return ChainReport(sealed, 0, fault, seal.audit_id)
            sealed, audit_id, previous = seal.position, seal.audit_id, seal.hash
        if exported and sealed < exported.position:
            return ChainReport(sealed, 0, "The chain ends before the exported seal.", exported.audit_id)
        return await _look_at_unsealed(connection, sealed, audit_id)


def _fault(seal: Seal, row: _Row | None, *, position: int, above: int, previous: bytes, exported: Seal | None) -> str:
    if seal.position != position:
        return "A seal before this row is missing."
    if row is None:
        return "This row is missing."
    if seal.audit_id <= above:
        return "This row is not in its place."
    if seal.hash != _hash(previous, row):
        return "This row or its seal was changed."
    if exported and exported.position == position and exported.hash != seal.hash:
        return "The chain differs from the exported seal."
    return ""


async def _look_at_unsealed(connection: Connection, sealed: int, newest: int) -> ChainReport:
    found = await connection.execute(
        """
        SELECT count(*) FILTER (WHERE a.id > %(newest)s), min(a.id) FILTER (WHERE a.id < %(newest)s)
        FROM audit a WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.audit_id = a.id)
        """,
        {"newest": newest},
    )
    waiting, slipped_in = await only(found)
    fault = "This row was put in after the rows that follow it." if slipped_in else ""
    return ChainReport(sealed, waiting, fault, slipped_in)


async def _chain(connection: Connection) -> AsyncIterator[tuple[Seal, _Row | None]]:
    position = 0
    while True:
        async with connection.cursor(row_factory=class_row(Seal)) as cursor:
            await cursor.execute(
                "SELECT position, audit_id, hash FROM audit_seals WHERE position > %s ORDER BY position LIMIT %s",
                (position, _BATCH),
            )
            seals = await cursor.fetchall()
        if not seals:
            return
        rows = {row.id: row for row in await _rows_of(connection, [seal.audit_id for seal in seals])}
        for seal in seals:
            yield seal, rows.get(seal.audit_id)
        position = seals[-1].position


async def _newest(connection: Connection) -> Seal | None:
    async with connection.cursor(row_factory=class_row(Seal)) as cursor:
        await cursor.execute("SELECT position, audit_id, hash FROM audit_seals ORDER BY position DESC LIMIT 1")
        return await cursor.fetchone()


async def _ids_after(connection: Connection, audit_id: int) -> list[int]:
    found = await connection.execute("SELECT id FROM audit WHERE id > %s ORDER BY id LIMIT %s", (audit_id, _BATCH))
    return [row[0] for row in await found.fetchall()]


async def _rows_of(connection: Connection, ids: list[int]) -> list[_Row]:
    async with connection.cursor(row_factory=class_row(_Row)) as cursor:
        await cursor.execute(
            """
            SELECT id, at, person_id, actor, source, address, request_id, token_id, action, target_kind, target_id,
                   target_label, app_id, before::text, after::text
            FROM audit WHERE id = ANY(%s) ORDER BY id
            """,
            (ids,),
        )
        return await cursor.fetchall()


def _hash(previous: bytes, row: _Row) -> bytes:
    return hashlib.sha256(previous + row.canonical()).digest()
