"""Durable jobs on a node.

    job-start KEY [--follow]   takes the job as a line of JSON (see Spec); prints its status; again is harmless
    job-follow KEY FROM        prints the log's bytes from an offset on, until the job is over
    job-status KEY             prints a line of JSON
    job-cancel KEY             ends all its processes within 10 s, and prints the status; harmless when it is over
    job-remove KEY             forgets a job that is over
    job-list                   prints the keys with their states

With --follow the status is the first line of the output, and what comes after it is the log from its first byte on.

FOLDER/jobs/KEY holds `log`, what the program wrote, in order; `exit`, how it ended, written last and whole; `boot` and
`process`, which boot of the machine and which process of it watches over the job; `lock`, for the verbs; `fault`, blank
unless the watching has one; `note`, what a program of the helper's own says of how it ended. Only one process can
ever make `process`, and that one runs the program: what has it was begun, and is never begun again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import re
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bakery.helper.accounts import account_of, become
from bakery.helper.build_steps import processes_of_build
from bakery.helper.children import status_of
from bakery.helper.descendants import descendants, signal_all, signal_descendants
from bakery.helper.files import empty, let_agent_read, make_folder, sync_folder, write_over, write_whole
from bakery.helper.job_log import PIPE, Log
from bakery.helper.libc import LIBC
from bakery.helper.processes import PATHS, began_at, has_systemd, processes, send, spawn
from bakery.helper.verbs import Verb
from bakery.helper.words import LONGEST_INPUT, is_text, say, sentence, whole_number, write_all

HANDED = Path("/run/bakery/jobs")  # a job on its way to its unit; gone when the unit has read it
KEY = "j[0-9a-f]{24}"
VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]{0,200}")
FIELDS = {
    "argv", "account", "folder", "environment", "stdin", "memory_bytes", "cpu_percent", "seconds", "log_bytes",
}  # fmt: skip
LONGEST_JOB = 30 * 24 * 3600
LONGEST_START = 10.0  # seconds
LAST_WORDS = 0.5  # for what a program leaves behind to end by itself
GRACE = 5.0  # between asking processes to end and ending them
ROUND = 0.05  # between two looks at what does not end at once
NEVER = float("inf")
RESERVED = b" " * 4096  # on the disk, for a word that must be written when the disk is full
CHUNK = 256 * 1024
F_SETPIPE_SZ = 1031
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 1, 15, 36
IN_MODIFY, IN_MOVED_TO, IN_DELETE = 0x2, 0x80, 0x200
CANCEL = signal.SIGUSR1
STOPS = {CANCEL: "cancelled", signal.SIGTERM: "lost"}  # SIGTERM comes from a machine that shuts down


class Job:
    """Where a job lies, and what its files say of it."""

    def __init__(self, root: Path, key: str) -> None:
        self.root, self.key = root, key
        self.unit = f"bakery-job-{key}.service"
        self.handed = HANDED / key
        self.folder = root / "jobs" / key
        self.removed = self.folder.with_name(f".{key}")
        self.log, self.exit, self.boot, self.process, self.lock, self.fault, self.note = (
            self.folder / name for name in ("log", "exit", "boot", "process", "lock", "fault", "note")
        )

    def is_begun(self) -> bool:
        return self.process.exists() or self.exit.exists()

    def drop_handed(self) -> None:
        with contextlib.suppress(OSError):  # it is only ever there for root, where there is systemd
            self.handed.unlink()

    def watcher(self) -> tuple[int, str]:
        """The process that watches over it, and when it began: the same number later is another process."""
        process, began = self.process.read_text().split()
        return int(process), began

    def status(self) -> dict[str, object]:
        status = self._ended() or (self._unended() if self.process.exists() else told("unknown"))
        if status["state"] != "running":
            status = self._ended() or status  # it may have ended while we looked
        return {**status, "log_bytes": self.log.stat().st_size if self.log.exists() else 0}

    def _ended(self) -> dict[str, object] | None:
        try:
            ended: dict[str, object] = json.loads(self.exit.read_text())
        except FileNotFoundError:
            return None
        return ended

    def _unended(self) -> dict[str, object]:
        try:
            if self.boot.read_text() != this_boot():
                return told("lost", "the machine was started anew while it ran")
            process, began = self.watcher()
        except (FileNotFoundError, ValueError):
            return told("lost", "its files are damaged")
        if began_at(process) == began:
            return told("running")
        return told("lost", "the process that watched over it is gone")


class Work:
    """What a job does, as its watcher needs to know. `told` says it all, in JSON. `own`: a program of the helper's own
    in place of `argv`, which is given the node's folder; a start of Python would take longer than many of these do.
    """

    told: dict[str, object]
    argv: list[str]
    own: Callable[[Path], None] | None = None
    account: pwd.struct_passwd
    folder: str | None
    environment: dict[str, str]
    stdin: bytes
    memory_bytes: int | None
    cpu_percent: int | None
    seconds: int
    log_bytes: int


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
    start_job(job, Spec(sys.stdin.buffer.readline(LONGEST_INPUT)), "job-main", *follows)


def start_job(job: Job, spec: Work, main: str, *follows: str) -> None:
    """`main` is the verb that the job's unit says."""
    make_folder(job.folder.parent, 0o711)
    with locked(job, make=True):
        if not job.is_begun():
            begin(job, spec, main)
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
    say(job.status())


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
    job.drop_handed()


