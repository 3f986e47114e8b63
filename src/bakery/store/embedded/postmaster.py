"""Who runs on the data, as the kernel tells it. A number in a file may by now be anybody's."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bakery.model.errors import NotReady
from bakery.store.embedded.folders import Folder

_PID, _STATUS = 0, 7  # lines of postmaster.pid


def ready_server(cluster: Folder) -> int | None:
    """The id of the server that serves this cluster and accepts connections."""
    try:
        lines = (cluster.path / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) <= _STATUS or lines[_STATUS].strip() != "ready":
        return None
    pid = int(lines[_PID])
    return pid if _serves(pid, cluster) else None


def is_child(pid: int, *, of: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return int(status.rpartition(")")[2].split()[1]) == of


async def end_leftovers(cluster: Folder, *, patience: float) -> None:
    """Ends the server of a killed Bakery, which nobody needs now that we hold the lock. No other process is touched."""
    waited_for: set[int] = set()
    try:
        async with asyncio.timeout(patience):
            while running := set(_servers_of(cluster)):
                for pid in running - waited_for:
                    _ask_to_stop(pid, cluster)
                waited_for |= running
                await asyncio.sleep(0.02)
    except TimeoutError:
        pids = " ".join(map(str, sorted(running)))
        raise NotReady(
            f"An earlier database server on {cluster.shown} does not stop (process {pids}).",
            hint=f"Is its disk slow or full? Look at it, end it (kill -QUIT {pids}), and start again.",
        ) from None
    (cluster.path / "postmaster.pid").unlink(missing_ok=True)


def _ask_to_stop(pid: int, cluster: Folder) -> None:
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            if _serves(pid, cluster):  # asked again, as the handle cannot pass to another process
                signal.pidfd_send_signal(handle, signal.SIGINT)
        finally:
            os.close(handle)


def _servers_of(cluster: Folder) -> Iterator[int]:
    """The server and its children: they all work in the cluster's folder."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return (pid for pid in pids if _serves(pid, cluster))


def _serves(pid: int, cluster: Folder) -> bool:
    if not cluster.is_cwd_of(pid):
        return False
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)") == "postgres"
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
