"""The data: made once, aside, and given its name when it is complete, so that a kill half-way costs nothing."""

import os
import secrets
import shutil

from bakery.model.errors import NotReady
from bakery.store.embedded import binaries, programs
from bakery.store.embedded.accounts import Account, bound_to_us
from bakery.store.embedded.binaries import Binaries
from bakery.store.embedded.configuration import DATABASE, ROLE
from bakery.store.embedded.folders import Folder
from bakery.store.embedded.home import CLUSTER

_ASIDE = "unfinished-"
_ROOM_NEEDED = 128 * 2**20  # an empty one takes 46 MB, and must be able to grow
_FIRST_STATEMENTS = f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n"


async def ensure_cluster(home: Folder, runner: Account) -> Binaries:
    """Makes the cluster where there is none. Returns the binaries that fit it."""
    cluster = home.path / CLUSTER
    fitting = binaries.within_reach(binaries.fitting(cluster, shown=home.shown / CLUSTER), runner)
    for leftover in home.path.glob(f"{_ASIDE}*"):
        shutil.rmtree(leftover, ignore_errors=True)  # its initdb may just be clearing it too
    if not cluster.exists():
        await _make(home, runner, fitting)
    return fitting


async def _make(home: Folder, runner: Account, postgresql: Binaries) -> None:
    free = shutil.disk_usage(home.path).free
    if free < _ROOM_NEEDED:
        raise NotReady(
            f"A new database needs {_ROOM_NEEDED >> 20} MB, and {home.shown} has {free >> 20} MB left.",
            hint="Free some space, or choose another BAKERY_DATA_DIR.",
        )
    name = f"{_ASIDE}{secrets.token_hex(4)}"
    home.make(name)
    with home.opened(name, owner=runner) as aside:
        await _initialise(aside, runner, postgresql)
    (home.path / name).rename(home.path / CLUSTER)
    os.fsync(home.fd)


async def _initialise(aside: Folder, runner: Account, postgresql: Binaries) -> None:
    options = ["--username=postgres", "--auth=peer", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"]
    await _run([postgresql.program("initdb"), "-D", str(aside.path), *options], aside, runner)
    # Single-user mode: the database and its owner are there before anyone can connect, and no superuser ever does.
    single = [postgresql.program("postgres"), "--single", "-D", str(aside.path)]
    settings = ["-c", "exit_on_error=on", "-c", "log_checkpoints=off"]
    await _run([*single, *settings, "postgres"], aside, runner, stdin=_FIRST_STATEMENTS)


async def _run(argv: list[str], aside: Folder, runner: Account, *, stdin: str = "") -> None:
    outcome = await programs.run(bound_to_us(argv, runner), stdin=stdin, folders=[aside.fd])
    if outcome.status != 0:
        raise NotReady(
            f"A new database could not be made in {aside.shown.parent}: {outcome.last_words}",
            hint="Is the disk full or read-only? Start again when it is mended: this begins anew.",
        )
