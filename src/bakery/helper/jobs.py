"""Durable jobs on a node.

    job-start KEY [--follow]   takes the job as a line of JSON (see Spec); prints its status; again is harmless
    job-follow KEY FROM        prints the log's bytes from an offset on, until the job is over
    job-status KEY             prints a line of JSON
    job-cancel KEY             ends all its processes within 10 s, and prints the status; harmless when it is over
    job-remove KEY             forgets a job that is over
    job-forget KEY …           ends and forgets them
    job-list                   prints the keys with their states

With --follow the status is the first line of the output, and what comes after it is the log from its first byte on. Who
follows a job to its end is told the status then, among the errors.

FOLDER/jobs/KEY holds `log`, what the program wrote, in order; `exit`, how it ended, written last and whole; `boot` and
`process`, which boot of the machine and which process of it watches over the job; `lock`, for the verbs; `fault`, blank
unless the watching has one; `note`, what a program of the helper's own says of how it ended; `life`, which the watcher
has locked while it lives. Only one process can ever make `process`, and that one runs the program: what has it was
begun, and is never begun again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bakery.helper.accounts import account_of
from bakery.helper.build_steps import processes_of_build
from bakery.helper.descendants import descendants, signal_all
from bakery.helper.files import empty, make_folder
from bakery.helper.job import KEY, LONGEST_JOB, RESERVED, Job, Work, told, write_exit
from bakery.helper.job_unit import enter_unit
from bakery.helper.job_watch import CANCEL, GRACE, ROUND, let_go_of_all_but_streams, telling_faults, watch_over
from bakery.helper.libc import LIBC
from bakery.helper.processes import began_at, has_systemd, processes, send, spawn
from bakery.helper.verbs import Verb
from bakery.helper.words import LONGEST_INPUT, is_text, say, whole_number, write_all

VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]{0,200}")
FIELDS = {
    "argv", "account", "folder", "environment", "stdin", "memory_bytes", "cpu_percent", "seconds", "log_bytes",
}  # fmt: skip
LONGEST_START = 10.0  # seconds
CHUNK = 256 * 1024
IN_MODIFY, IN_MOVED_TO, IN_DELETE = 0x2, 0x80, 0x200


class Spec(Work):
    """A program of the caller's. It is checked here, because the caller may be hostile."""

    def __init__(self, text: bytes) -> None:
        try:
            self.told = told = json.loads(text)
        except (ValueError, RecursionError):
            sys.exit("The job is not described in JSON.")
        if not isinstance(told, dict) or set(told) != FIELDS:
            sys.exit(f"A job is described by exactly these: {', '.join(sorted(FIELDS))}.")
        argv, environment, self.folder = told["argv"], told["environment"], told["folder"]
        if not isinstance(argv, list) or not all(map(is_text, argv)) or not any(argv[:1]):
            sys.exit("argv has to be a list of texts that begins with a program.")
        if not isinstance(environment, dict) or not all(map(VARIABLE.fullmatch, environment)):
            sys.exit("environment has to be an object whose names are those of variables.")
        if not all(map(is_text, environment.values())):
            sys.exit("The values of environment have to be texts without NUL.")
        self.argv, self.environment = argv, environment
        if self.folder is not None and not (is_text(self.folder) and self.folder.startswith("/")):
            sys.exit("folder has to be an absolute path.")
        if told["stdin"] is not None and not is_text(told["stdin"], may_hold_nul=True):
            sys.exit("stdin has to be a text.")
        self.stdin = (told["stdin"] or "").encode()
        self.account = account_of(told["account"])
        self.memory_bytes = self.limit("memory_bytes", 1024 * 1024, 2**50)
        self.cpu_percent = self.limit("cpu_percent", 1, 100_000)
        self.seconds = whole_number(told, "seconds", 1, LONGEST_JOB)
        self.log_bytes = whole_number(told, "log_bytes", 0, 2**50)

    def limit(self, name: str, least: int, most: int) -> int | None:
        return None if self.told[name] is None else whole_number(self.told, name, least, most)


# The verbs.


def start(job: Job, *follows: str) -> None:
    start_job(job, Spec(sys.stdin.buffer.readline(LONGEST_INPUT)), *follows)


def start_job(job: Job, spec: Work, *follows: str) -> None:
    make_folder(job.folder.parent, 0o711)
    with locked(job, make=True):
        if not job.is_begun():
            begin(job, spec)
    say(job.status())
    if follows:
        follow(job, "0")


