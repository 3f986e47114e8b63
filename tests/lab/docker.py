"""The Docker engine that carries the nodes: the one that answers on this machine, or one that the lab starts."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.processes import pid_in, program_of
from tests.support.waiting import wait_until

SOCKET = "unix:///var/run/docker.sock"
PID_FILE = Path("/var/run/docker.pid")
CONTAINERD_PID_FILE = Path("/var/run/docker/containerd/containerd.pid")


@dataclass(frozen=True)
class Docker:
    """A client of the engine."""

    client: str

    def attempt(self, *argv: str, stdin: bytes = b"", timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self.client, "--host", SOCKET, *argv], input=stdin, capture_output=True, timeout=timeout, check=False
        )

    def run(self, *argv: str, stdin: bytes = b"", timeout: float = 60) -> str:
        done = self.attempt(*argv, stdin=stdin, timeout=timeout)
        if done.returncode != 0:
            raise LabError(f"docker {argv[0]} failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode().strip()

    def answers(self) -> bool:
        return self.attempt("version").returncode == 0


def find_client() -> Docker:
    """The packaged client first: it matches the packaged engine, while another one in PATH may be of any age."""
    packaged = "/usr/bin/docker"
    client = packaged if Path(packaged).exists() else shutil.which("docker")
    if client is None:
        raise LabError("There is an engine but no docker client here. Install Debian's package docker.io.")
    return Docker(client)


def start_engine(docker: Docker, folder: Path) -> None:
    """Start an engine whose images and containers lie below `folder`, unless one answers already."""
    if docker.answers():
        return
    forget_stale(PID_FILE, "dockerd")
    forget_stale(CONTAINERD_PID_FILE, "containerd")
    log = folder / "dockerd.log"
    with log.open("wb") as output:
        # Forked away by setsid, because it serves whoever opens the lab next as well.
        subprocess.run(
            ["setsid", "--fork", "dockerd", _data_root(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=True,
        )
    try:
        wait_until(docker.answers, what="the Docker engine answers", seconds=30)
    except TimeoutError as error:
        raise LabError(
            f"dockerd does not start here. Its last words, from {log}:\n{log.read_text()[-2000:]}"
        ) from error


def stop_engine(folder: Path) -> None:
    """Stop the engine that `start_engine` started on this folder; any other is left alone."""
    pid = pid_in(PID_FILE)
    if pid is None or program_of(pid) != "dockerd":
        return
    if _data_root(folder) not in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
        return
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: program_of(pid) is None, what="dockerd stops", seconds=30)


def _data_root(folder: Path) -> str:
    return f"--data-root={folder / 'docker'}"


def forget_stale(pid_file: Path, program: str) -> None:
    """A pid file that outlived a crash may name a stranger: dockerd would then refuse to start, or even kill it."""
    pid = pid_in(pid_file)
    if pid is not None and program_of(pid) != program:
        pid_file.unlink()
