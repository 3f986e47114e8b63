"""Bakery works as a role that may add to the audit and change nothing in it, nor anything about the tables."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bakery.access.seals import seal_waiting, verify
from bakery.model.audit import AuditEntry
from bakery.store.guard import Work, find_role, prepare_role
from bakery.store.store import Store
from bakery.store.vault import Key, Vault
from tests.support.people import SYSTEM, an_admin, an_app, signed_in


@pytest.fixture
def vault() -> Vault:
    return Vault([Key.mint()])


@pytest.fixture
def dsn(migrated_database_url: str) -> str:
    """Of the owner of the tables."""
    return migrated_database_url


def role_of(dsn: str) -> str:
    return f"{conninfo_to_dict(dsn)['dbname']}_at_work"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'eve'",
        "DELETE FROM audit",
        "TRUNCATE audit, audit_seals",
        "UPDATE audit_seals SET hash = ''",
        "DELETE FROM audit_seals",
        "ALTER TABLE audit DISABLE TRIGGER USER",
        "ALTER TABLE audit_seals DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_stays ON audit",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "DROP TABLE audit_seals",
        "ALTER TABLE audit RENAME TO other",
        "DROP SCHEMA public CASCADE",
        "SET ROLE {owner}",
        "GRANT {owner} TO {role}",
        "CREATE ROLE eve",
        "SET session_replication_role = replica",
    ],
)
def test_the_role_cannot_change_what_was_recorded(dsn: str, vault: Vault, statement: LiteralString) -> None:
    work = prepare_role(dsn, vault)
    assert work.as_owner == ""
    names = {"owner": sql.Identifier(str(conninfo_to_dict(dsn)["user"])), "role": sql.Identifier(role_of(dsn))}
    with psycopg.connect(work.dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql.SQL(statement).format(**names))


async def test_the_role_does_all_of_bakerys_work(dsn: str, vault: Vault) -> None:
    async with Store(prepare_role(dsn, vault).dsn, vault) as store:
        ada = await signed_in(store, await an_admin(store))
        await an_app(store)
        async with store.transaction() as tx:
            tx.record(AuditEntry(ada, "app.created", "app", "1", "shop"))
        assert await seal_waiting(store) == 2
        assert (await verify(store, actor=SYSTEM)).is_whole


def test_the_owner_can_end_what_the_role_does(dsn: str, vault: Vault) -> None:
    with psycopg.connect(prepare_role(dsn, vault).dsn) as working, psycopg.connect(dsn, autocommit=True) as owner:
        pid = working.info.backend_pid
        shown = owner.execute("SELECT backend_type FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
        assert shown == ("client backend",)
        assert owner.execute("SELECT pg_terminate_backend(%s)", (pid,)).fetchone() == (True,)


def test_the_role_may_do_with_all_other_tables_what_it_needs(dsn: str, vault: Vault) -> None:
    work = prepare_role(dsn, vault)
    with psycopg.connect(work.dsn) as connection:
        refused = connection.execute(
            """
            SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
            AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
                     AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')) ORDER BY relname
            """
        ).fetchall()
    assert [name for (name,) in refused] == ["audit", "audit_seals"]


def test_what_a_later_migration_makes_is_within_its_reach(dsn: str, vault: Vault) -> None:
    prepare_role(dsn, vault)
    with psycopg.connect(dsn) as owner:
        owner.execute("CREATE TABLE ovens (id bigserial PRIMARY KEY); ALTER TABLE audit ADD COLUMN why text")
    with psycopg.connect(prepare_role(dsn, vault).dsn) as connection:
        connection.execute("INSERT INTO ovens DEFAULT VALUES")


def test_the_next_start_changes_nothing(dsn: str, vault: Vault) -> None:
    first = prepare_role(dsn, vault)
    with psycopg.connect(dsn) as connection:
        before = connection.execute("SELECT xmin::text, relname FROM pg_class ORDER BY 2").fetchall()
    assert prepare_role(dsn, vault) == find_role(dsn, vault) == first
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT xmin::text, relname FROM pg_class ORDER BY 2").fetchall() == before


def test_processes_that_start_together_have_one_role(dsn: str, vault: Vault) -> None:
    with ThreadPoolExecutor() as threads:
        works = list(threads.map(lambda _: prepare_role(dsn, vault), range(4)))
    assert {work.as_owner for work in works} == {""}
    assert len({work.dsn for work in works}) == 1


def test_a_database_that_is_closed_to_the_public_is_opened_to_the_role(dsn: str, vault: Vault) -> None:
    with psycopg.connect(dsn) as owner:
        name = sql.Identifier(owner.info.dbname)
        owner.execute(sql.SQL("REVOKE ALL ON DATABASE {name} FROM PUBLIC").format(name=name))
    assert prepare_role(dsn, vault).as_owner == ""


def forget_password(owner: psycopg.Connection, role: sql.Identifier) -> None:
    owner.execute("DELETE FROM settings")


def widen(owner: psycopg.Connection, role: sql.Identifier) -> None:
    owner.execute(sql.SQL("GRANT UPDATE ON audit TO {role}").format(role=role))


def close(owner: psycopg.Connection, role: sql.Identifier) -> None:
    owner.execute(sql.SQL("ALTER ROLE {role} NOLOGIN").format(role=role))


@pytest.mark.parametrize("spoil", [forget_password, widen, close])
def test_a_role_that_somebody_changed_is_mended(
    dsn: str, vault: Vault, spoil: Callable[[psycopg.Connection, sql.Identifier], None]
) -> None:
    prepare_role(dsn, vault)
    with psycopg.connect(dsn) as owner:
        spoil(owner, sql.Identifier(role_of(dsn)))
    assert find_role(dsn, vault).as_owner
    assert prepare_role(dsn, vault).as_owner == ""
    assert find_role(dsn, vault).as_owner == ""


def test_a_user_who_may_create_no_role_works_as_the_owner(
    dsn: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bakery.store.guard._may_create", lambda _: False)
    work = Work(dsn, "works as the owner of the tables, and may not create another")
    assert prepare_role(dsn, vault) == find_role(dsn, vault) == work


def test_a_role_that_the_server_does_not_let_in_is_not_worked_as(dsn: str, vault: Vault) -> None:
    prepare_role(dsn, vault)
    with psycopg.connect(dsn) as owner:
        owner.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 0").format(sql.Identifier(role_of(dsn))))
    work = prepare_role(dsn, vault)
    assert work.dsn == dsn
    assert work.as_owner.startswith(f"is not let in as {role_of(dsn)}: ")
    assert "too many connections" in work.as_owner
