"""Databases for tests: on the server of DATABASE_URL, or on our embedded one."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from anyio.from_thread import start_blocking_portal
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bakery.store.embedded import EmbeddedServer

EMPTY = "template0"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_ROOM = 2 << 30


@contextmanager
def quick_folder() -> Iterator[Path]:
    """In memory where there is room for it: a database for each test is then made seven times as fast."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    with tempfile.TemporaryDirectory(prefix="bakery-tests-", dir=_MEMORY if has_room else None) as folder:
        yield Path(folder)


@contextmanager
def running_server(data_dir: Path) -> Iterator[str]:
    """How to connect to a server on which databases may be created."""
    url = os.environ.get("DATABASE_URL")
    if url:
        yield url
        return
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(EmbeddedServer(data_dir)) as address:
        yield address


@contextmanager
def new_database(server: str, *, template: str = EMPTY) -> Iterator[str]:
    """A database of its own, made from the template quickly, and dropped in the end whoever still uses it."""
    name = f"bakery_test_{secrets.token_hex(6)}"
    names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
        try:
            yield make_conninfo(server, dbname=name)
        finally:
            # Not WITH (FORCE): that is refused while the server's own autovacuum is in it. A plain DROP waits for it.
            connection.execute(sql.SQL("ALTER DATABASE {name} ALLOW_CONNECTIONS false").format(**names))
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND backend_type = 'client backend'",
                (name,),
            )
            connection.execute(sql.SQL("DROP DATABASE {name}").format(**names))
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {role}").format(role=sql.Identifier(f"{name}_at_work")))


def name_of(database: str) -> str:
    with psycopg.connect(database) as connection:
        return connection.info.dbname


def url_of(database: str) -> str:
    """As DATABASE_URL names it."""
    parts = {name: str(value) for name, value in conninfo_to_dict(database).items()}
    return f"postgresql:///{parts.pop('dbname')}?{urlencode(parts)}"
