import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from bakery.delivery.local import Address, ensure_local_node
from bakery.store.queue import Queue
from bakery.store.store import Store
from tests.cli.conftest import Terminal
from tests.cli.server import Server
from tests.support.git_server import GitServer, a_git_server
from tests.support.machine import machine_of, node_in


@pytest.fixture(autouse=True, scope="module")
def _node(server: Server, live_store: Store, portal: BlockingPortal) -> None:
    """This machine, for apps that nobody deploys."""
    machine = machine_of(portal.call(node_in, Path(server.environ["BAKERY_NODE_DIR"]), None))
    portal.call(
        ensure_local_node, live_store, Queue(live_store), machine, Address(public=None, apps_domain="localhost")
    )


@pytest.fixture
def git() -> Iterator[GitServer]:
    with a_git_server() as git:
        git.repository("shop").commit("First", {"app.py": "1"})
        yield git


def test_an_app_is_made_with_its_repository_and_deployed(shell: Terminal, git: GitServer) -> None:
    made = shell.run("apps", "create", "git-1", "--command", "true", "--repo", git.url("shop"))
    assert made.output == (
        f"git-1 is made, and follows main of {git.url('shop')}. Deploy it with: bakery deploy git-1\n"
    )
    assert "Deployment #1 is queued." in shell.run("deploy", "git-1").output
    assert git.url("shop") in shell.run("source", "show", "git-1").output


def test_a_repository_that_does_not_answer_makes_no_app(shell: Terminal, git: GitServer) -> None:
    done = shell.run("apps", "create", "git-2", "--command", "true", "--repo", git.url("shpo"))
    assert done.exit_code == 2
    assert done.stderr.splitlines()[0].startswith("--repo: There is no repository at")
    assert "There is no such app." in shell.run("apps", "show", "git-2").stderr


def test_a_token_is_read_from_stdin_and_forgotten(shell: Terminal, git: GitServer) -> None:
    shell.run("apps", "create", "git-3", "--command", "true")
    git.wants["shop"] = ("x-access-token", "t0ken")
    denied = shell.run("source", "set", "git-3", "--repo", git.url("shop"))
    assert denied.exit_code == 2
    done = shell.run("source", "set", "git-3", "--repo", git.url("shop"), "--token-stdin", stdin="t0ken\n")
    assert done.output == f"git-3 follows main of {git.url('shop')}. Deploy it with: bakery deploy git-3\n"
    assert shell.run("source", "forget-token", "git-3").output == "The token of git-3 is forgotten.\n"


def test_a_deploy_key_is_printed_alone(shell: Terminal) -> None:
    shell.run("apps", "create", "git-4", "--command", "true")
    key = shell.run("source", "key", "git-4").output
    assert key.startswith("ssh-ed25519 ")
    assert key.count("\n") == 1
    assert "deployed from folders" in shell.run("source", "show", "git-4").output


def test_a_folder_has_no_branches(shell: Terminal, tmp_path: Path) -> None:
    shell.run("apps", "create", "git-5", "--command", "true")
    (tmp_path / "app.py").write_text("1")
    refused = shell.run("deploy", "git-5", "--dir", str(tmp_path), "--ref", "main")
    assert (refused.exit_code, refused.stderr) == (2, "--ref: A folder has no branches. Say --dir or --ref.\n")


def test_what_is_not_named_of_a_repository_stays(shell: Terminal, git: GitServer) -> None:
    shell.run("apps", "create", "git-6", "--command", "true")
    nothing = shell.run("source", "set", "git-6", "--branch", "main")
    assert (nothing.exit_code, nothing.stderr) == (
        2, "git-6 follows nothing yet. Say --repo URL or --image REF.\n",
    )  # fmt: skip
    shell.run("source", "set", "git-6", "--repo", git.url("shop"), "--base", "web", "--no-submodules")
    done = shell.run("source", "set", "git-6", "--branch", "main", "--json")
    found = json.loads(done.output)
    assert (found["url"], found["branch"], found["base"], found["submodules"]) == (
        git.url("shop"), "main", "web", False,
    )  # fmt: skip


def test_what_is_said_of_an_image_is_not_said_of_a_repository(shell: Terminal, git: GitServer) -> None:
    shell.run("apps", "create", "git-7", "--command", "true", "--repo", git.url("shop"))
    port = shell.run("source", "set", "git-7", "--port", "80")
    assert port.stderr == "--port: The source is a repository, of which this is not said.\n"
    both = shell.run("source", "set", "git-7", "--repo", git.url("shop"), "--image", "nginx")
    assert both.stderr == "--image: Name a repository or an image, not both.\n"
    branch = shell.run("source", "set", "git-7", "--image", "nginx", "--branch", "main")
    assert branch.stderr == "--branch: The source is an image, of which this is not said.\n"
    process = shell.run("source", "set", "git-7", "--image", "nginx")
    assert process.stderr.startswith("image: git-7 does not run in Docker, so it cannot be deployed from an image.\n")
    nobody = shell.run("apps", "create", "hub", "--image", "nginx", "--registry-user", "ci")
    assert nobody.stderr == "There is no terminal to ask at; use --password-stdin.\n"
    alone = shell.run("apps", "create", "hub", "--registry-user", "ci")
    assert alone.stderr.startswith("--image: This is said of an image.\n")


def test_who_waits_for_a_deployment_hears_that_a_newer_one_took_its_place(shell: Terminal, git: GitServer) -> None:
    shell.run("apps", "create", "git-9", "--command", "true", "--repo", git.url("shop"))
    shell.run("deploy", "git-9")
    shell.run("deploy", "git-9")
    done = shell.run("logs", "git-9", "--deployment", "1", "--follow")
    assert done.exit_code == 6
    assert done.stdout.endswith("Deployment #1 of git-9: superseded: a newer one took its place before it began.\n")
    assert done.stderr == "Hint: See what came after it: bakery deployments git-9\n"
