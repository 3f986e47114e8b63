"""Where the embedded server lives in a data folder, and how it is reached there.

data_dir/postgres/        the keeper's: whom Bakery runs as
├── lock                  held by the one Bakery that runs the server
├── access/               the keeper's, read by the server: who may connect
├── socket/               the server's: no other user gets to it
└── cluster/              the server's: the data
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from bakery.model.errors import NotReady
from bakery.store.embedded.accounts import Account, keeper_of
from bakery.store.embedded.configuration import DATABASE, ROLE
from bakery.store.embedded.folders import Folder, opened

CLUSTER, SOCKET, ACCESS = "cluster", "socket", "access"
_LONGEST_SOCKET_PATH = 107  # bytes


@contextmanager
def open_home(data_dir: Path) -> Iterator[tuple[Folder, Account]]:
    """The folder, and the account that keeps it. What the system refuses in it is told as a sentence."""
    data_dir = data_dir.absolute()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with opened(data_dir.resolve(), shown=data_dir) as folder:
            keeper = keeper_of(folder.path)
            folder.make("postgres")
            with folder.opened("postgres", owner=keeper) as home:
                yield home, keeper
    except OSError as error:
        raise NotReady(
            f"Bakery cannot keep its database in {data_dir}: {error.strerror or error}.",
            hint="Is the folder yours and writable, and its disk not full? "
            "Mend that, choose another BAKERY_DATA_DIR, or set DATABASE_URL.",
        ) from error


def address_of(socket: Folder) -> str:
    """How to connect. The path of the socket where libpq takes it, else by the descriptor that we hold."""
    path = str(socket.shown)
    if "," in path or len(os.fsencode(f"{path}/.s.PGSQL.5432")) > _LONGEST_SOCKET_PATH:
        path = f"/proc/{os.getpid()}/fd/{socket.fd}"  # our own children may use it too
    return make_conninfo(host=path, user=ROLE, dbname=DATABASE)
