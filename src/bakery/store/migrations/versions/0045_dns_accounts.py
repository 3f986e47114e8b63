"""Runs the SQL file of the same name."""

from pathlib import Path

from bakery.store.migrate import run_sql

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    run_sql(Path(__file__).with_suffix(".sql"))
