"""The one way to the database: a pool, transactions that record what they did, and the vault beside it."""

import asyncio
import select
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from bakery.model.errors import Unavailable
from bakery.store.transaction import Transaction
from bakery.store.vault import Vault

Connection = AsyncConnection[TupleRow]
# A network that swallows everything is noticed in half a minute; by the system's own settings it takes two hours.
_LINK = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
_LETTING_GO = 0.5
_MOMENT = 1.0  # seconds
SERVER = "bakery serve"  # what the database calls the connections of processes that serve: this, and which of them


class Store:
    """Opened by `app.py`. Reads take a connection, changes take a transaction. For work, none is kept open while nobody
    uses it, and not each is asked whether the server is there: a page says at once that it hangs, work waits anyway.
    """

    def __init__(
        self,
        dsn: str,
        vault: Vault,
        *,
        size: int = 8,
        patience: float = 5.0,
        name: str = "bakery",
        for_work: bool = False,
    ) -> None:
        self.dsn = make_conninfo("", **{**_LINK, **conninfo_to_dict(dsn)})
        self.vault = vault
        self.name = name
        self._patience = patience
        # A connection is checked when it is taken: after a restart of PostgreSQL the first request finds a fresh one.
        self._given_back: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self.pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            self.dsn,
            min_size=0 if for_work else 1,
            max_size=size,
            timeout=patience,
            max_idle=60,
            reconnect_timeout=patience,  # then attempts begin anew: their pauses stay short, however long it was away
            open=False,
            check=self._expect_alive if for_work else AsyncConnectionPool.check_connection,
            kwargs={"connect_timeout": 5, "application_name": name},
            name="bakery",
        )

    async def __aenter__(self) -> Self:
        await self.pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """For reading."""
        async with _database_is_there(), self._taken(self._patience) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """For a change: all of it with its audit rows and events, or nothing."""
        async with _database_is_there(), self._taken(self._patience) as connection, connection.transaction():
            transaction = Transaction(connection)
            yield transaction
            await transaction.finish()

    async def is_reachable(self) -> bool:
        try:
            async with self._taken(2):  # it has answered then
                return True
        except (psycopg.OperationalError, PoolTimeout):
            return False

    async def _expect_alive(self, connection: Connection) -> None:
        """To ask the server costs as much as what most are taken for: one that answered a moment ago is listened to."""
        rested = time.monotonic() - self._given_back.get(connection, 0.0)
        if rested > _MOMENT or _hears_something(connection):
            await AsyncConnectionPool.check_connection(connection)

    @asynccontextmanager
    async def _taken(self, patience: float) -> AsyncIterator[Connection]:
        """The pool's own patience is not for the check: a database that hangs would keep us waiting for ever."""
        async with AsyncExitStack() as stack:
            try:
                # Interrupted once, psycopg asks the server for ten seconds to stop; interrupted again, it lets go.
                async with asyncio.timeout(patience + _LETTING_GO), asyncio.timeout(patience):
                    connection = await stack.enter_async_context(self.pool.connection(timeout=patience))
            except TimeoutError as error:
                raise PoolTimeout(f"No connection answered within {patience:g} s.") from error
            yield connection
            self._given_back[connection] = time.monotonic()


def _hears_something(connection: Connection) -> bool:
    """A server says nothing to a connection that rests, but farewell."""
    said = select.poll()
    said.register(connection.fileno(), select.POLLIN)
    return bool(said.poll(0))


@asynccontextmanager
async def _database_is_there() -> AsyncIterator[None]:
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:  # PoolTimeout is one of them
        raise Unavailable(
            "The database is not answering.", retry_after=2, hint="Bakery goes on by itself as soon as it is back."
        ) from error
