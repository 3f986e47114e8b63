"""The database for the time of a command, beside a `bakery serve` or without one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bakery.store.embedded.accounts import runner_for
from bakery.store.embedded.home import CLUSTER, SOCKET, address_of, open_home
from bakery.store.embedded.lock import InUse
from bakery.store.embedded.postmaster import is_child, ready_server
from bakery.store.embedded.server import START_PATIENCE, EmbeddedServer


@asynccontextmanager
async def borrow(data_dir: Path) -> AsyncIterator[str]:
    """How to connect: to the server that runs on the data folder, or to one that we start for our time."""
    async with AsyncExitStack() as held:
        yield await _start_or_join(data_dir, held)


async def _start_or_join(data_dir: Path, held: AsyncExitStack) -> str:
    clock = asyncio.get_running_loop().time
    deadline = clock() + START_PATIENCE
    while True:
        try:
            return await held.enter_async_context(EmbeddedServer(data_dir))
        except InUse as in_use:
            address = await _join(data_dir, in_use.holder, held)
            if address is not None:
                return address
            if clock() > deadline:
                raise
        await asyncio.sleep(0.05)  # it is starting, or about to be gone


async def _join(data_dir: Path, holder: int, held: AsyncExitStack) -> str | None:
    """The address of the holder's server, if it runs. Nobody else's would do."""
    async with AsyncExitStack() as ours:
        home, keeper = ours.enter_context(open_home(data_dir))
        runner = await runner_for(keeper)
        try:
            cluster = ours.enter_context(home.opened(CLUSTER, owner=runner))
            socket = ours.enter_context(home.opened(SOCKET, owner=runner))
        except FileNotFoundError:
            return None
        server = ready_server(cluster)
        if server is None or not is_child(server, of=holder):
            return None
        held.push_async_callback(ours.pop_all().aclose)
        return address_of(socket)
