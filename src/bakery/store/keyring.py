"""The vault's keys: where they come from, whose database they belong to, and changing them.

Rotation: the new key is written before the old in the file, so that from then on everything is sealed with the new
one and both open. Then each sealed value is sealed again; when none of the old is left, the old key goes. A rotation
that was killed finds two keys, and goes on.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import NotReady
from bakery.model.secret import Secret
from bakery.settings import Settings
from bakery.store.transaction import record_last
from bakery.store.vault import Key, Place, Vault

_BATCH = 100
_ROTATING = 0x726F74617465


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that the vault seals; `key` is the primary key that its place names.

    In a column of JSON a sealed value is all of it: {"sealed": "hexadecimal"}. Rows of another form are left alone.
    """

    table: str
    key: str
    column: str
    is_json: bool = False


SEALED_COLUMNS: tuple[SealedColumn, ...] = (
    SealedColumn("people", "id", "totp_secret"),
    SealedColumn("nodes", "id", "key_secret"),
    SealedColumn("nodes", "id", "next_key_secret"),
    SealedColumn("variables", "id", "value"),
    SealedColumn("git_sources", "environment_id", "token"),
    SealedColumn("git_sources", "environment_id", "key_secret"),
    SealedColumn("image_sources", "environment_id", "password"),
    SealedColumn("webhooks", "environment_id", "secret"),
    SealedColumn("drafts", "person_id", "token"),
    SealedColumn("drafts", "person_id", "key_secret"),
    SealedColumn("drafts", "person_id", "variables"),
    SealedColumn("github_client", "id", "secret"),
    SealedColumn("github_links", "person_id", "token"),
    SealedColumn("github_links", "person_id", "refresh_token"),
    SealedColumn("dns_providers", "name", "secret"),
    SealedColumn("github_apps", "id", "client_secret"),
    SealedColumn("github_apps", "id", "webhook_secret"),
    SealedColumn("github_apps", "id", "pem"),
    SealedColumn("github_tokens", "name", "token"),
    SealedColumn("settings", "name", "value", is_json=True),
)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did."""

    old: str
    new: str
    values: int


def open_vault(settings: Settings, dsn: str) -> Vault:
    """The vault of this installation. The first start makes the key; a key that is not this database's is refused."""
    with psycopg.connect(dsn) as connection, connection.transaction():
        row = connection.execute("SELECT key_fingerprints FROM installation FOR UPDATE").fetchone()
        known: list[str] = row[0] if row else []
        source = _FileSource(settings.encryption_key_file)
        keys = _from_environment(settings) or source.read()
        if not keys:
            if known:
                raise NotReady(
                    f"The encryption key is missing: {settings.encryption_key_file} is not there.",
                    hint="Put the file back, or set ENCRYPTION_KEY. Without the key no secret can be read.",
                )
            keys = [Key.mint()]
            _write(settings.encryption_key_file, keys)
        prints = [key.fingerprint.hex() for key in keys]
        if not known:
            connection.execute("UPDATE installation SET key_fingerprints = %s", (prints,))
        elif not set(prints) & set(known):
            raise NotReady(
                f"This encryption key ({prints[0]}) is not the one of this database ({', '.join(known)}).",
                hint="Use the key that this installation was made with, or another database.",
            )
    return Vault(keys) if settings.encryption_keys else Vault(keys, source=source)


def rotate_keys(settings: Settings, dsn: str, *, actor: Actor) -> Rotation:
    with psycopg.connect(dsn, autocommit=True) as connection:
        # One at a time: of two that minted at once, the slower one's file would forget the key of the quicker one.
        connection.execute("SELECT pg_advisory_lock(%s)", (_ROTATING,))
        row = connection.execute("SELECT key_fingerprints FROM installation").fetchone()
        known = row[0] if row else []
        new, old = keys = _two_keys(settings, known=known)
        vault = Vault(keys)
        prints = [key.fingerprint.hex() for key in keys]
        if known != prints:
            _know(connection, prints, _entry(actor, "key.rotation_begun", before=known, after=prints))
        values = sum(_seal_again(connection, vault, column) for column in SEALED_COLUMNS)
        _know(connection, prints[:1], _entry(actor, "key.rotated", before=prints, after=prints[:1]))
        if not settings.encryption_keys:
            _write(settings.encryption_key_file, [new])
    return Rotation(old.fingerprint.hex(), new.fingerprint.hex(), values)


