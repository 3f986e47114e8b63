"""The lab keeps its promises: a node is a real machine, and nothing of it outlives its owner for long."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.docker import forget_stale
from tests.lab.errors import LabError
from tests.lab.lab import Lab, open_lab, owners_of_nodes
from tests.lab.nodes import HTTP, SSH, Node
from tests.lab.ports import free_port
from tests.lab.processes import identity_of_this_process, is_alive

# Starts a node, tells its name, and waits to be killed.
OWNER_TO_KILL = """
import sys
from tests.lab.lab import open_lab
with open_lab() as lab, lab.node() as node:
    print(node.name, flush=True)
    sys.stdin.read()
"""


def test_a_node_runs_systemd_and_all_its_units(node: Node) -> None:
    assert node.run("ps", "-p", "1", "-o", "comm=") == "systemd"
    assert node.run("systemctl", "is-system-running") == "running"


def test_a_node_is_ready_in_five_seconds(lab: Lab) -> None:
    begun = time.monotonic()
    with lab.node() as node:
        node.run("systemctl", "is-active", "ssh.service")
        assert time.monotonic() - begun <= 5.0


def test_sshd_accepts_the_labs_key(node: Node) -> None:
    done = subprocess.run(node.ssh("hostname"), capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{node.name}\n", "")


def test_nginx_accepts_its_configuration_and_serves(node: Node) -> None:
    node.run("nginx", "-t")
    with socket.create_connection(("127.0.0.1", node.ports[HTTP]), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_docker_inside_a_node_runs_a_container(node: Node) -> None:
    loader = "lib64/ld-linux-x86-64.so.2"
    node.run("tar", "-chf", "/tmp/tiny.tar", "-C", "/", "bin/echo", "lib/x86_64-linux-gnu/libc.so.6", loader)  # noqa: S108 - the node's own /tmp
    node.run("docker", "import", "/tmp/tiny.tar", "tiny")  # noqa: S108 - likewise
    assert node.run("docker", "run", "--rm", "tiny", "/bin/echo", "hello") == "hello"


def test_pip_reaches_its_registry_from_inside_a_node(node: Node) -> None:
    node.run("python3", "-m", "venv", "/opt/venv")
    node.run("/opt/venv/bin/pip", "install", "--quiet", "--no-deps", "segno")
    assert node.run("/opt/venv/bin/python", "-c", "import segno; print(segno.make_qr('hello').designator)") == "1-H"


def test_a_file_arrives_with_its_content_and_mode(node: Node) -> None:
    node.put("/srv/new/folder/secret", b"a\0b\n", mode=0o600)
    assert node.attempt("cat", "/srv/new/folder/secret").stdout == b"a\0b\n"
    assert node.run("stat", "--format=%a", "/srv/new/folder/secret") == "600"


def test_nodes_share_neither_host_keys_nor_machine_ids(lab: Lab) -> None:
    with lab.node() as one, lab.node() as other:
        for file in ("/etc/ssh/ssh_host_ed25519_key.pub", "/etc/machine-id"):
            assert one.run("cat", file) != other.run("cat", file)


def test_a_port_that_somebody_else_got_meanwhile_is_exchanged_for_another(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lab.node() as one:
        offered = iter((one.ports[SSH], free_port(), free_port(), free_port(), free_port(), free_port()))
        monkeypatch.setattr("tests.lab.lab.free_port", lambda: next(offered))
        with lab.node() as other:
            assert not set(one.ports.values()) & set(other.ports.values())


def test_a_rebooted_node_keeps_its_files_and_ports(node: Node, lab: Lab) -> None:
    node.put("/srv/kept", b"still here")
    node.reboot()
    assert subprocess.check_output(node.ssh("cat", "/srv/kept"), timeout=10) == b"still here"


def test_a_killed_owner_leaves_nothing_after_the_next_start(lab: Lab) -> None:
    volumes_before = lab.docker.run("volume", "ls", "--quiet")
    with subprocess.Popen(
        [sys.executable, "-c", OWNER_TO_KILL], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        name = owner.stdout.readline().decode().strip()
        owner.send_signal(signal.SIGKILL)
    assert name in owners_of_nodes(lab.docker)
    with open_lab():
        assert name not in owners_of_nodes(lab.docker)
        assert lab.docker.run("volume", "ls", "--quiet") == volumes_before


def test_a_pid_that_somebody_else_got_is_not_the_owner() -> None:
    assert is_alive(identity_of_this_process())
    assert not is_alive(f"{os.getpid()}-1")


def test_a_stale_pid_file_is_forgotten_and_a_true_one_is_kept(tmp_path: Path) -> None:
    stale, true = tmp_path / "stale.pid", tmp_path / "true.pid"
    for file in (stale, true):
        file.write_text(str(os.getpid()))
    forget_stale(stale, "dockerd")
    forget_stale(true, Path("/proc/self/comm").read_text().strip())
    assert (stale.exists(), true.exists()) == (False, True)


def test_without_root_the_lab_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="needs root"), open_lab():
        pass
