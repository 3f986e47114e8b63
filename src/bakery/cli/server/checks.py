"""What `bakery doctor` looks at. Looking changes nothing."""

import asyncio
import os
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Literal

import psycopg

from bakery import app
from bakery.access.seals import count_overdue
from bakery.cli.server.settings import load_settings, unknown_settings
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, NotReady
from bakery.nodes.look import look
from bakery.settings import Settings
from bakery.store import schema
from bakery.store.guard import find_role
from bakery.store.installation import General, read_general
from bakery.store.keyring import open_vault
from bakery.store.store import Store
from bakery.store.vault import Vault

_LITTLE_SPACE = 1024**3
_CLOCKS_APART = 5.0  # seconds
_KEY_IS_GONE = "Put the key file back, or set ENCRYPTION_KEY. Without the key no secret can be read."


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. A note is worth knowing and needs nobody."""

    check: str
    state: Literal["ok", "note", "problem"]
    text: str
    hint: str = ""

    @classmethod
    def of_error(cls, check: str, error: BakeryError) -> "Finding":
        return cls(check, "problem", error.message, error.hint)


async def examine() -> list[Finding]:
    try:
        settings = load_settings()
    except NotReady as error:
        return [Finding.of_error("settings", error)]
    unknown = [Finding("settings", "note", text, "docs/settings.md lists all.") for text in unknown_settings()]
    sensible = Finding("settings", "ok", "All settings make sense.")
    findings = [sensible, *unknown, _data_folder(settings), _key_file(settings)]
    if all(finding.state != "problem" for finding in findings):
        findings += await _database(settings)
    return [*findings, _port(settings), *_machine(settings)]


def _data_folder(settings: Settings) -> Finding:
    folder = settings.data_dir
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        return Finding("data folder", "note", f"{folder} is not there yet; the first start makes it.")
    except OSError as error:
        return Finding(
            "data folder", "problem", f"{folder}: {error.strerror}.", "Run this as root or as Bakery's user."
        )
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding("data folder", "problem", f"{folder} is not writable.", "Run this as root or as Bakery's user.")
    if mode & 0o077:
        return Finding("data folder", "problem", f"Others may look into {folder}.", f"Run: chmod 700 '{folder}'")
    return Finding("data folder", "ok", f"{folder} is writable and closed to others.")


def _key_file(settings: Settings) -> Finding:
    if settings.encryption_keys:
        return Finding("key", "ok", "The key comes from ENCRYPTION_KEY.")
    path = settings.encryption_key_file
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Finding("key", "note", f"{path} is not there yet; the first start makes it.")
    except OSError as error:
        return Finding("key", "problem", f"{path}: {error.strerror}.", "Run this as root or as Bakery's user.")
    if stat.S_IMODE(mode) & 0o077:
        return Finding("key", "problem", f"Others may read {path}.", f"Run: chmod 600 '{path}'")
    return Finding("key", "ok", f"{path} is closed to others. Keep a copy of it away from this machine.")


async def _database(settings: Settings) -> list[Finding]:
    if not settings.database_url and not (settings.data_dir / "postgres" / "cluster").exists():
        return [Finding("database", "note", "There is none yet; the first start makes it.")]
    try:
        async with app.database(settings) as dsn:
            found = await asyncio.to_thread(_server_and_schema, dsn)
            if found.state != "ok":
                return [found]
            if not settings.encryption_keys and not settings.encryption_key_file.exists():
                return [Finding("database", "problem", "It is in use, and its key is not there.", _KEY_IS_GONE)]
            vault = await asyncio.to_thread(open_vault, settings, dsn)
            async with Store(dsn, vault) as store:
                guard = await asyncio.to_thread(_guard, dsn, vault)
                proxies = _proxies(settings, await read_general(store, settings))
                return [found, await _clock(store), await _audit(store), guard, proxies]
    except BakeryError as error:
        return [Finding.of_error("database", error)]


def _server_and_schema(dsn: str) -> Finding:
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = schema.current(connection)
        version = (connection.info.parameter_status("server_version") or "").partition(" ")[0]
        if found is None:
            return Finding("database", "note", "It is empty; the first start fills it.")
        schema.refuse_unknown(found)
        if found != schema.newest():
            return Finding("database", "problem", f"Schema {found} is behind {schema.newest()}.", "Run: bakery migrate")
        row = connection.execute("SELECT key_fingerprints FROM installation").fetchone()
    if not row or not row[0]:
        return Finding("database", "note", "Bakery was never started on it.")
    return Finding("database", "ok", f"PostgreSQL {version} with schema {found}.")


async def _clock(store: Store) -> Finding:
    async with store.connection() as connection:
        before = time.time()
        row = await (await connection.execute("SELECT extract(epoch FROM clock_timestamp())::float")).fetchone()
    apart = abs(before - row[0]) if row else 0.0
    if apart > _CLOCKS_APART:
        text = f"This machine's clock and the database's are {apart:.0f} seconds apart."
        return Finding("clock", "problem", text, "Let both follow a time server, as with: timedatectl set-ntp true")
    return Finding("clock", "ok", "This machine and the database agree on the time.")


async def _audit(store: Store) -> Finding:
    waiting = await count_overdue(store, actor=Actor.system("cli"))
    if waiting:
        hint = "The worker seals them: is bakery serve running? Its log says more."
        return Finding("audit", "problem", f"{waiting} rows have waited for their seal for over a minute.", hint)
    return Finding("audit", "ok", "No row of the audit waits for its seal.")


def _guard(dsn: str, vault: Vault) -> Finding:
    work = find_role(dsn, vault)
    if work.as_owner:
        hint = "Let the database's user create roles (ALTER ROLE … CREATEROLE), and start Bakery again."
        return Finding("audit's rows", "note", f"Triggers alone keep them: Bakery {work.as_owner}.", hint)
    return Finding("audit's rows", "ok", "Bakery's role in the database may add some, and cannot change them.")


def _proxies(settings: Settings, general: General) -> Finding:
    """Bakery itself speaks plain HTTP: where people reach it encrypted, a proxy stands before it."""
    if settings.trusted_proxies:
        return Finding("proxies", "ok", f"What {', '.join(settings.trusted_proxies)} says about callers is believed.")
    if general.is_encrypted:
        text = f"People reach Bakery at {general.base_url}, so through a proxy, and none is trusted: "
        text += "all of them count as one caller."
        return Finding("proxies", "problem", text, "Set BAKERY_TRUSTED_PROXIES to its address, like 127.0.0.1.")
    return Finding("proxies", "ok", "No proxy is expected.")


def _port(settings: Settings) -> Finding:
    where = f"{settings.host} port {settings.port}"
    try:
        app.listen(settings).close()
    except NotReady as error:
        if _is_bakery(settings):
            return Finding("port", "ok", f"Bakery answers on {where}.")
        return Finding.of_error("port", error)
    return Finding("port", "note", f"{where} is free: Bakery is not running.", "Start it with: bakery serve")


def _is_bakery(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    connection = HTTPConnection(host, settings.port, timeout=3)
    try:
        connection.request("GET", "/healthz", headers={"host": "localhost"})
        return connection.getresponse().read() == b"ok\n"
    except (OSError, HTTPException, socket.gaierror):
        return False
    finally:
        connection.close()


def _machine(settings: Settings) -> Iterator[Finding]:
    facts = look(settings.node_dir)
    if facts["nginx"]:
        yield Finding("nginx", "ok", f"{facts['nginx']} is there.")
    else:
        text = "There is no nginx: a deployment interrupts its app."
        yield Finding("nginx", "note", text, "Install it, as with: apt-get install nginx")
    if facts["has_systemd"]:
        yield Finding("systemd", "ok", "systemd runs here.")
    else:
        yield Finding("systemd", "note", "There is no systemd: Bakery's own supervisor keeps apps running.")
    for name, folder in {"disk": settings.data_dir, "disk of apps": settings.node_dir}.items():
        yield _disk(name, folder)


def _disk(name: str, folder: Path) -> Finding:
    usage = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists()))
    text = f"{usage.free / 1024**3:.1f} GB of {usage.total / 1024**3:.1f} GB are free for {folder}."
    if usage.free < max(_LITTLE_SPACE, usage.total // 20):
        return Finding(name, "problem", text, "Free some space: with a full disk neither builds nor the database work.")
    return Finding(name, "ok", text)