def list_jobs(root: Path) -> None:
    folder = root / "jobs"
    keys = [entry.name for entry in folder.iterdir() if re.fullmatch(KEY, entry.name)] if folder.exists() else []
    say({"jobs": {key: Job(root, key).status()["state"] for key in sorted(keys)}})


def run_unit(job: Job) -> None:
    """What a job's unit says."""
    with telling_faults(job):
        watch_over(job, Spec(job.handed.read_bytes()))


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


def begin(job: Job, spec: Work, main: str) -> None:
    """Returns when the job has a watcher that nothing here can end any more."""
    job.fault.write_bytes(RESERVED)
    try:
        wait_until_begun(job, start_unit(job, spec, main) if has_systemd() else fork_away(job, spec))
    finally:
        job.drop_handed()


def wait_until_begun(job: Job, starting: int) -> None:
    deadline = time.monotonic() + LONGEST_START
    while not job.is_begun():
        if starting:
            ended, failed = os.waitpid(starting, os.WNOHANG)
            starting = 0 if ended else starting
            if failed:  # all the same a start that was killed may have left a unit that begins just now
                deadline = time.monotonic() + 3
        fault = job.fault.read_text().strip()
        if fault:
            sys.exit(f"The job could not begin: {fault}")
        if time.monotonic() > deadline:
            sys.exit("The job did not begin in time.")
        time.sleep(0.002)


def start_unit(job: Job, spec: Work, main: str) -> int:
    """The process that starts it, which is not waited for. The unit's cgroup holds all of the job; systemd may forget
    the unit when it has ended: how it did is told by the folder.
    """
    make_folder(HANDED.parent, 0o755)
    make_folder(HANDED, 0o700)
    write_over(job.handed, json.dumps(spec.told).encode())
    properties = [
        "Type=exec", "KillMode=control-group", "OOMPolicy=continue", "TasksMax=4096", "TimeoutStopSec=10",
        f"RuntimeMaxSec={spec.seconds + 60}",
    ]  # fmt: skip
    if spec.memory_bytes:
        properties += [f"MemoryMax={spec.memory_bytes}", "MemorySwapMax=0"]
    if spec.cpu_percent:
        properties += [f"CPUQuota={spec.cpu_percent}%"]
    return spawn(
        "/usr/bin/systemd-run", "--quiet", "--collect", f"--unit={job.unit}", f"--description=Bakery's job {job.key}",
        *(f"--property={one}" for one in properties), "--",
        sys.executable, "-IS", str(Path(sys.argv[0]).resolve()), "--root", str(job.root), main, job.key,
    )  # fmt: skip


def fork_away(job: Job, spec: Work) -> int:
    """Where there is no systemd for us: a process of nobody's, that lets go of all that the caller has open."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    if os.fork():
        os._exit(0)
    try:
        with telling_faults(job):
            let_go_of_all_but_streams()
            os.chdir("/")
            watch_over(job, spec)
    finally:
        os._exit(0)


def let_go_of_all_but_streams() -> None:
    signal.set_wakeup_fd(-1)
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2:
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(descriptor)


@contextlib.contextmanager
def telling_faults(job: Job) -> Iterator[None]:
    """Whoever starts the job reads there why it could not begin."""
    nothing, faults = os.open(os.devnull, os.O_RDWR), os.open(job.fault, os.O_WRONLY)
    for ours, standard in ((nothing, 0), (nothing, 1), (faults, 2)):
        os.dup2(ours, standard)
    try:
        yield
    except (SystemExit, OSError) as error:
        os.write(2, sentence(error).encode())
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
        raise


# Watching over a job.


def watch_over(job: Job, spec: Work) -> None:
    """The whole life of a job's watcher."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what a program forks away comes to us
    rate_as_victim(-900)
    signals = hear({signal.SIGCHLD, *STOPS})
    log = Log(job.log, spec.log_bytes)
    let_agent_read(job.log, 0o640)
    let_agent_read(job.folder, 0o750)
    aside = job.folder / f"exit.{os.getpid()}"
    aside.write_bytes(RESERVED)
    write_whole(job.boot, this_boot())
    if not claim(job):
        aside.unlink()
        return
    job.drop_handed()
    ended = run(job, spec, log, signals)
    log.end()
    if log.unwritten:
        add_reason(ended, f"{log.unwritten} bytes of its log could not be written: {log.trouble}")
    write_exit(job, aside, ended)


