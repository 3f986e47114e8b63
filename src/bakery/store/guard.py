"""Who may change what was recorded: not Bakery.

The user of the database owns its tables and migrates them. Bakery works as another role, which may add rows to the
audit and read them, and can do nothing to a table. Where the user may not create roles, or the server does not let the
new one in, Bakery works as the user, and triggers alone keep the rows: `bakery doctor` says so.
"""

import secrets
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from bakery.model.secret import Secret
from bakery.store.vault import CannotOpen, Place, Vault

ADDED_TO = ("audit", "audit_seals")
_SUFFIX = "_at_work"
_LONGEST_NAME = 63
_LOCK = 0x6775617264
_PLACE = Place("settings", "role at work", "value")


@dataclass(frozen=True, slots=True)
class Work:
    """How Bakery works on the database. `as_owner` says why it does so as the owner of the tables, if it does."""

    dsn: str
    as_owner: str = ""


def prepare_role(dsn: str, vault: Vault) -> Work:
    """Makes the role, or mends what it may. Harmless when all is well, and when several processes start together."""
    found = find_role(dsn, vault)
    if not found.as_owner:
        return found
    try:
        with psycopg.connect(dsn) as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            if not _may_create(connection):
                return found
            role = _name(connection)
            _let_in(connection, role, _password(connection, vault) or _new_password(connection, vault))
            _allow(connection, role)
    except psycopg.DatabaseError as error:
        return Work(dsn, f"could not make its role: {_first_line(error)}")
    return find_role(dsn, vault)


def find_role(dsn: str, vault: Vault) -> Work:
    """The role, when it is there, is let in and may do what it needs. Changes nothing."""
    with psycopg.connect(dsn) as connection:
        role = _name(connection)
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
            may = "" if _may_create(connection) else ", and may not create another"
            return Work(dsn, f"works as the owner of the tables{may}")
        password = _password(connection, vault)
        if password is None or _missing(connection, role):
            return Work(dsn, f"finds that its role {role} is not as it should be")
        found = make_conninfo(dsn, user=role, password=password.reveal(), dbname=connection.info.dbname)
    try:
        with psycopg.connect(found, connect_timeout=5) as working:
            working.execute("SELECT FROM audit, settings LIMIT 0")
    except psycopg.Error as error:
        return Work(dsn, f"is not let in as {role}: {_first_line(error)}")
    return Work(found)


def _name(connection: psycopg.Connection) -> str:
    """Roles are of the whole server, so each database has its own."""
    database = connection.info.dbname
    name = f"{database}{_SUFFIX}"
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    row = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
    return f"bakery_{row[0] if row else 0}{_SUFFIX}"


def _may_create(connection: psycopg.Connection) -> bool:
    """And gives away only what is its own."""
    row = connection.execute(
        """
        SELECT (rolcreaterole OR rolsuper) AND 'audit'::regclass IN
               (SELECT oid FROM pg_class WHERE relowner = pg_roles.oid AND relnamespace = 'public'::regnamespace)
        FROM pg_roles WHERE rolname = current_user
        """
    ).fetchone()
    return bool(row and row[0])


def _password(connection: psycopg.Connection, vault: Vault) -> Secret | None:
    row = connection.execute("SELECT value ->> 'sealed' FROM settings WHERE name = %s", (_PLACE.row,)).fetchone()
    try:
        return vault.open(_PLACE, bytes.fromhex(row[0])) if row else None
    except CannotOpen:
        return None


def _new_password(connection: psycopg.Connection, vault: Vault) -> Secret:
    password = Secret(secrets.token_urlsafe(32))
    connection.execute(
        "INSERT INTO settings (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_PLACE.row, Jsonb({"sealed": vault.seal(_PLACE, password).hex()})),
    )
    return password


def _let_in(connection: psycopg.Connection, role: str, password: Secret) -> None:
    # What is sent is no password, but what the server checks one with: it may log the statement.
    verifier = connection.pgconn.encrypt_password(password.reveal().encode(), role.encode(), b"scram-sha-256").decode()
    names = {"role": sql.Identifier(role), "verifier": sql.Literal(verifier)}
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {role} LOGIN").format(**names))
    connection.execute(sql.SQL("ALTER ROLE {role} LOGIN PASSWORD {verifier}").format(**names))
    connection.execute(sql.SQL("GRANT {role} TO CURRENT_USER").format(**names))  # who sees what it does, and can end it


def _allow(connection: psycopg.Connection, role: str) -> None:
    for kind, name, wanted in _missing(connection, role):
        connection.execute(
            sql.SQL("REVOKE ALL ON {kind} {name} FROM {role}; GRANT {wanted} ON {kind} {name} TO {role}").format(
                kind=sql.SQL(kind), name=sql.Identifier(name), wanted=sql.SQL(wanted), role=sql.Identifier(role)
            )
        )


def _missing(connection: psycopg.Connection, role: str) -> list[tuple[str, str, str]]:
    """On what the role may not do just what it should, and what that is."""
    return connection.execute(_MISSING, {"role": role, "added_to": list(ADDED_TO)}).fetchall()


_MISSING = """
WITH ours AS (
    SELECT oid, relname::text AS name, relkind = 'S' AS is_sequence, relname = ANY(%(added_to)s) AS is_added_to
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
    AND NOT relispartition  -- rows reach a partition through its table
    AND relowner = (SELECT relowner FROM pg_class WHERE oid = 'audit'::regclass)
), wanted AS (
    SELECT *, CASE WHEN is_sequence THEN 'USAGE' WHEN is_added_to THEN 'SELECT, INSERT'
              ELSE 'SELECT, INSERT, UPDATE, DELETE' END AS privileges FROM ours
)
SELECT CASE WHEN is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, name, privileges FROM wanted
WHERE CASE WHEN is_sequence THEN NOT has_sequence_privilege(%(role)s, oid, 'USAGE')
      ELSE EXISTS (SELECT FROM unnest(string_to_array(privileges, ', ')) AS privilege
                   WHERE NOT has_table_privilege(%(role)s, oid, privilege))
           OR is_added_to AND has_table_privilege(%(role)s, oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER') END
UNION ALL SELECT 'DATABASE', current_database(), 'CONNECT'
    WHERE NOT has_database_privilege(%(role)s, current_database(), 'CONNECT')
UNION ALL SELECT 'SCHEMA', 'public', 'USAGE' WHERE NOT has_schema_privilege(%(role)s, 'public', 'USAGE')
"""


def _first_line(error: psycopg.Error) -> str:
    return next(iter(str(error).strip().splitlines()), "it did not say why")
