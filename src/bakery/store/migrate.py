"""Runs the migrations: forward only, one revision a transaction, one process at a time."""

import os
import sys
from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command, op
from alembic.config import Config

from bakery.model.errors import NotReady
from bakery.store.schema import URL_VARIABLE, VERSIONS, current, refuse_unknown

_LOCK = 0x62616B65  # "bake": any number, the same in every process


def upgrade(dsn: str, revision: str = "head") -> None:
    with psycopg.connect(dsn, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        refuse_unknown(current(guard))
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=sqlalchemy.NullPool
        )
        config = Config()
        config.set_main_option("script_location", str(VERSIONS.parent).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.commit()


def run_sql(path: Path) -> None:
    """For revisions: the file as it stands, on the driver's own connection, since `%` means nothing there."""
    driver = op.get_bind().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("migrations run on psycopg")
    driver.execute(path.read_bytes())


if __name__ == "__main__":
    try:
        upgrade(os.environ.pop(URL_VARIABLE))
    except (psycopg.Error, NotReady) as error:
        sys.exit(str(error).replace("\n", " "))
