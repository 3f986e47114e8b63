from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from bakery.delivery.local import Address, ensure_local_node
from bakery.store.queue import Queue
from bakery.store.store import Store
from tests.cli.conftest import Terminal
from tests.cli.server import Server
from tests.support.machine import machine_of, node_in

KEY = "-----BEGIN KEY-----\nMIIE $HOME 'x' \"y\"\n-----END KEY-----\n"


@pytest.fixture(autouse=True, scope="module")
def _node(server: Server, live_store: Store, portal: BlockingPortal) -> None:
    """This machine, for apps that nobody deploys."""
    machine = machine_of(portal.call(node_in, Path(server.environ["BAKERY_NODE_DIR"]), None))
    portal.call(
        ensure_local_node, live_store, Queue(live_store), machine, Address(public=None, apps_domain="localhost")
    )


def an_app(shell: Terminal, slug: str) -> None:
    assert shell.run("apps", "create", slug, "--command", "true").exit_code == 0


def test_variables_are_set_listed_and_exported(shell: Terminal) -> None:
    an_app(shell, "env-1")
    done = shell.run("env", "set", "env-1", "LEVEL=info", "TITLE=The = shop", "--plain")
    assert done.output == "Saved as version 1: +LEVEL +TITLE. Make it live with: bakery apply env-1\n"
    assert shell.run("env", "set", "env-1", "LEVEL=info").output == "Nothing changed.\n"

    listed = shell.run("env", "list", "env-1").output
    assert "LEVEL" in listed
    assert "info" in listed
    assert shell.run("env", "export", "env-1").output == "LEVEL=info\nTITLE='The = shop'\n"


def test_a_value_from_stdin_is_in_no_command(shell: Terminal) -> None:
    an_app(shell, "env-2")
    assert shell.run("env", "set", "env-2", "KEY", "-", stdin=KEY).exit_code == 0
    assert shell.run("env", "set", "env-2", "PASSWORD", "-", stdin="hunter2\n").exit_code == 0
    assert shell.run("env", "reveal", "env-2", "KEY").output == f"{KEY}\n"
    assert shell.run("env", "reveal", "env-2", "PASSWORD").output == "hunter2\n"
    listed = shell.run("env", "list", "env-2").output
    assert "hunter2" not in listed
    assert "••••" in listed


def test_what_is_exported_is_imported_as_it_was(shell: Terminal, tmp_path: Path) -> None:
    an_app(shell, "env-3")
    an_app(shell, "env-4")
    assert shell.run("env", "set", "env-3", "A=1", "KEY", "-", stdin=KEY).exit_code == 0
    exported = shell.run("env", "export", "env-3").output
    (tmp_path / "shop.env").write_text(exported)
    assert shell.run("env", "import", "env-4", str(tmp_path / "shop.env")).exit_code == 0
    assert shell.run("env", "import", "env-4", "-", "--replace", stdin=exported).output == "Nothing changed.\n"
    assert shell.run("env", "export", "env-4").output == exported


def test_an_earlier_version_comes_back(shell: Terminal) -> None:
    an_app(shell, "env-5")
    shell.run("env", "set", "env-5", "A=1")
    shell.run("env", "unset", "env-5", "A")
    assert "-A" in shell.run("env", "history", "env-5").output
    back = shell.run("env", "restore", "env-5", "1")
    assert back.output == "Saved as version 3: +A. Make it live with: bakery apply env-5\n"
    assert "+A (version 1 again)" in shell.run("env", "history", "env-5").output


def test_what_is_wrong_is_told_without_the_value(shell: Terminal, tmp_path: Path) -> None:
    an_app(shell, "env-6")
    for words, stdin, exit_code, told in (
        (("set", "env-6", "PORT=hunter2"), "", 2, "name: Bakery sets PORT itself."),
        (("set", "env-6", "KEY"), "", 2, "KEY=VALUE: Write KEY=VALUE, or KEY - to read the value from stdin."),
        (("import", "env-6", "-"), "A=1\nhunter2\n", 2, "text: Line 2: this is not NAME=value"),
        (("import", "env-6", str(tmp_path / "none")), "", 2, "FILE: It cannot be read: No such file or directory."),
        (("unset", "env-6", "NOTHING"), "", 4, "env-6 has no variable with this name."),
        (("reveal", "env-6", "NOTHING"), "", 4, "env-6 has no variable with this name."),
        (("restore", "env-6", "7"), "", 4, "The variables of env-6 have no version 7."),
    ):
        ended = shell.run("env", *words, stdin=stdin)
        assert (ended.exit_code, ended.stderr.partition("\n")[0].startswith(told)) == (exit_code, True), ended.stderr
        assert "hunter2" not in ended.output


def test_applying_what_is_not_live_needs_something_live(shell: Terminal) -> None:
    an_app(shell, "env-7")
    ended = shell.run("apply", "env-7")
    assert (ended.exit_code, ended.stderr.splitlines()[0]) == (1, "env-7 was never deployed.")
