"""The log of a deployment: lines on their way to a log stream, in batches."""

import asyncio
from collections.abc import Awaitable, Callable

from bakery.model.errors import Unavailable
from bakery.model.masking import Masker
from bakery.store import logs
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

BATCH = 0.1  # seconds

Sleep = Callable[[float], Awaitable[None]]


class DeploymentLog:
    """One writer a stream. `run` sends what is written, masked; a database that is away only delays it."""

    def __init__(self, store: Store, stream: int, masker: Masker | None = None) -> None:
        self._store = store
        self._stream = stream
        self.masker = masker or Masker()
        self._waiting = bytearray()
        self._has_some = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._length: int | None = None  # of the stream; None: not known, since a writing was interrupted

    def write(self, line: str) -> None:
        """Masked before it is kept anywhere. Each is whole: a secret with line ends is looked for by its lines too."""
        self._waiting += self.masker.mask(line.encode("utf-8", "replace")) + b"\n"
        self._has_some.set()

    def masked(self, text: str) -> str:
        """For what is written down elsewhere, such as why a deployment failed."""
        return self.masker.mask_text(text)

    async def position(self) -> int:
        """Where the next line will begin."""
        async with self._one_at_a_time:
            return await self._stored() + len(self._waiting)

    async def flush_with(self, also: Callable[[Transaction], Awaitable[None]]) -> None:
        """Everything written so far is in the database, and in the same transaction what has to be true with it. A
        commit whose answer was lost is not made twice."""
        async with self._one_at_a_time:
            sending = bytes(self._waiting)
            expected, self._length = await self._stored() + len(sending), None
            try:
                async with self._store.transaction() as tx:
                    await also(tx)
                    if sending:
                        await logs.append_within(tx.connection, self._stream, sending)
            except Unavailable:
                if not sending or await self._stored() != expected:
                    raise
            self._length = expected
            del self._waiting[: len(sending)]

    async def flush(self) -> int:
        """Everything written so far is in the database. Returns the stream's length."""
        async with self._one_at_a_time:
            sending, length = bytes(self._waiting), await self._stored()
            if sending:
                length, self._length = length + len(sending), None
                await self._append(sending, length)
                self._length = length
                del self._waiting[: len(sending)]
            return length

    async def add(self, masked: bytes, also: Callable[[Connection], Awaitable[None]]) -> None:
        """Bytes that are masked already, and in the same transaction what has to be true when they are there. They
        come after what was written so far."""
        await self.flush()
        async with self._one_at_a_time:
            self._length = None
            async with self._store.connection() as connection, connection.transaction():
                await also(connection)
                length = await logs.append_within(connection, self._stream, masked)
            self._length = length

    async def run(self, sleep: Sleep) -> None:
        while True:
            await self._has_some.wait()
            await sleep(BATCH)
            self._has_some.clear()
            try:
                await self.flush()
            except Unavailable:
                self._has_some.set()

    async def _stored(self) -> int:
        if self._length is None:
            extent = await logs.extent(self._store, self._stream)
            self._length = extent.bytes if extent else 0
        return self._length

    async def _append(self, data: bytes, expected: int) -> None:
        """A commit whose answer was lost is not made twice."""
        try:
            await logs.append(self._store, self._stream, data)
        except Unavailable:
            extent = await logs.extent(self._store, self._stream)
            if extent is None or extent.bytes != expected:
                raise
