"""A node: a container that boots Debian like a server does."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.docker import Docker
from tests.lab.errors import LabError, PortTaken
from tests.support.waiting import wait_until

SSH, HTTP, HTTPS = 22, 80, 443
# What systemd and an engine inside need, short of --privileged: that asks for capabilities which a machine may lack.
CAPABILITIES = (
    "--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--cap-drop=SYS_TIME",
    "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined",
)  # fmt: skip
MOUNTS = (
    "--tmpfs=/run", "--tmpfs=/run/lock", "--tmpfs=/tmp:exec",
    "--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw", "--volume=/var/lib/docker",
)  # fmt: skip
# Where a node finds what earlier nodes have downloaded; every user there may have a cache of their own in it.
DOWNLOADS = "/var/cache/downloads"


@dataclass(frozen=True)
class Node:
    """A running machine; `ports` tells where its services are reached on 127.0.0.1."""

    name: str
    docker: Docker
    key: Path
    ports: Mapping[int, int]
    has_systemd: bool = True

    def attempt(self, *argv: str, stdin: bytes = b"", timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
        """Run a command as root, past SSH; its exit code is the caller's to judge."""
        return self.docker.attempt("exec", "--interactive", self.name, *argv, stdin=stdin, timeout=timeout)

    def run(self, *argv: str, stdin: bytes = b"", timeout: float = 60) -> str:
        """What a command that must succeed printed."""
        done = self.attempt(*argv, stdin=stdin, timeout=timeout)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace").strip()
            raise LabError(f"On {self.name}, {argv} ended with {done.returncode}: {said}")
        return done.stdout.decode().strip()

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        """Write a file, and the folders above it."""
        self.run("install", "-D", f"--mode={mode:o}", "/dev/stdin", path, stdin=content)

    def ssh(self, *argv: str) -> list[str]:
        """The command that reaches this node over SSH as root; a node's host key is as young as the node."""
        return [
            "ssh", "-i", str(self.key), "-p", str(self.ports[SSH]), "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "root@127.0.0.1", *argv,
        ]  # fmt: skip

    def reboot(self) -> None:
        """Files stay, all that lay in /run and /tmp is gone."""
        self.docker.run("restart", self.name)
        if self.has_systemd:
            wait_for_boot(self.docker, self.name)

    def remove(self) -> None:
        remove_container(self.docker, self.name)


def boot(docker: Docker, image: str, *, node: Node, labels: Mapping[str, str], downloads: Path) -> None:
    """Start a container and return when its systemd has started every unit, sshd among them.

    Without systemd nothing runs but a first process that takes care of orphans.
    """
    init = ("--stop-signal=SIGRTMIN+3", image) if node.has_systemd else ("--init", image, "sleep", "infinity")
    argv = (
        "run", "--detach", f"--name={node.name}", f"--hostname={node.name}", "--env=container=docker",
        *(f"--label={key}={value}" for key, value in labels.items()),
        *(f"--publish=127.0.0.1:{outer}:{inner}" for inner, outer in node.ports.items()),
        *CAPABILITIES, *MOUNTS, f"--volume={downloads}:{DOWNLOADS}", *init,
    )  # fmt: skip
    try:
        docker.run(*argv)
    except LabError as error:
        remove_container(docker, node.name)  # the engine keeps what it could not start
        if "port is already allocated" in str(error) or "address already in use" in str(error):
            raise PortTaken(str(error)) from error
        raise
    if not node.has_systemd:
        return
    try:
        wait_for_boot(docker, node.name)
    except LabError:
        node.remove()
        raise


def wait_for_boot(docker: Docker, name: str) -> None:
    try:
        wait_until(lambda: _is_running(docker, name), what=f"{name} boots", seconds=30)
    except TimeoutError as error:
        failed = docker.attempt("exec", name, "systemctl", "--failed", "--no-pager").stdout.decode(errors="replace")
        raise LabError(f"The node {name} did not boot. Units that failed:\n{failed}") from error


def remove_container(docker: Docker, name: str) -> None:
    docker.run("rm", "--force", "--volumes", name)


def _is_running(docker: Docker, name: str) -> bool:
    return docker.attempt("exec", name, "systemctl", "is-system-running", "--wait").stdout.strip() == b"running"
