"""The process that watches over one job: it runs the program, writes its log, ends what is left, and tells how."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import termios
import time
from collections.abc import Iterator
from pathlib import Path

from bakery.helper.accounts import become
from bakery.helper.children import status_of
from bakery.helper.descendants import signal_descendants
from bakery.helper.files import let_agent_read, sync_folder, write_whole
from bakery.helper.job import RESERVED, Job, Work, this_boot, told, write_exit
from bakery.helper.job_log import PIPE, Log
from bakery.helper.libc import LIBC, leave_keyring
from bakery.helper.processes import PATHS, began_at
from bakery.helper.words import sentence, write_all

LAST_WORDS = 0.5  # for what a program leaves behind to end by itself
GRACE = 5.0  # between asking processes to end and ending them
ROUND = 0.05  # between two looks at what does not end at once
NEVER = float("inf")
F_SETPIPE_SZ = 1031
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 1, 15, 36
CANCEL = signal.SIGUSR1
STOPS = {CANCEL: "cancelled", signal.SIGTERM: "lost"}  # SIGTERM comes from a machine that shuts down


def watch_over(job: Job, spec: Work) -> None:
    """The whole life of a job's watcher."""
    LIBC.prctl(PR_SET_NAME, b"bakery-watch", 0, 0, 0)
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
    try:
        ended = run(job, spec, log, signals)
        log.end()
        if log.unwritten:
            add_reason(ended, f"{log.unwritten} bytes of its log could not be written: {log.trouble}")
        write_exit(job, aside, ended)
    finally:
        if spec.afterwards:
            spec.afterwards()


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


def let_go_of_all_but_streams() -> None:
    signal.set_wakeup_fd(-1)
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2:
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(descriptor)


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
        leave_keyring()
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
            LIBC.prctl(PR_SET_NAME, b"bakery-work", 0, 0, 0)
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


# The machine.


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


def add_reason(ended: dict[str, object], reason: str) -> None:
    ended["reason"] = f"{ended['reason']}; {reason}" if ended["reason"] else reason


def ending(exit_status: int) -> str:
    if exit_status < 0:
        names = (one.name for one in signal.Signals if one == -exit_status)
        return f"was ended by {next(names, f'signal {-exit_status}')}"
    return f"ended with status {exit_status}" if exit_status else ""