def claim(job: Job) -> bool:
    """Only one can ever do this. It is on the disk before the program starts."""
    aside = job.folder / f"process.{os.getpid()}"
    aside.write_text(f"{os.getpid()} {began_at(os.getpid())}\n")
    try:
        os.link(aside, job.process)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    sync_folder(job.folder)
    sync_folder(job.folder.parent)
    return True


def run(job: Job, spec: Work, log: Log, signals: int) -> dict[str, object]:
    output, into = os.pipe()
    os.set_blocking(output, False)
    with contextlib.suppress(OSError):  # a user has only so much of this
        fcntl.fcntl(output, F_SETPIPE_SZ, PIPE)
    program, trouble = launch(job, spec, into)
    os.close(into)
    if trouble:
        os.waitpid(program, 0)
        return told("exited", trouble, 127)
    stop, exit_status = watch(program, output, log, signals, Stopping(spec.seconds))
    if stop == "lost":
        return told("lost", "was ended from outside: the machine was shut down, or somebody stopped its unit")
    reasons = {"cancelled": "was cancelled", "timed_out": f"did not end within {spec.seconds} s and was stopped"}
    note = job.note.read_text() if job.note.exists() else ""
    ended = told(stop or "exited", reasons.get(stop) or note or ending(exit_status), exit_status)
    killed = out_of_memory(job)
    if killed:
        add_reason(ended, f"out of memory: the kernel ended {killed} of its processes")
    return ended


class Stopping:
    """Whether a job has to end and why, when its processes are asked to, and when they are ended."""

    def __init__(self, seconds: float) -> None:
        self.why = ""
        self.ask_at, self.kill_at = time.monotonic() + seconds, NEVER

    def begin(self, *, within: float = 0) -> None:
        if self.kill_at == NEVER:
            self.ask_at = min(self.ask_at, time.monotonic() + within)

    def go_on(self, *, is_running: bool) -> None:
        now = time.monotonic()
        if now >= self.ask_at:
            self.why = self.why or ("timed_out" if is_running else "")
            signal_descendants(signal.SIGTERM)
            self.ask_at, self.kill_at = NEVER, now + GRACE
        if now >= self.kill_at:
            signal_descendants(signal.SIGKILL)
            self.kill_at = now + ROUND

    def milliseconds(self) -> float:
        """Until something has to be done again; poll cannot wait for weeks."""
        return min(max(0.0, min(self.ask_at, self.kill_at) - time.monotonic()), 3600) * 1000 + 1


def watch(program: int, output: int, log: Log, signals: int, stopping: Stopping) -> tuple[str, int]:
    """Returns when nothing of the job is left, with why it was stopped, if it was, and the program's exit status."""
    exit_status: int | None = None
    poll = select.poll()
    poll.register(signals, select.POLLIN)
    poll.register(output, select.POLLIN)
    is_open = True
    while True:
        stopping.go_on(is_running=exit_status is None)
        poll.poll(stopping.milliseconds())
        if is_open and log.copy(output) == 0:
            poll.unregister(output)
            is_open = False
        for number in STOPS.keys() & heard(signals):
            stopping.why = stopping.why or (STOPS[number] if exit_status is None else "")
            stopping.begin()
        ended, is_all = reap(program)
        if ended is not None:
            exit_status = ended
            stopping.begin(within=LAST_WORDS)
        if is_all and exit_status is not None:
            while log.copy(output) > 0:
                pass
            return stopping.why, exit_status


def reap(program: int) -> tuple[int | None, bool]:
    """The program's exit status, if it has ended just now; and whether no child is left: orphans are our children."""
    exit_status = None
    while True:
        try:
            process, how = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return exit_status, True
        if not process:
            return exit_status, False
        if process == program:
            exit_status = os.waitstatus_to_exitcode(how)


