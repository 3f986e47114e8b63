"""A real `bakery serve` for the commands to talk to, on a database of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from psycopg.conninfo import conninfo_to_dict

from tests.support.machine import a_free_port

BAKERY = str(Path(sys.executable).with_name("bakery"))
_READY = "Bakery is at "


@dataclass(frozen=True)
class Server:
    """`environ` is what commands on the server are run with."""

    url: str
    environ: dict[str, str]
    process: subprocess.Popen[str]


def environ_for(database: str, folder: Path) -> dict[str, str]:
    """Of a Bakery on this database, all of whose files are in the folder."""
    parts = {name: str(value) for name, value in conninfo_to_dict(database).items()}
    return {
        "DATABASE_URL": f"postgresql:///{parts.pop('dbname')}?{urlencode(parts)}",
        "BAKERY_DATA_DIR": str(folder / "control"),
        "BAKERY_NODE_DIR": str(folder / "node"),
        "BAKERY_PORT": str(a_free_port()),
        "HOME": str(folder),
    }


@contextmanager
def a_server(database: str, folder: Path) -> Iterator[Server]:
    """Its web part only: the worker would take over the nginx of the machine that the tests run on."""
    environ = environ_for(database, folder)
    process = subprocess.Popen(
        [BAKERY, "serve", "--role", "web"],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
    )
    try:
        yield Server(_address_from(process), environ, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            process.communicate()


def _address_from(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(_READY):
            return line.removeprefix(_READY).strip()
    raise AssertionError(f"the server ended with {process.wait()}")
