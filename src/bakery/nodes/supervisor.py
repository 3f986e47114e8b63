"""Bakery's supervisor: keeps one program running on a machine without systemd, and outlives Bakery.

It is copied to the node and run there by any Python from 3.9 on, so it imports only the standard library:

    supervisor.py start FOLDER    detaches and keeps the unit running; harmless when it runs
    supervisor.py stop FOLDER     asks it to end, ends it after its grace; harmless when it does not run
    supervisor.py state FOLDER    prints a line of JSON
    supervisor.py check FOLDER    runs a command beside it, told as a line of JSON; prints how it ended, likewise

FOLDER holds `spec.json` (see Spec), and what the supervisor writes there: `lock`, held while it lives and with its
process id inside; `state.json`; `supervisor.log`, empty unless the supervisor itself has a fault.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import pwd
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between an end and the next start
STEADY_AFTER = 30.0  # seconds; who ran as long begins again with the shortest pause
LOOK_AGAIN = 0.05
KEPT_OF_CHECK = 2000  # bytes of what it writes
PR_SET_NO_NEW_PRIVS = 38
WATCHED = {signal.SIGTERM, signal.SIGCHLD}


class Spec(TypedDict):
    argv: list[str]
    folder: str
    environment: dict[str, str]
    account: str | None  # to become when started as root
    log_file: str
    stop_seconds: float


class State(TypedDict):
    child: int | None
    child_began: str | None  # the kernel's start time: the same process id later is another process
    starts: int
    last_exit: str


def start(folder: Path) -> None:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    if not _locked(lock):
        return
    os.ftruncate(lock, 0)
    end_leftover(folder)
    if os.fork():
        return  # the lock lives on in the child
    os.setsid()
    if os.fork():
        os._exit(0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    _detach(folder, keep=lock)
    supervise(folder)


def stop(folder: Path) -> None:
    spec = read_spec(folder)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    asked = 0
    deadline = time.monotonic() + spec["stop_seconds"] + 10
    while not _locked(lock):
        holder = int(os.pread(lock, 20, 0) or 0)
        if holder and holder != asked:
            asked = holder
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder, signal.SIGTERM)
        if time.monotonic() > deadline:
            sys.exit("the supervisor did not end in time")
        time.sleep(LOOK_AGAIN)
    end_leftover(folder)


def state(folder: Path) -> dict[str, object]:
    """Takes no lock, so that looking never stands in the way of starting."""
    last = read_state(folder)
    return {"is_running": runs(last), **last}


class Check(TypedDict):
    argv: list[str]
    seconds: float


def check(folder: Path, told: Check) -> dict[str, object]:
    """As the program itself is run; nothing of its group is left."""
    spec, deadline, written = read_spec(folder), time.monotonic() + told["seconds"], b""
    spec["argv"] = told["argv"]
    heard, writes = os.pipe()
    try:
        child = launch(spec, writes)
    except OSError as error:
        return {"exit_status": 127, "written": f"{spec['argv'][0]}: {error.strerror}"}
    os.close(writes)
    while child.poll() is None and time.monotonic() < deadline:
        if select.select([heard], [], [], LOOK_AGAIN)[0]:
            piece = os.read(heard, 64 * 1024)
            written = (written + piece)[-KEPT_OF_CHECK:]
            if not piece:
                time.sleep(LOOK_AGAIN)
    status = child.poll()
    _signal_group(child.pid, signal.SIGKILL)
    child.wait()
    while select.select([heard], [], [], 0)[0] and (piece := os.read(heard, 64 * 1024)):
        written = (written + piece)[-KEPT_OF_CHECK:]
    return {"exit_status": status, "written": written.decode(errors="replace")}


def supervise(folder: Path) -> None:
    """Returns when it was asked to stop and the program's whole process group is gone."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    spec = read_spec(folder)
    now = State(child=None, child_began=None, starts=0, last_exit="")
    pause = 0.0
    asked_to_stop = False
    while not asked_to_stop:
        began = time.monotonic()
        now["starts"] += 1
        try:
            child = launch(spec)
        except (OSError, KeyError) as error:  # no such program, folder or account
            now["last_exit"] = f"could not start: {error}"
        else:
            now.update({"child": child.pid, "child_began": began_at(child.pid)})
            write_state(folder, now)
            asked_to_stop = wait_for_end(child)
            end_group(child, spec["stop_seconds"] if asked_to_stop else 0)
            now.update({"child": None, "child_began": None, "last_exit": described(child.wait())})
        write_state(folder, now)
        if not asked_to_stop:
            pause = next_pause(pause, ran_for=time.monotonic() - began)
            asked_to_stop = told_to_stop_within(pause)