def _know(connection: psycopg.Connection, prints: list[str], entry: AuditEntry) -> None:
    with connection.transaction():
        connection.execute("UPDATE installation SET key_fingerprints = %s", (prints,))
        record_last(connection, entry)


def _entry(actor: Actor, action: str, *, before: list[str], after: list[str]) -> AuditEntry:
    target = ("installation", "key", "the encryption key")
    return AuditEntry(actor, action, *target, before={"fingerprints": before}, after={"fingerprints": after})


def _two_keys(settings: Settings, *, known: list[str]) -> list[Key]:
    """The new one and the old one; in a file that holds only the old one, the new one is made."""
    keys = _load(settings)
    if known and not {key.fingerprint.hex() for key in keys} & set(known):
        raise NotReady("No key here is the one of this database.", hint="Use the key of this installation.")
    if not settings.encryption_keys and len(keys) == 1:
        keys = [Key.mint(), *keys]
        _write(settings.encryption_key_file, keys)
    if len(keys) != 2:
        raise NotReady(
            "Rotation needs two keys: the new one and the old one.",
            hint="Set ENCRYPTION_KEY to NEW,OLD for every process, restart them, run this again, then leave only NEW.",
        )
    return keys


def _seal_again(connection: psycopg.Connection, vault: Vault, sealed: SealedColumn) -> int:
    column = sql.Identifier(sealed.column)
    names = {
        "table": sql.Identifier(sealed.table),
        "key": sql.Identifier(sealed.key),
        "column": column,
        "value": sql.SQL("decode({} ->> 'sealed', 'hex')").format(column) if sealed.is_json else column,
        "new": sql.SQL("jsonb_build_object('sealed', encode(%s, 'hex'))" if sealed.is_json else "%s"),
    }
    select = sql.SQL("SELECT {key}, {value} FROM {table} WHERE substr({value}, 2, 4) <> %s LIMIT %s FOR UPDATE").format(
        **names
    )
    update = sql.SQL("UPDATE {table} SET {column} = {new} WHERE {key} = %s").format(**names)
    newest = bytes.fromhex(vault.fingerprint)
    done = 0
    while True:
        with connection.transaction():
            rows = connection.execute(select, (newest, _BATCH)).fetchall()
            if not rows:
                # Nobody may be about to commit a value of the old key: wait for writers, and look once more.
                connection.execute(sql.SQL("LOCK TABLE {table} IN EXCLUSIVE MODE").format(**names))
                rows = connection.execute(select, (newest, _BATCH)).fetchall()
            if not rows:
                return done
            for row, value in rows:
                place = Place(sealed.table, row, sealed.column)
                connection.execute(update, (vault.seal(place, vault.open(place, bytes(value))), row))
            done += len(rows)


def _load(settings: Settings) -> list[Key]:
    return _from_environment(settings) or _read(settings.encryption_key_file)


def _from_environment(settings: Settings) -> list[Key]:
    return [Key(text) for text in settings.encryption_keys]


def _read(path: Path) -> list[Key]:
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise NotReady(
            f"The key file {path} cannot be read: {error}.", hint="It must belong to the user that runs Bakery."
        ) from error
    if mode & 0o077:
        raise NotReady(f"Others may read the key file {path}.", hint=f"Run: chmod 600 '{path}'")
    return [Key(Secret(line.strip())) for line in text.splitlines() if line.strip()]


def _write(path: Path, keys: list[Key]) -> None:
    _write_private(path, "".join(f"{key.text.reveal()}\n" for key in keys))


def _write_private(path: Path, text: str) -> None:
    """All of it or nothing, 0600, and on disk before anything depends on it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except OSError as error:
        raise NotReady(
            f"{path} cannot be written: {error}.", hint="Bakery's data folder must be writable, with space left."
        ) from error


class _FileSource:
    """Gives the keys of a file when it has changed since the last look: a rotation reaches processes that run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None

    def read(self) -> list[Key]:
        stamp = self._stamp()  # first: what is written while we read is seen at the next look
        keys = _read(self._path)
        self._seen = stamp
        return keys

    def __call__(self) -> list[Key] | None:
        return None if self._stamp() in {None, self._seen} else self.read()

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
