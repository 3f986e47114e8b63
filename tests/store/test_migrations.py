import subprocess
import sys
import threading

import psycopg
import pytest

from bakery.model.errors import NotReady
from bakery.store import migrate, schema

DATA: dict[str, str] = {
    "0001": """
        INSERT INTO settings (name, value) VALUES ('general', '{"base_url": "https://old.example.com"}');
        INSERT INTO events (topic) VALUES ('apps');
        INSERT INTO log_streams (bytes, lines) VALUES (6, 1);
        INSERT INTO log_chunks (stream_id, from_byte, to_byte, lines_before, bytes) VALUES (1, 0, 6, 0, 'hello\n');
    """,
    "0002": """
        INSERT INTO people (email, email_key, role) VALUES ('ada@example.com', 'ada@example.com', 'admin');
        INSERT INTO apps (slug, name) VALUES ('shop', 'Shop');
        INSERT INTO grants (person_id, app_id) VALUES (1, 1);
        INSERT INTO audit (person_id, actor, source, address, request_id, action, target_kind, target_id, target_label)
        VALUES (1, 'ada@example.com', 'browser', '127.0.0.1', 'r1', 'app.created', 'app', '1', 'shop');
    """,
}
"""What a database held that was last used at a revision; a later revision keeps it."""


def revisions() -> list[str]:
    return sorted(path.name.partition("_")[0] for path in schema.VERSIONS.glob("0*.py"))


def count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(
        psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(table))
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("start", sorted(DATA))
def test_an_older_database_keeps_its_data(database_url: str, start: str) -> None:
    """Walks from each older revision, with data in it, to the newest."""
    for revision in revisions():
        if revision > start:
            break
        migrate.upgrade(database_url, revision)
        with psycopg.connect(database_url) as connection:
            connection.execute(DATA.get(revision, "SELECT 1").encode())
    migrate.upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        assert schema.current(connection) == schema.newest()
        assert count(connection, "log_chunks") == 1
        assert count(connection, "audit") == (1 if start >= "0002" else 0)


def test_a_name_server_of_before_is_one_kind_of_dns_provider(database_url: str) -> None:
    migrate.upgrade(database_url, "0044")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            """
            INSERT INTO dns_providers (name, plugin, server, port, key_name, algorithm, secret, wait, changed_by)
            VALUES ('our-bind', 'rfc2136', '192.0.2.53', 53, 'bakery-key', 'HMAC-SHA256', 'sealed', 60, 'ann')
            """
        )
    migrate.upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT plugin, fields, secret FROM dns_providers").fetchone()
    fields = {"server": "192.0.2.53", "port": "53", "key_name": "bakery-key", "algorithm": "HMAC-SHA256"}
    assert row == ("rfc2136", fields, b"sealed")


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    assert schema.ensure_newest(database_url) is True
    assert schema.ensure_newest(database_url) is False


def test_two_processes_that_start_together_migrate_once(database_url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            schema.ensure_newest(database_url)
        except NotReady as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with psycopg.connect(database_url) as connection:
        assert count(connection, "installation") == 1


def test_a_newer_schema_is_refused_with_what_to_do(migrated_database_url: str) -> None:
    with psycopg.connect(migrated_database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NotReady, match="schema 9999") as refused:
        schema.ensure_newest(migrated_database_url)
    assert "newer Bakery" in refused.value.hint


def test_a_failed_migration_keeps_nothing_of_its_step_and_names_the_cause(database_url: str) -> None:
    migrate.upgrade(database_url, "0001")
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE grants (in_the_way int)")
    with pytest.raises(NotReady, match="grants"):
        schema.ensure_newest(database_url)
    with psycopg.connect(database_url) as connection:
        assert schema.current(connection) == "0001"
        assert connection.execute("SELECT to_regclass('people') IS NULL").fetchone() == (True,)


def test_a_running_bakery_does_not_carry_the_migration_library() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, bakery.app; print('sqlalchemy' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.strip() == "False"