def hear(numbers: set[signal.Signals]) -> int:
    """From now on these signals are read from a descriptor, and those that a terminal or a full disk sends are not."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    arriving, leaving = os.pipe()
    os.set_blocking(arriving, False)
    os.set_blocking(leaving, False)
    signal.set_wakeup_fd(leaving, warn_on_full_buffer=False)
    return arriving


def heard(signals: int) -> set[int]:
    try:
        return set(os.read(signals, 4096))
    except BlockingIOError:
        return set()


# The program.


def launch(job: Job, spec: Work, output: int) -> tuple[int, str]:
    """Its process, and why it could not start, if so."""
    stdin = os.memfd_create("stdin")
    write_all(stdin, spec.stdin)
    os.lseek(stdin, 0, os.SEEK_SET)
    trouble, tell = os.pipe()
    watcher = os.getpid()
    program = os.fork()
    if not program:
        become_program(job, spec, watcher, (stdin, output, output), tell)
    os.close(stdin)
    os.close(tell)
    with os.fdopen(trouble, "rb") as said:  # until it closes, which it does when the program starts
        return program, said.read().decode(errors="replace")


def become_program(job: Job, spec: Work, watcher: int, streams: tuple[int, int, int], tell: int) -> None:
    """Never returns. What the caller names is touched only as the account, and when there is no way back."""
    own = spec.own
    doing = f"become {spec.account.pw_name}"
    try:
        rate_as_victim(500)
        os.setsid()
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        for standard, ours in enumerate(streams):
            os.dup2(ours, standard)
        if os.isatty(0):  # the terminal of its session: the one for which ^C is a signal
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        become(spec.account)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != watcher:
            os._exit(127)
        doing = f"enter {spec.folder}"
        os.chdir(spec.folder or "/")
        if spec.folder is None:
            with contextlib.suppress(OSError):  # an account may have no home
                os.chdir(spec.account.pw_dir)
        if own is not None:
            for number in (signal.SIGPIPE, signal.SIGXFSZ):  # as Python begins
                signal.signal(number, signal.SIG_IGN)
            let_go_of_all_but_streams()
            LIBC.prctl(PR_SET_NAME, b"bakery-work", 0, 0, 0)  # not its watcher's
            os._exit(status_of(lambda: own(job.root)))
        doing = f"start {spec.argv[0]}"
        os.execvpe(spec.argv[0], spec.argv, environment_of(job, spec))  # noqa: S606 - no shell, as it should be
    except OSError as error:
        os.write(tell, f"could not {doing}: {error.strerror}".encode(errors="replace"))
    finally:
        os._exit(127)


def environment_of(job: Job, spec: Work) -> dict[str, str]:
    """The job's key comes last: by it we find what outlives its watcher."""
    account = spec.account
    names = {"HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name}
    return {"PATH": PATHS, "LANG": "C.UTF-8", **names, **spec.environment, "BAKERY_JOB": job.key}


# Processes.


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


# The machine.


def this_boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text()


def rate_as_victim(score: int) -> None:
    """When memory runs out, the kernel ends the program and not us, and a job rather than an app."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(score))


def out_of_memory(job: Job) -> int:
    """How many processes the kernel ended in the job's own cgroup, whichever version that is of."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if path.endswith(job.unit) and controllers in ("", "memory"):
            file = f"memory{path}/memory.oom_control" if controllers else f"{path[1:]}/memory.events"
            with contextlib.suppress(OSError):
                counts = dict(count.split() for count in Path("/sys/fs/cgroup", file).read_text().splitlines())
                return int(counts.get("oom_kill", "0"))
    return 0


# Words.


def told(state: str, reason: str = "", exit_status: int | None = None) -> dict[str, object]:
    return {"state": state, "exit_status": exit_status, "reason": reason}


def add_reason(ended: dict[str, object], reason: str) -> None:
    ended["reason"] = f"{ended['reason']}; {reason}" if ended["reason"] else reason


def ending(exit_status: int) -> str:
    if exit_status < 0:
        names = (one.name for one in signal.Signals if one == -exit_status)
        return f"was ended by {next(names, f'signal {-exit_status}')}"
    return f"ended with status {exit_status}" if exit_status else ""


def in_folder(act: Callable[..., None]) -> Callable[..., None]:
    """A verb of one job, which the caller names by its key."""
    return lambda root, key, *more: act(Job(root, key), *more)


# Files.


def write_exit(job: Job, aside: Path, ended: dict[str, object]) -> None:
    """Into the room reserved for it. A disk that refuses even that is asked again for a minute."""
    ended["reason"] = str(ended["reason"])[:300]
    for _ in range(60):
        try:
            write_over(aside, json.dumps(ended).encode())
            aside.replace(job.exit)
            sync_folder(job.folder)
        except OSError:
            time.sleep(1)
        else:
            return


def copy_out(log: int, position: int) -> int:
    began = position
    while True:
        chunk = os.pread(log, CHUNK, position)
        if not chunk:
            return position - began
        write_all(1, chunk)
        position += len(chunk)


VERBS = {
    "start": Verb(in_folder(start), f"{KEY}(\0--follow)?"),
    "follow": Verb(in_folder(follow), f"{KEY}\0[0-9]{{1,18}}"),
    "status": Verb(in_folder(status), KEY),
    "cancel": Verb(in_folder(cancel), KEY),
    "remove": Verb(in_folder(remove), KEY),
    "main": Verb(in_folder(run_unit), KEY, is_inner=True),
    "list": Verb(list_jobs),
}
