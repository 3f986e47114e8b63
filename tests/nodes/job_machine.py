"""This machine as one that jobs run on: the real helper, called as root or as an ordinary user."""

import contextlib
import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bakery.nodes.helper_file import helper_file
from bakery.nodes.jobs import JobKey, new_job_key
from tests.support.waiting import wait_until

PYTHON = Path("/usr/bin/python3")  # every user may run it, unlike one that lies in somebody's folder
Status = dict[str, object]


@dataclass(frozen=True)
class JobMachine:
    """`user` calls the helper, and `account` is what root's jobs run as."""

    root: Path
    user: int
    account: str | None

    @property
    def program(self) -> tuple[str, ...]:
        return (str(PYTHON), "-I", "-S", str(self.root / "helper"), "--root", str(self.root / "node"))

    def popen(
        self, *words: str, before: tuple[str, ...] = (), environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*before, *self.program, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            user=None if self.user == os.geteuid() else self.user,
            extra_groups=None if self.user == os.geteuid() else [],
            cwd="/",
            env=dict(environment or {}),
        )

    def attempt(
        self,
        *words: str,
        stdin: bytes = b"",
        before: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        with self.popen(*words, before=before, environment=environment) as process:
            output, errors = process.communicate(stdin, timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, output, errors)

    def ask(self, *words: str, stdin: bytes = b"", before: tuple[str, ...] = ()) -> Status:
        done = self.attempt(*words, stdin=stdin, before=before)
        assert (done.returncode, done.stderr) == (0, b"")
        answer: Status = json.loads(done.stdout)
        return answer

    def spec(self, *argv: str, **more: object) -> bytes:
        told = {
            "argv": argv, "account": self.account, "folder": None, "environment": {}, "stdin": None,
            "memory_bytes": None, "cpu_percent": None, "seconds": 60, "log_bytes": 10**9, **more,
        }  # fmt: skip
        return json.dumps(told).encode() + b"\n"

    def start(self, *argv: str, key: JobKey | None = None, before: tuple[str, ...] = (), **more: object) -> JobKey:
        key = key or new_job_key()
        self.ask("job-start", key, stdin=self.spec(*argv, **more), before=before)
        return key

    def status(self, key: JobKey) -> Status:
        return self.ask("job-status", key)

    def finish(self, key: JobKey, *, seconds: float = 20) -> Status:
        wait_until((self.folder(key) / "exit").exists, what="the job's end", seconds=seconds)
        return self.status(key)

    def folder(self, key: JobKey) -> Path:
        return self.root / "node" / "jobs" / key

    def log(self, key: JobKey) -> bytes:
        return (self.folder(key) / "log").read_bytes()

    def watcher(self, key: JobKey) -> int:
        return int((self.folder(key) / "process").read_text().split()[0])

    def in_log(self, key: JobKey, text: bytes) -> None:
        wait_until(lambda: text in self.log(key), what=f"{text!r} in the log")

    def end_all(self) -> None:
        """Nothing of a test may live on, however it ended."""
        for folder in (self.root / "node" / "jobs").glob("j*"):
            self.attempt("job-cancel", folder.name)


@contextlib.contextmanager
def job_machine(*, as_root: bool) -> Iterator[JobMachine]:
    root = Path(tempfile.mkdtemp(prefix="bakery-jobs-"))
    root.chmod(0o755)
    (root / "helper").write_bytes(helper_file())
    (root / "helper").chmod(0o755)
    (root / "node").mkdir()
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        user = os.geteuid()
        if user == 0 and not as_root:
            user = pwd.getpwnam("nobody").pw_uid
            os.chown(root / "node", user, -1)
        machine = JobMachine(root, user, stack.enter_context(an_account()) if as_root else None)
        stack.callback(machine.end_all)
        yield machine


@contextlib.contextmanager
def an_account() -> Iterator[str]:
    """One of those that Bakery makes for environments."""
    name = f"bk-{secrets.token_hex(8)}"
    subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", name], check=True, capture_output=True)
    try:
        yield name
    finally:
        subprocess.run(["userdel", name], check=True, capture_output=True)


def is_alive(process: int) -> bool:
    return state_of(process) not in "ZX"


def state_of(process: int) -> str:
    """The kernel's letter for it; X: there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
