"""Which schema a database has, and bringing it to the newest.

The migration itself runs in a process of its own, so that the running server never carries Alembic and SQLAlchemy.
"""

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from bakery.model.errors import NotReady

VERSIONS = Path(__file__).parent / "migrations" / "versions"
URL_VARIABLE = "BAKERY_MIGRATE_URL"


def newest() -> str:
    return max(_revisions())


def current(connection: psycopg.Connection) -> str | None:
    """The revision of a database; None when it is empty."""
    row = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    if not row or not row[0]:
        return None
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0]) if found else None


def ensure_newest(dsn: str) -> bool:
    """Migrates in a child process when the schema is behind. Says whether it did."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = current(connection)
    if found == newest():
        return False
    refuse_unknown(found)
    done = subprocess.run(
        [sys.executable, "-m", "bakery.store.migrate"],
        env={**os.environ, URL_VARIABLE: dsn},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C at a terminal does not cut it in half
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        raise NotReady(
            f"The database could not be brought to schema {newest()}: {last[0]}",
            hint="Nothing of the failed step was kept. Correct the cause and start again, or run: bakery migrate",
        )
    return True


def expect_newest(dsn: str) -> None:
    """For commands beside a Bakery that may run: it would not survive that its tables change under it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = current(connection)
    if found == newest():
        return
    refuse_unknown(found)
    raise NotReady(
        f"The database has {f'schema {found}' if found else 'no schema yet'}; this Bakery works with {newest()}.",
        hint="Stop the Bakery that runs on it, run: bakery migrate, and start it again. scripts/up does all of it.",
    )


def refuse_unknown(found: str | None) -> None:
    if found is not None and found not in _revisions():
        raise NotReady(
            f"The database has schema {found}; this Bakery knows schemas up to {newest()}.",
            hint="It was used by a newer Bakery. Start that version again, or restore a backup made before the update.",
        )


def _revisions() -> set[str]:
    return {path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py")}
