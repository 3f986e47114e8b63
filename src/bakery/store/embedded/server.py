"""The server's life: from a folder to a database that answers, and back."""

import asyncio
import shutil
from contextlib import AsyncExitStack
from pathlib import Path

from bakery.model.errors import NotReady
from bakery.store.embedded import programs
from bakery.store.embedded.accounts import bound_to_us, runner_for
from bakery.store.embedded.cluster import ensure_cluster
from bakery.store.embedded.configuration import server_options, write_access_rules
from bakery.store.embedded.folders import Folder
from bakery.store.embedded.home import ACCESS, CLUSTER, SOCKET, address_of, open_home
from bakery.store.embedded.lock import locked
from bakery.store.embedded.postmaster import end_leftovers, ready_server
from bakery.store.embedded.process import ServerProcess

START_PATIENCE = 120.0  # seconds; after a crash the server reads its journal again
STOP_PATIENCE = 20.0


class EmbeddedServer:
    """The PostgreSQL of one Bakery. The kernel stops it when the thread that started it is gone, by whatever end.

    It may end by itself, which `wait_ended` tells: then `stop` and `start` it again.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._held = AsyncExitStack()
        self._process: ServerProcess | None = None

    async def start(self) -> str:
        """Returns how to connect to the database, when it accepts connections."""
        async with AsyncExitStack() as held:
            address = await self._start(held)
            self._held = held.pop_all()
        return address

    async def stop(self) -> None:
        await self._held.aclose()

    async def wait_ended(self) -> int:
        """Returns the server's exit status once it has ended."""
        if self._process is None:
            raise RuntimeError("the server was not started")
        return await self._process.wait()

    async def __aenter__(self) -> str:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _start(self, held: AsyncExitStack) -> str:
        home, keeper = held.enter_context(open_home(self._data_dir))
        held.enter_context(locked(home, owner=keeper))
        runner = await runner_for(keeper)
        postgresql = await ensure_cluster(home, runner)
        home.make(SOCKET)
        home.make(ACCESS)
        cluster = held.enter_context(home.opened(CLUSTER, owner=runner))
        socket = held.enter_context(home.opened(SOCKET, owner=runner))
        access = held.enter_context(home.opened(ACCESS, owner=keeper, mode=0o755))
        write_access_rules(access, keeper)
        await end_leftovers(cluster, patience=STOP_PATIENCE)

        options = server_options(postgresql.major, cluster=cluster, socket=socket, access=access)
        argv = bound_to_us([postgresql.program("postgres"), *options], runner)
        process = ServerProcess(await programs.start(argv, folders=[cluster.fd, socket.fd, access.fd]))
        held.push_async_callback(process.stop, patience=STOP_PATIENCE)
        await _wait_until_ready(process, cluster)
        self._process = process
        return address_of(socket)


async def _wait_until_ready(process: ServerProcess, cluster: Folder) -> None:
    try:
        async with asyncio.timeout(START_PATIENCE):
            while ready_server(cluster) != process.pid:  # whatever else may answer on the socket
                if process.has_ended:
                    raise await _did_not_start(process, cluster)
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise await _did_not_start(process, cluster) from None


async def _did_not_start(process: ServerProcess, cluster: Folder) -> NotReady:
    free = shutil.disk_usage(cluster.path).free
    return NotReady(
        f"The embedded PostgreSQL did not start. Its last words: {await process.last_words()}",
        hint=f"The data is untouched in {cluster.shown}, whose disk has {free >> 20} MB left. "
        "Mend what it names and start again.",
    )
