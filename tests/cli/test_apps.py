"""The commands of everyday work, against a real server."""

import json
import os
import pty
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import BlockingPortal

from bakery.delivery.local import Address, ensure_local_node
from bakery.delivery.work import Patience
from bakery.delivery.worker import register_tasks
from bakery.model.names import UnitName
from bakery.nodes.links import Links
from bakery.nodes.transcript import Transcript
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.web.moments import now
from tests.cli.conftest import Terminal
from tests.cli.server import BAKERY, Server
from tests.delivery.fleet import an_app
from tests.support.machine import machine_of, node_in
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True, scope="module")
def _worker(server: Server, live_store: Store, portal: BlockingPortal) -> Iterator[None]:
    """This machine as the node `local`, without its nginx, and a worker for it."""
    node = portal.call(node_in, Path(server.environ["BAKERY_NODE_DIR"]), None)
    machine, queue = machine_of(node), Queue(live_store)

    async def begin() -> None:
        links = Links(live_store, machine.node, Transcript(live_store, now))
        register_tasks(queue, live_store, links, patience=Patience(check=15, drain=1, warm=0, bake=0))
        await queue.open()
        await ensure_local_node(live_store, queue, machine, Address(public=None, apps_domain="localhost"))

    async def clear() -> None:
        for name in await node.transport.names_in(node.folders.units):
            await node.units.remove(UnitName(name))

    portal.call(begin)
    working = portal.start_task_soon(queue.work)
    yield
    portal.call(queue.stop)
    working.result(timeout=20)
    portal.call(clear)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is deployed: an app that says its version."""
    folder = tmp_path / "work"
    folder.mkdir()
    for name, text in an_app("one").items():
        (folder / name).write_text(text)
    return folder


def test_an_app_is_made_deployed_watched_and_deleted(shell: Terminal, folder: Path) -> None:
    made = shell.run("apps", "create", "shop", "--command", "python3 app.py", "--json")
    assert (made.exit_code, json.loads(made.stdout)["status"]) == (0, "never_deployed")
    what_is_set_is_shown(shell)
    bakerys_own_site_is_off(shell)
    a_dns_provider_is_named_and_forgotten(shell)
    github_is_set_up(shell)

    deployed = shell.run("deploy", "shop", "--dir", str(folder), "--wait")
    assert deployed.exit_code == 0, deployed.output
    assert "Release #1 is live on blue." in deployed.stdout
    assert deployed.stdout.endswith("Deployment #1 of shop: succeeded.\n")

    shown = json.loads(shell.run("apps", "show", "shop", "--json").stdout)
    assert (shown["status"], shown["live_number"]) == ("healthy", 1)
    assert "shop" in shell.run("apps", "list").stdout
    assert "succeeded" in shell.run("deployments", "shop").stdout
    log = json.loads(shell.run("logs", "shop", "--deployment", "1", "--json").stdout)["log"]
    assert log == shell.run("logs", "shop", "--deployment", "1").stdout
    assert json.loads(shell.run("logs", "shop", "--json").stdout)["log"] == "starting one\n"
    assert shell.run("logs", "shop", "--grep", "nothing of that kind", "--since", "5m").stdout == ""
    assert "nothing runs there" in shell.run("logs", "shop", "--slot", "green").stdout
    assert shell.run("logs", "shop", "--since", "yesterday").exit_code == 2
    assert log in deployed.stdout

    (web,) = json.loads(shell.run("scale", "shop", "--json").stdout)["items"]
    assert (web["process"], web["count"]) == ("web", 1)
    refused = shell.run("scale", "shop", "worker=2")
    assert (refused.exit_code, "has no process worker" in refused.output) == (2, True)
    assert "“worker” is not PROCESS=COUNT." in shell.run("scale", "shop", "worker").output

    assert shell.run("env", "set", "shop", "TOKEN=a-canary", "--json").exit_code == 0
    a_command_runs_in_what_is_live(shell)
    a_command_on_a_terminal_has_one(shell)
    whoever_is_gone_has_ended_it(shell)
    with httpx.Client(headers={"authorization": f"Bearer {shell.environ['BAKERY_TOKEN']}"}, trust_env=False) as http:
        done = http.get(f"{shell.environ['BAKERY_URL']}/api/audit").raise_for_status().json()["items"]
    ran = [one["after"]["command"] for one in done if one["action"] == "app.command_ran"]
    assert ran[-1] == "sh -c 'cat; ls; echo $1 >&2; exit 3' sh '••••'"
    assert shell.run("restart", "shop").stdout == "shop is being restarted.\n"
    assert shell.run("stop", "shop").exit_code == 0
    assert json.loads(shell.run("apps", "show", "shop", "--json").stdout)["is_stopped"] is True
    assert shell.run("start", "shop").exit_code == 0

    cloned = json.loads(shell.run("apps", "clone", "shop", "shop-2", "--json").stdout)
    assert (cloned["slug"], cloned["status"], cloned["command"]) == ("shop-2", "never_deployed", ["python3", "app.py"])
    assert "already an app with the name shop-2" in shell.run("apps", "clone", "shop", "shop-2").stderr
    assert shell.run("apps", "delete", "shop-2", "--yes").exit_code == 0

    goes = json.loads(shell.run("apps", "delete", "shop", "--dry-run", "--json").stdout)
    assert (goes["releases"], goes["deployments"], len(goes["ports"])) == (1, 1, 2)
    told = shell.run("apps", "delete", "shop", "--yes")
    assert told.exit_code == 0
    assert [" ".join(line.split()) for line in told.stdout.splitlines()][2:4] == ["Releases 1", "Deployments 1"]
    assert shell.run("apps", "show", "shop").exit_code == 4


def what_is_set_is_shown(shell: Terminal) -> None:
    said = shell.run("apps", "set", "shop", "memory=512", "cpus=0.5", "name=The shop")
    assert said.stdout == "Saved. It takes effect with the next deployment of shop.\n"
    shown = [line.split() for line in shell.run("apps", "show", "shop").stdout.splitlines()]
    assert ["memory", "512", "MB", "set", "here"] in shown
    shell.run("defaults", "set", "drain=10s")
    assert ["drain", "10s", "the", "installation's"] in [
        line.split() for line in shell.run("defaults", "show").stdout.splitlines()
    ]
    shell.run("defaults", "set", "drain=")
    changed = json.loads(shell.run("apps", "set", "shop", "cpus=", "--json").stdout)
    assert (changed["name"], changed["memory_bytes"], changed["cpus"]) == ("The shop", 512 * 1024**2, None)
    refused = shell.run("apps", "set", "shop", "runtime=docker")
    assert (refused.exit_code, "Known are: name, command, health" in refused.output) == (2, True)


def github_is_set_up(shell: Terminal) -> None:
    assert "bakery github configure" in shell.run("github", "status").stdout
    server = ("--client-id", "Iv1.8a61", "--server", "https://git.example.com")
    made = shell.run("github", "configure", *server, "--secret-stdin", stdin="s3cret\n")
    assert made.stdout == "People link their GitHub at https://git.example.com by Iv1.8a61.\n"
    assert "Iv1.8a61" in shell.run("github", "settings").stdout
    assert "/account/github" in shell.run("github", "status").stdout
    assert shell.run("github", "unlink").stdout == "Your GitHub is not linked any more.\n"
    assert "/settings/github/app/new" in shell.run("github", "app").stdout
    assert shell.run("github", "forget-app", "--yes").stdout.startswith("The GitHub App is forgotten here.")
    assert shell.run("github", "forget", "--yes").stdout == "The OAuth app is forgotten.\n"


def bakerys_own_site_is_off(shell: Terminal) -> None:
    assert "Wanted" in shell.run("own-site", "show").stdout
    assert shell.run("own-site", "off").stdout == "The site goes in a moment.\n"
    refused = shell.run("own-site", "on")
    assert (refused.exit_code, "Bakery has no base URL yet" in refused.output) == (2, True)


def a_dns_provider_is_named_and_forgotten(shell: Terminal) -> None:
    words = ("--zone", "example.com", "--server", "192.0.2.53", "--key-name", "bakery-key", "--secret-stdin")
    added = shell.run("dns-providers", "add", "our-bind", *words, stdin="bm90IHRoYXQga2V5\n")
    assert added.stdout == "Names with a star in example.com get certificates by our-bind.\n"
    assert shell.run("dns-providers", "edit", "our-bind", "--wait", "5").stdout == "our-bind is changed.\n"
    assert "192.0.2.53" in shell.run("dns-providers", "list").stdout
    assert shell.run("dns-providers", "remove", "our-bind").stdout == "our-bind is forgotten.\n"
    of_gehirn = ("--plugin", "gehirn", "--zone", "example.com", "--secret-stdin")
    shell.run("dns-providers", "add", "at-gehirn", *of_gehirn, stdin="a-token-of-ours\na-secret-of-ours\n")
    changed = shell.run("dns-providers", "edit", "at-gehirn", "--secret-stdin", stdin="another-token\nanother-secret\n")
    assert changed.stdout == "at-gehirn is changed.\n"
    assert "gehirn" in shell.run("dns-providers", "list").stdout
    assert shell.run("dns-providers", "remove", "at-gehirn").stdout == "at-gehirn is forgotten.\n"


def a_command_runs_in_what_is_live(shell: Terminal) -> None:
    script = "cat; ls; echo $1 >&2; exit 3"
    ran = subprocess.run(
        [BAKERY, "run", "shop", "--", "sh", "-c", script, "sh", "a-canary"],
        env=os.environ | shell.environ, input=b"typed\n", capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, b"typed\napp.py\n", b"a-canary\n")
    told = shell.run("run", "shop", "--json", "--", "sh", "-c", "kill -9 $$")
    assert (told.exit_code, json.loads(told.stdout)) == (
        137, {"exit_status": -9, "reason": "was ended by SIGKILL", "output": "", "errors": ""},
    )  # fmt: skip


def a_command_on_a_terminal_has_one(shell: Terminal) -> None:
    """Every key is the command's, ^C too."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (33, 101))
    script = "trap 'echo caught; exit 5' INT; echo ready; stty size; while :; do sleep 0.05; done"
    running = subprocess.Popen(
        [BAKERY, "run", "shop", "--", "sh", "-c", script],
        env=os.environ | shell.environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while b"33 101" not in seen:
        seen += os.read(ours, 4096)
    os.write(ours, b"\x03")
    assert running.wait(timeout=20) == 5
    os.close(ours)


def whoever_is_gone_has_ended_it(shell: Terminal) -> None:
    def runs() -> bool:
        return subprocess.run(["pgrep", "-f", "^sleep 4719"], stdout=subprocess.DEVNULL, check=False).returncode == 0

    running = subprocess.Popen([BAKERY, "run", "shop", "--", "sleep", "4719"], env=os.environ | shell.environ)
    wait_until(runs, what="it runs", seconds=20)
    running.kill()
    running.wait()
    wait_until(lambda: not runs(), what="it has ended", seconds=20)


def test_going_back_and_what_was_live(shell: Terminal, folder: Path) -> None:
    shell.run("apps", "create", "twice", "--command", "python3 app.py")
    assert shell.run("releases", "twice").stdout == "Nothing of twice was live yet.\n"
    for version in ("one", "two"):
        (folder / "app.py").write_text(an_app(version)["app.py"])
        assert shell.run("deploy", "twice", "--dir", str(folder), "--wait").exit_code == 0

    back = shell.run("rollback", "twice", "--wait")

    assert back.exit_code == 0, back.output
    assert back.stdout.endswith("Deployment #3 of twice: succeeded.\n")
    rows = json.loads(shell.run("releases", "twice", "--json").stdout)["items"]
    assert [(row["number"], row["is_live"], row["is_kept"]) for row in rows] == [(2, False, True), (1, True, True)]
    assert "Rollback to #1" in shell.run("deployments", "twice").stdout
    nothing = shell.run("rollback", "twice")
    assert (nothing.exit_code, nothing.stderr.splitlines()[0]) == (
        1,
        "There is no earlier release of twice to go back to.",
    )
    again = shell.run("rollback", "twice", "2", "--todays-variables")
    assert again.stdout == (
        "Deployment #4 of twice goes back to release #2. Follow it with: bakery logs twice --deployment 4 --follow\n"
    )


def test_a_deployment_that_fails_is_the_exit_code(shell: Terminal, folder: Path) -> None:
    (folder / "app.py").write_text("import sys; sys.exit('no oven')")
    shell.run("apps", "create", "broken", "--command", "python3 app.py")

    failed = shell.run("deploy", "broken", "--dir", str(folder), "--wait", "--json")

    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["state"] == "failed"
    assert "no oven" in failed.stderr
    assert shell.run("logs", "broken", "--deployment", "1", "--follow").exit_code == 1
    assert "nothing runs there" in shell.run("logs", "broken").stdout


def test_a_deployment_waits_for_its_time_and_is_cancelled(shell: Terminal, folder: Path) -> None:
    shell.run("apps", "create", "later", "--command", "python3 app.py")
    asked = shell.run("deploy", "later", "--dir", str(folder), "--at", "2999-01-01T03:00", "--json")
    assert json.loads(asked.stdout)["state"] == "scheduled"

    unsure = shell.run("cancel", "later")
    assert (unsure.exit_code, unsure.stderr) == (2, "Say which one.\nHint: Scheduled: 1.\n")
    for words in (("cancel", "later", "0"), ("logs", "later", "--deployment", "0")):
        assert shell.run(*words).exit_code == 4  # not the newest
    assert shell.run("cancel", "later", "1").stdout == "Deployment #1 of later is cancelled.\n"
    nothing = shell.run("cancel", "later")
    assert (nothing.exit_code, nothing.stderr.splitlines()[0]) == (1, "No deployment of later waits or runs.")


def test_refusals_have_their_exit_codes(shell: Terminal, folder: Path) -> None:
    assert shell.run("apps", "create", "Shop!", "--command", "true").exit_code == 2
    assert shell.run("apps", "create").exit_code == 2
    assert shell.run("apps", "show", "nothing").exit_code == 4
    assert shell.run("deploy", "nothing", "--dir", str(folder)).exit_code == 4


def test_an_environment_that_an_app_does_not_have_is_not_found(shell: Terminal) -> None:
    assert shell.run("apps", "create", "staged", "--command", "true", "--env", "staging").exit_code == 2
    assert shell.run("apps", "create", "staged", "--command", "true", "--env", "production").exit_code == 0
    for env in ("staging", ""):
        assert shell.run("apps", "delete", "staged", "--yes", "--env", env).exit_code == 4
    assert shell.run("environments", "add", "staged", "staging").exit_code == 0
    listed = json.loads(shell.run("environments", "list", "staged", "--json").stdout)
    assert [one["environment"] for one in listed["items"]] == ["production", "staging"]
    assert shell.run("apps", "delete", "staged", "--yes", "--env", "staging").stdout.endswith(
        "staging of staged is being deleted.\n"
    )
    assert shell.run("apps", "show", "staged").exit_code == 0
    assert shell.run("apps", "delete", "staged", "--yes", "--env", "production").exit_code == 0


def test_what_would_be_another_address_is_no_name(shell: Terminal) -> None:
    for name in ("", ".", "..", "/", "../users"):
        refused = shell.run("apps", "delete", name, "--yes")
        assert (refused.exit_code, refused.stderr) == (2, f"“{name}” is not a name.\n")


def test_where_there_is_no_terminal_the_option_is_named(shell: Terminal) -> None:
    shell.run("apps", "create", "kept", "--command", "true")
    refused = shell.run("apps", "delete", "kept")
    assert (refused.exit_code, refused.stderr) == (2, "There is no terminal to ask at; use --yes.\n")
    assert shell.run("apps", "show", "kept").exit_code == 0


def test_a_node_tells_what_is_free_and_what_would_go(shell: Terminal) -> None:
    told = shell.run("nodes", "prune", "local", "--dry-run")
    assert told.exit_code == 0, told.output
    assert " are free at /" in told.stdout
    found = json.loads(shell.run("nodes", "prune", "local", "--json").stdout)
    assert set(found) == {"free", "leftovers", "bytes", "notes"}
    assert all(place["free_bytes"] > 0 for place in found["free"])


def test_nodes_are_listed_and_shown(shell: Terminal) -> None:
    assert [node["slug"] for node in json.loads(shell.run("nodes", "list", "--json").stdout)["items"]] == ["local"]
    assert "Limits" in shell.run("nodes", "show", "local").stdout