def launch(spec: Spec, output: int | None = None) -> subprocess.Popen[bytes]:
    """What it writes goes to its log, unless `output` is named."""
    libc = ctypes.CDLL(None)

    def last_before_the_program() -> None:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)

    account = pwd.getpwnam(spec["account"]) if spec["account"] else pwd.getpwuid(os.geteuid())
    becomes_another = account.pw_uid != os.geteuid()
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        **spec["environment"],
    }
    with open(spec["log_file"], "ab", opener=_private) as log:
        return subprocess.Popen(
            spec["argv"],
            stdin=subprocess.DEVNULL,
            stdout=log if output is None else output,
            stderr=log if output is None else output,
            cwd=spec["folder"],
            env=environment,
            start_new_session=True,
            user=account.pw_uid if becomes_another else None,
            group=account.pw_gid if becomes_another else None,
            extra_groups=os.getgrouplist(account.pw_name, account.pw_gid) if becomes_another else None,
            umask=0o027,
            preexec_fn=last_before_the_program,  # noqa: PLW1509 - this process has one thread
        )


def next_pause(last: float, *, ran_for: float) -> float:
    return SHORTEST_PAUSE if ran_for >= STEADY_AFTER else min(max(last * 2, SHORTEST_PAUSE), LONGEST_PAUSE)


def wait_for_end(child: subprocess.Popen[bytes]) -> bool:
    """Whether somebody asked us to stop before the program ended by itself."""
    while child.poll() is None:
        if signal.sigwaitinfo(WATCHED).si_signo == signal.SIGTERM:
            return True
    return False


def told_to_stop_within(seconds: float) -> bool:
    return signal.sigtimedwait({signal.SIGTERM}, seconds) is not None


def end_group(child: subprocess.Popen[bytes], grace: float) -> None:
    """Also the program's own children may finish what they do, and none is left."""
    _signal_group(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        child.poll()
        if not _signal_group(child.pid, 0):
            return
        signal.sigtimedwait({signal.SIGCHLD}, LOOK_AGAIN)
    _signal_group(child.pid, signal.SIGKILL)


def end_leftover(folder: Path) -> None:
    """A program whose supervisor was killed goes on; it has to end before another one takes its port."""
    last = read_state(folder)
    child = last["child"]
    if child is None:
        return
    if runs(last):
        _signal_group(child, signal.SIGKILL)
    while runs(last):
        time.sleep(LOOK_AGAIN)
    last.update({"child": None, "child_began": None, "last_exit": "ended with its supervisor"})
    write_state(folder, last)


def runs(last: State) -> bool:
    return last["child"] is not None and last["child_began"] == began_at(last["child"]) is not None


def began_at(process: int) -> str | None:
    """The kernel's start time of a process; None when it is gone or dead."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] in "ZX" else after_name[19]


def described(exit_status: int) -> str:
    return f"ended by {signal.Signals(-exit_status).name}" if exit_status < 0 else f"ended with status {exit_status}"


def read_spec(folder: Path) -> Spec:
    spec: Spec = json.loads((folder / "spec.json").read_text())
    return spec


def read_state(folder: Path) -> State:
    try:
        last: State = json.loads((folder / "state.json").read_text())
    except (FileNotFoundError, ValueError):  # ValueError: it was cut short when the machine lost its power
        return State(child=None, child_began=None, starts=0, last_exit="")
    return last


def write_state(folder: Path, now: State) -> None:
    """On a full disk it stays untold; the program is kept running all the same."""
    aside = folder / "state.json.aside"
    with contextlib.suppress(OSError):
        aside.write_text(json.dumps(now))
        aside.replace(folder / "state.json")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)


def _signal_group(group: int, number: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
        return True
    return False


def _locked(lock: int) -> bool:
    """Whether the lock is ours now: then no supervisor lives."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _detach(folder: Path, *, keep: int) -> None:
    """Lets go of all that the starter had open, so that nobody waits for us."""
    os.closerange(3, keep)
    os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
    os.chdir("/")
    os.umask(0o027)
    nothing = os.open(os.devnull, os.O_RDWR)
    faults = os.open(folder / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for ours, standard in ((nothing, 0), (nothing, 1), (faults, 2)):
        os.dup2(ours, standard, inheritable=True)


if __name__ == "__main__":
    verb, unit_folder = sys.argv[1], Path(sys.argv[2])
    if verb == "start":
        start(unit_folder)
    elif verb == "stop":
        stop(unit_folder)
    elif verb == "state":
        sys.stdout.write(json.dumps(state(unit_folder)) + "\n")
    elif verb == "check":
        sys.stdout.write(json.dumps(check(unit_folder, json.loads(sys.stdin.read()))) + "\n")
    else:
        sys.exit(f"unknown verb: {verb}")
