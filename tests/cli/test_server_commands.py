"""What whoever has access to the server runs there."""

import json
import signal
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.cli.conftest import Terminal
from tests.cli.server import Server, a_server, environ_for
from tests.support.serving import Serving


def test_serve_answers_and_ends_when_it_is_told_to(migrated_database_url: str, tmp_path: Path) -> None:
    with a_server(migrated_database_url, tmp_path) as server:
        assert httpx.get(f"{server.url}/healthz").text == "ok\n"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0


def test_a_database_without_tables_is_migrated_once(database_url: str, tmp_path: Path) -> None:
    console = Terminal(environ_for(database_url, tmp_path))
    results = [json.loads(console.run("migrate", "--json").stdout) for _ in range(2)]
    assert [result["migrated"] for result in results] == [True, False]
    assert results[0]["schema"] == results[1]["schema"]


@pytest.mark.parametrize(
    "words", [("admin", "create", "ada@example.com"), ("audit", "verify"), ("keys", "rotate")], ids=" ".join
)
def test_no_other_command_migrates_under_a_running_bakery(
    database_url: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    schema = "SELECT to_regclass('alembic_version')"
    refused = Terminal(environ_for(database_url, tmp_path)).run(*words)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("The database has no schema yet; this Bakery works with ")
    assert "run: bakery migrate" in refused.stderr
    with psycopg.connect(database_url) as connection:
        assert connection.execute(schema).fetchone() == (None,)


def test_the_key_is_rotated(migrated_database_url: str, tmp_path: Path) -> None:
    console = Terminal(environ_for(migrated_database_url, tmp_path))
    console.run("admin", "create", "ada@example.com")
    first, second = (json.loads(console.run("keys", "rotate", "--json").stdout) for _ in range(2))
    assert first["new"] == second["old"] != second["new"]


def test_an_admin_without_a_password_gets_a_link(console: Terminal, server: Server) -> None:
    made = json.loads(console.run("admin", "create", "root@example.com", "--json").stdout)
    assert made["email"] == "root@example.com"
    assert made["url"].startswith(f"{server.url}/reset/")
    assert console.run("admin", "create", "root@example.com").exit_code == 1


def test_a_password_comes_on_stdin(console: Terminal) -> None:
    made = console.run("admin", "create", "pat@example.com", "--password-stdin", stdin="correct horse battery\n")
    assert made.stdout == "pat@example.com is an Admin and can sign in.\n"
    assert console.run("admin", "create", "sam@example.com", "--password-stdin", stdin="short\n").exit_code == 2
    assert console.run("admin", "create", "sam@example.com", "--password-stdin").exit_code == 2


def test_a_token_made_on_the_server_works(console: Terminal, shell: Terminal) -> None:
    made = json.loads(console.run("admin", "token", "ada@example.com", "--json").stdout)
    assert list(made) == ["token"]
    other = Terminal({**shell.environ, "BAKERY_TOKEN": made["token"]})
    assert json.loads(other.run("whoami", "--json").stdout)["scope"] == "admin"


def test_a_link_for_a_new_password_is_for_somebody_who_is_there(console: Terminal) -> None:
    assert "/reset/" in console.run("admin", "reset", "ada@example.com", "--second-factor").stdout
    assert console.run("admin", "reset", "nobody@example.com").exit_code == 4


def test_the_audit_is_whole_and_its_newest_seal_can_be_compared(migrated_database_url: str, tmp_path: Path) -> None:
    console = Terminal(environ_for(migrated_database_url, tmp_path))
    console.run("admin", "create", "ada@example.com")

    report = json.loads(console.run("audit", "verify", "--json").stdout)

    assert (report["whole"], report["sealed"], report["fault"]) == (True, 0, None)
    assert report["waiting"] > 0
    forged = tmp_path / "seal.json"
    forged.write_text(json.dumps({"position": 1, "audit_id": 1, "hash": "00" * 32}))
    assert console.run("audit", "verify", "--against", str(forged)).exit_code == 1
    forged.write_text("{}")
    assert console.run("audit", "verify", "--against", str(forged)).exit_code == 2


def test_a_seal_that_is_not_there_yet_is_not_exported(migrated_database_url: str, tmp_path: Path) -> None:
    exported = tmp_path / "seal.json"
    result = Terminal(environ_for(migrated_database_url, tmp_path)).run("audit", "verify", "--export", str(exported))
    assert result.exit_code == 1
    assert "Nothing is sealed yet" in result.stderr
    assert not exported.exists()


def test_the_doctor_finds_a_healthy_server_well(console: Terminal) -> None:
    report = json.loads(console.run("doctor", "--json").stdout)
    states = {check["check"]: check["state"] for check in report["checks"]}
    assert {
        name: states[name] for name in ("settings", "data folder", "key", "database", "clock", "audit's rows", "port")
    } == {
        "settings": "ok",
        "data folder": "ok",
        "key": "ok",
        "database": "ok",
        "clock": "ok",
        "audit's rows": "ok",
        "port": "ok",
    }


def test_the_doctor_says_what_is_wrong_and_what_to_do(migrated_database_url: str, tmp_path: Path) -> None:
    environ = environ_for(migrated_database_url, tmp_path)
    console = Terminal(environ)
    console.run("admin", "create", "ada@example.com")
    key = Path(environ["BAKERY_DATA_DIR"], "encryption.key")
    key.chmod(0o644)

    report = console.run("doctor")

    assert report.exit_code == 1
    assert f"✕ key          Others may read {key}.\n               Run: chmod 600 '{key}'\n" in report.stdout


def test_the_doctor_says_that_a_proxy_is_not_listed(console: Terminal) -> None:
    behind = Terminal({**console.environ, "BAKERY_BASE_URL": "https://bakery.example.com"})
    told = behind.run("doctor").stdout
    assert "✕ proxies      People reach Bakery at https://bakery.example.com, so through a proxy, and none" in told
    assert "               Set BAKERY_TRUSTED_PROXIES to its address, like 127.0.0.1.\n" in told
    listed = Terminal({**behind.environ, "BAKERY_TRUSTED_PROXIES": "127.0.0.1"}).run("doctor").stdout
    assert "✓ proxies      What 127.0.0.1 says about callers is believed.\n" in listed


def test_a_misspelt_setting_is_a_note_of_the_doctor_and_a_warning_at_start(
    console: Terminal, migrated_database_url: str, tmp_path: Path
) -> None:
    told = Terminal({**console.environ, "BAKERY_HSOT": "127.0.0.1"}).run("doctor")
    sentence = "BAKERY_HSOT is not a setting of Bakery; do you mean BAKERY_HOST?"
    assert f"- settings     {sentence}\n" in told.stdout
    bakery = Serving(
        tmp_path,
        {"DATABASE_URL": environ_for(migrated_database_url, tmp_path)["DATABASE_URL"], "BAKERY_HSOT": "127.0.0.1"},
        arguments=["--role", "web"],
    )
    bakery.start()
    bakery.stop()
    assert sentence in bakery.said()


def test_the_doctor_reads_settings_first(tmp_path: Path) -> None:
    report = Terminal({"BAKERY_PORT": "none", "HOME": str(tmp_path)}).run("doctor")
    assert report.exit_code == 1
    assert report.stdout.startswith("✕ settings     BAKERY_PORT: “none” is not a port")


def test_looking_makes_nothing(tmp_path: Path) -> None:
    environ = {"BAKERY_DATA_DIR": str(tmp_path / "control"), "BAKERY_NODE_DIR": str(tmp_path / "node")}
    Terminal({**environ, "HOME": str(tmp_path)}).run("doctor")
    assert list(tmp_path.iterdir()) == []


def test_a_database_in_use_without_its_key_is_a_problem(migrated_database_url: str, tmp_path: Path) -> None:
    environ = environ_for(migrated_database_url, tmp_path)
    console = Terminal(environ)
    assert "- database     Bakery was never started on it.\n" in console.run("doctor").stdout
    console.run("admin", "create", "ada@example.com")
    key = Path(environ["BAKERY_DATA_DIR"], "encryption.key")
    key.unlink()

    report = console.run("doctor")

    assert "✕ database     It is in use, and its key is not there.\n" in report.stdout
    assert not key.exists()
