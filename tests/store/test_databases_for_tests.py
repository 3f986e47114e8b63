import psycopg


def tables_of(database: str) -> list[str]:
    with psycopg.connect(database) as connection:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        return [table for (table,) in connection.execute(query)]


def test_a_test_gets_an_empty_database_of_its_own(database_url: str) -> None:
    assert tables_of(database_url) == []
    with psycopg.connect(database_url) as connection:
        assert connection.info.dbname.startswith("bakery_test_")


def test_or_one_with_all_migrations_applied(migrated_database_url: str) -> None:
    assert "alembic_version" in tables_of(migrated_database_url)
