"""How the server is set up: small, on one private socket, durable, and quiet about what is stored in it."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from bakery.store.embedded.accounts import Account
from bakery.store.embedded.folders import Folder

DATABASE = "bakery"
ROLE = "bakery"  # owns the database; not a superuser
_AT_WORK = f"/^{ROLE}[a-z0-9_]*_at_work$"  # the roles of `store/guard.py`
_MAP = "bakery"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": "bakery",
    # Small: no processes and no buffers for what we do not use.
    "shared_buffers": "16MB",
    "max_connections": "50",
    "max_worker_processes": "0",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "max_replication_slots": "0",
    "wal_level": "minimal",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "huge_pages": "off",
    "jit": "off",
    # Not in /dev/shm: logind removes what an ordinary user has there at the end of their last session.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Quiet, and what is stored here may be private: an error is logged without the row or the statement that it met.
    "log_line_prefix": "[%p] ",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
SINCE: Mapping[int, Mapping[str, str]] = {
    18: {"io_method": "sync"},  # otherwise three more processes
}


def server_options(major: int, *, cluster: Folder, socket: Folder, access: Folder) -> Iterator[str]:
    """The arguments of `postgres`."""
    yield from ("-D", str(cluster.path))
    newer = {name: value for since, settings in SINCE.items() if major >= since for name, value in settings.items()}
    places = {
        "unix_socket_directories": str(socket.path),
        "hba_file": f"{access.path}/pg_hba.conf",
        "ident_file": f"{access.path}/pg_ident.conf",
    }
    for name, value in {**SETTINGS, **newer, **places}.items():
        yield from ("-c", f"{name}={value}")


def write_access_rules(access: Folder, keeper: Account) -> None:
    """Whom the socket's other end must be: the kernel says so (`peer`), hence there is no password. Root may join."""
    _replace(access.path / "pg_hba.conf", f'local all {ROLE},"{_AT_WORK}" peer map={_MAP}\n')
    names = sorted({"root", keeper.name})
    rules = [f'{_MAP} "{name}" "{role}"\n' for name in names for role in (ROLE, _AT_WORK)]
    _replace(access.path / "pg_ident.conf", "".join(rules))


def _replace(path: Path, text: str) -> None:
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with aside.open("x") as file:  # never through a link that the folder's owner may have put there
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
    aside.replace(path)