def follow(job: Job, from_byte: str) -> None:
    """A reader that goes away ends us, also while the job is quiet."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if not job.log.exists():
        sys.exit("There is no such job.")
    log, position = os.open(job.log, os.O_RDONLY), int(from_byte)
    changes = LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)  # negative: the machine has no more of these
    poll = select.poll()
    poll.register(1, 0)  # that nobody reads any more is reported unasked
    if changes >= 0:
        LIBC.inotify_add_watch(changes, os.fsencode(job.folder), IN_MODIFY | IN_MOVED_TO | IN_DELETE)
        poll.register(changes, select.POLLIN)
    while True:
        is_over = job.status()["state"] != "running"  # looked at before the log, which then is whole
        copied = copy_out(log, position)
        position += copied
        if is_over:
            sys.stderr.write(f"{json.dumps(job.status())}\n")
            return
        if copied:
            time.sleep(0.005)  # a chatty program's lines go together
        if any(descriptor == 1 for descriptor, _ in poll.poll(1000 if changes >= 0 else 50)):
            return
        with contextlib.suppress(OSError):
            os.read(changes, CHUNK)


def status(job: Job) -> None:
    say(job.status())


def cancel(job: Job) -> None:
    end(job)
    say(job.status())


def end(job: Job) -> None:
    with locked(job):  # a start that is under way comes first
        state = job.status()["state"]
    if state == "running":
        send(*job.watcher(), CANCEL)
        deadline = time.monotonic() + GRACE + 2
        while job.status()["state"] == "running" and time.monotonic() < deadline:
            time.sleep(ROUND)
        if job.status()["state"] == "running":
            end_by_force(job)
            write_exit(job, job.folder / f"exit.{os.getpid()}", told("cancelled", "was cancelled by force"))
    elif state == "lost":
        end_by_force(job)


def remove(job: Job) -> None:
    """Under another name first: a folder that is half removed would look like one that was never begun."""
    with locked(job) as is_there:
        state = job.status()["state"]
        if state == "running":
            sys.exit("The job still runs. Cancel it first.")
        if state == "lost":
            end_by_force(job)
        empty(job.removed)
        if is_there:
            job.folder.rename(job.removed)
            empty(job.removed)


def forget(root: Path, *keys: str) -> None:
    for job in [Job(root, key) for key in keys]:
        end(job)
        remove(job)


def list_jobs(root: Path) -> None:
    folder = root / "jobs"
    keys = [entry.name for entry in folder.iterdir() if re.fullmatch(KEY, entry.name)] if folder.exists() else []
    say({"jobs": {key: Job(root, key).status()["state"] for key in sorted(keys)}})


def copy_out(log: int, position: int) -> int:
    began = position
    while True:
        chunk = os.pread(log, CHUNK, position)
        if not chunk:
            return position - began
        write_all(1, chunk)
        position += len(chunk)


# Beginning a job.


@contextlib.contextmanager
def locked(job: Job, *, make: bool = False) -> Iterator[bool]:
    """Verbs that change a job take turns. False: it has no folder."""
    while True:
        if make:
            make_folder(job.folder, 0o750)
        elif not job.folder.exists():
            yield False
            return
        with contextlib.suppress(FileNotFoundError):  # it was removed just now
            lock = os.open(job.lock, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if job.lock.stat().st_ino == os.fstat(lock).st_ino:
                break
            os.close(lock)
    try:
        yield True
    finally:
        os.close(lock)


def begin(job: Job, spec: Work) -> None:
    """Returns when the job has a watcher that nothing here can end any more."""
    job.fault.write_bytes(RESERVED)
    fork_away(job, spec)
    deadline = time.monotonic() + LONGEST_START
    while not job.is_begun():
        fault = job.fault.read_text().strip()
        if fault:
            sys.exit(f"The job could not begin: {fault}")
        if time.monotonic() > deadline:
            sys.exit("The job did not begin in time.")
        time.sleep(0.002)


def fork_away(job: Job, spec: Work) -> None:
    """A process of nobody's, that lets go of all that the caller has open."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    try:
        with telling_faults(job):
            let_go_of_all_but_streams()
            os.chdir("/")
            os.environ.clear()
            if has_systemd():
                enter_unit(job, spec)
            watch_over(job, spec)
    finally:
        os._exit(0)


# Ending one.


def end_by_force(job: Job) -> None:
    """All that can be found of a job, its watcher too, until nothing is found."""
    if has_systemd():
        os.waitpid(spawn("/usr/bin/systemctl", "kill", "--signal=KILL", job.unit), 0)
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        left = remains(job)
        if not left:
            return
        signal_all(left, signal.SIGKILL)
        time.sleep(ROUND)


def remains(job: Job) -> list[tuple[int, str]]:
    """What Docker runs for it, what descends from the watcher, then the watcher, and whatever bears the job's key."""
    found = processes_of_build(job.key) if os.geteuid() == 0 else []
    with contextlib.suppress(FileNotFoundError, ValueError):
        process, began = job.watcher()
        if began_at(process) == began:
            found += [*descendants(process), (process, began)]
    mark = f"BAKERY_JOB={job.key}".encode()
    for process, _, began in processes():
        with contextlib.suppress(OSError):
            if mark in Path(f"/proc/{process}/environ").read_bytes().split(b"\0"):
                found.append((process, began))
    return found


def in_folder(act: Callable[..., None]) -> Callable[..., None]:
    """A verb of one job, which the caller names by its key."""
    return lambda root, key, *more: act(Job(root, key), *more)


VERBS = {
    "start": Verb(in_folder(start), f"{KEY}(\0--follow)?"),
    "follow": Verb(in_folder(follow), f"{KEY}\0[0-9]{{1,18}}"),
    "status": Verb(in_folder(status), KEY),
    "cancel": Verb(in_folder(cancel), KEY),
    "remove": Verb(in_folder(remove), KEY),
    "forget": Verb(forget, f"{KEY}(\0{KEY}){{0,99}}"),
    "list": Verb(list_jobs),
}
