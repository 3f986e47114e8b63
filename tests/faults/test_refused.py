"""A start that cannot succeed ends within seconds, with a sentence and a hint, and never with a traceback."""

import base64
import secrets
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.faults.outside import Outside
from tests.faults.site import a_bakery
from tests.support.serving import Serving

WITHIN = 20.0  # seconds, on a busy machine


def refusal(bakery: Serving) -> str:
    """What is said on stderr by a start that is refused."""
    done = subprocess.run(bakery.argv, env=bakery.environ, capture_output=True, text=True, timeout=WITHIN, check=False)
    assert done.returncode not in {0, -9}, done
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    assert "\nHint: " in done.stderr
    return done.stderr


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    bakery = a_bakery(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", bakery.settings.port))
        other.listen()
        assert refusal(bakery) == (
            f"Bakery cannot listen on 127.0.0.1 port {bakery.settings.port}: Address already in use.\n"
            "Hint: Another program may use it (see: ss -ltnp). Stop it, or choose another with --port or BAKERY_PORT.\n"
        )


@pytest.mark.parametrize("place", ["/proc/bakery", "/sys/bakery", "/dev/null", "/dev/null/bakery"])
def test_a_data_folder_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    said = refusal(a_bakery(tmp_path, BAKERY_DATA_DIR=place))
    assert said.startswith(f"The data folder {place} cannot be used: ")
    assert "BAKERY_DATA_DIR" in said


def test_settings_that_are_wrong_are_told_all_at_once(tmp_path: Path) -> None:
    said = refusal(
        a_bakery(
            tmp_path,
            BAKERY_PORT="http",
            BAKERY_HOST="everywhere",
            SESSION_SECRET="short",
            BAKERY_LOG="loud",
            DATABASE_URL="mysql://root@localhost/bakery",
        )
    )
    assert said.splitlines() == [
        "DATABASE_URL: it is not an address like postgresql://user:password@host/database.",
        "SESSION_SECRET: it is shorter than 32 characters.",
        "BAKERY_HOST: “everywhere” is not an IP address; use 127.0.0.1 for this machine only or 0.0.0.0 for all.",
        "BAKERY_PORT: “http” is not a port between 1 and 65535.",
        "BAKERY_LOG: “loud” is not one of debug, info, warning and error.",
        "Hint: Correct the environment or .env; docs/settings.md lists every setting.",
    ]


@pytest.mark.parametrize("role", ["web", "worker"])
def test_a_role_alone_without_a_database_of_all(tmp_path: Path, role: str) -> None:
    said = refusal(a_bakery(tmp_path, "--role", role))
    assert said == (
        "Roles are split with a database that all of them reach.\nHint: Set DATABASE_URL, or leave --role away.\n"
    )


def test_a_database_that_nobody_runs(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        said = refusal(a_bakery(tmp_path, DATABASE_URL=f"postgresql://ada:canary@127.0.0.1:{port}/bakery"))
    assert said.startswith("The server of DATABASE_URL does not let us in: ")
    assert "canary" not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:canary/canary@localhost/bakery",
        "postgresql://ada:can%ary@localhost/bakery",
        "postgresql://ada:canary@[localhost/bakery",
        "postgresql://localhost/bakery?canary=1",
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(tmp_path: Path, url: str) -> None:
    said = refusal(a_bakery(tmp_path, DATABASE_URL=url))
    assert "DATABASE_URL" in said
    assert "can%ary" not in said
    assert "canary" not in said


def test_an_account_or_a_database_that_the_server_does_not_know(tmp_path: Path, outside: Outside) -> None:
    for wrong in (outside.url.replace("user=bakery", "user=somebody"), outside.url.replace("/bakery?", "/other?")):
        said = refusal(a_bakery(tmp_path, DATABASE_URL=wrong))
        assert said.startswith("The server of DATABASE_URL does not let us in: ")


def test_a_newer_schema(tmp_path: Path, outside: Outside) -> None:
    with psycopg.connect(outside.url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    said = refusal(a_bakery(tmp_path, DATABASE_URL=outside.url))
    assert said.startswith("The database has schema 9999; this Bakery knows schemas up to ")
    assert "newer Bakery" in said


def without_key(key: Path) -> None:
    key.unlink()


def with_a_wrong_key(key: Path) -> None:
    key.write_text(base64.b64encode(secrets.token_bytes(32)).decode())


def with_half_a_key(key: Path) -> None:
    key.write_text(key.read_text()[:20])


def with_an_open_key(key: Path) -> None:
    key.chmod(0o644)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (without_key, "The encryption key is missing: "),
        (with_a_wrong_key, "This encryption key ("),
        (with_half_a_key, "The encryption key is not 32 bytes in base64."),
        (with_an_open_key, "Others may read the key file "),
    ],
)
def test_a_key_that_is_not_as_it_should_be(
    tmp_path: Path, outside: Outside, spoil: Callable[[Path], None], sentence: str
) -> None:
    bakery = a_bakery(tmp_path, DATABASE_URL=outside.url)
    spoil(bakery.settings.encryption_key_file)
    assert refusal(bakery).startswith(sentence)


def test_a_second_bakery_on_the_same_folder(tmp_path: Path, bakery: Serving) -> None:
    said = refusal(a_bakery(tmp_path))
    assert said.startswith(f"Another Bakery (process {bakery.process.pid}) uses the database in ")


def test_another_machine_on_the_same_database(tmp_path: Path, outside: Outside) -> None:
    shutil.rmtree(tmp_path / "node")
    said = refusal(a_bakery(tmp_path, DATABASE_URL=outside.url))
    assert said.startswith("The node “local” of this database is another machine")


def test_a_node_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "node-file").touch()
    said = refusal(a_bakery(tmp_path, BAKERY_NODE_DIR=f"{tmp_path}/node-file/node"))
    assert said.startswith(f"The node folder {tmp_path}/node-file/node cannot be used: ")
    assert "BAKERY_NODE_DIR" in said
