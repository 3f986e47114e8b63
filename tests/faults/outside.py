"""A PostgreSQL server that is not Bakery's own, to be reached by DATABASE_URL, stopped and started again."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from anyio.from_thread import BlockingPortal
from psycopg.conninfo import conninfo_to_dict

from bakery.store.embedded import EmbeddedServer


class Outside:
    """Its data is made by the first start."""

    def __init__(self, folder: Path, portal: BlockingPortal) -> None:
        self._server = EmbeddedServer(folder)
        self._pid_file = folder / "postgres/cluster/postmaster.pid"
        self._portal = portal
        self.url = ""

    def start(self) -> None:
        address = conninfo_to_dict(self._portal.call(self._server.start))
        self.url = f"postgresql:///{address['dbname']}?host={address['host']}&user={address['user']}"

    def stop(self) -> None:
        self._portal.call(self._server.stop)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It accepts connections, and answers nothing."""
        postmaster = int(self._pid_file.read_text().split()[0])
        stopped = [postmaster]
        with psycopg.connect(self.url) as connection:
            try:
                os.kill(postmaster, signal.SIGSTOP)  # first: then no process is new
                cursor = connection.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
                for (process,) in cursor.fetchall():
                    os.kill(process, signal.SIGSTOP)
                    stopped.append(process)
                yield
            finally:
                for process in stopped:
                    os.kill(process, signal.SIGCONT)
