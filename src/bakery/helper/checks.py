"""A command that says whether an app is well, run where the app runs: it ends soon, and leaves nothing behind.

    check-unit UNIT          as the unit's account, in its folder, with its variables, its view of the machine's files,
                             and its limits
    check-container NAME     in the container, as its user

Each takes the command as a line of JSON (see CHECK), and prints how it ended: its status, null when it did not end in
time, and the end of what it wrote.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import pwd
import re
import select
import signal
import sys
import time
from pathlib import Path

from bakery.helper.accounts import account_of, become
from bakery.helper.children import status_of
from bakery.helper.container_logs import next_frame
from bakery.helper.containers import find
from bakery.helper.descendants import descendants, signal_all, signal_descendants
from bakery.helper.docker_api import Away, Docker, Refused, patiently
from bakery.helper.job_watch import PR_SET_CHILD_SUBREAPER, reap
from bakery.helper.libc import LIBC
from bakery.helper.names import UNIT
from bakery.helper.processes import PATHS, began_at
from bakery.helper.systemd import expect_systemd, states
from bakery.helper.told_container import MOST_WORDS, Place
from bakery.helper.units import Unit
from bakery.helper.verbs import Verb
from bakery.helper.words import is_text, say, told_object, whole_number

CHECK = {"argv", "milliseconds"}
LONGEST_CHECK = 300_000
LONGEST_ARGV = 128 * 1024  # bytes in all
KEPT = 2000  # bytes of what it writes
CHUNK = 64 * 1024
CLONE_NEWNS = 0x20000
GROUPS = Path("/sys/fs/cgroup")
NO_PROGRAM, NO_POWER = 127, 126
# As systemd_text writes them.
VARIABLE = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:\\["\\`$]|[^"\\`$])*)"\n')
FOLDER = re.compile("^WorkingDirectory=(/.*)$", re.MULTILINE)


# The verbs.


def check_unit(root: Path, name: str) -> None:
    expect_systemd(root)
    argv, seconds = told_check()
    inside = Inside(Unit(root, name))
    say(outcome(inside, argv, seconds))


def check_container(root: Path, name: str) -> None:
    argv, seconds = told_check()
    docker, place = Docker(), Place(root, name)
    if patiently(lambda: find(docker, place), patience=seconds) is None:
        sys.exit(f"There is no container {name} on this machine.")
    told = {"Cmd": argv, "AttachStdout": True, "AttachStderr": True, "Tty": False}
    made = patiently(lambda: docker.ask("POST", "containers", name, "exec", told=told), patience=seconds)
    try:
        say(outcome_in_container(docker, made["Id"], seconds))
    except Away as away:
        sys.exit(f"Docker went away while it ran: {away}.")


def told_check() -> tuple[list[str], float]:
    told = told_object(CHECK, what="The check")
    argv = told["argv"]
    if not isinstance(argv, list) or not all(map(is_text, argv)) or not any(argv[:1]) or len(argv) > MOST_WORDS:
        sys.exit("argv has to be a list of texts that begins with a program.")
    if sum(len(word.encode()) + 1 for word in argv) > LONGEST_ARGV:
        sys.exit(f"argv has to have at most {LONGEST_ARGV} bytes.")
    return argv, whole_number(told, "milliseconds", 1, LONGEST_CHECK) / 1000


def told(exit_status: int | None, written: bytes) -> dict[str, object]:
    return {"exit_status": exit_status, "written": written[-KEPT:].decode(errors="replace")}


# Beside the program of a unit.


class Inside:
    """What the unit's files and its running program say of where a command has to run."""

    def __init__(self, unit: Unit) -> None:
        self.process = states(unit.name)[unit.name]["process_id"]
        if not isinstance(self.process, int):
            sys.exit(f"{unit.name} does not run.")
        self.account = account_of(unit.premises.account)
        self.environment = variables_of(unit.environment)
        folder = FOLDER.search(unit.file.read_text())
        self.folder = folder[1].replace("%%", "%") if folder else "/"
        self.files = os.open(f"/proc/{self.process}/ns/mnt", os.O_RDONLY)
        groups = Path(f"/proc/{self.process}/cgroup").read_text().splitlines()
        self.groups = [procs_of(group) for group in groups if group.endswith(f"/{unit.name}.service")]
        if not self.groups:  # its number is another's by now
            sys.exit(f"{unit.name} does not run.")

    def enter(self) -> None:
        """Never to return to what we may do."""
        for procs in self.groups:
            procs.write_text(str(os.getpid()))
        if LIBC.setns(self.files, CLONE_NEWNS):
            raise PermissionError("the files that it sees cannot be entered")
        become(self.account)
        os.chdir(self.folder)


def variables_of(file: Path) -> dict[str, str]:
    return {name: re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) for name, text in VARIABLE.findall(file.read_text())}


def procs_of(group: str) -> Path:
    """A line of /proc/PROCESS/cgroup, of either version, or where both are."""
    _, controllers, path = group.split(":", 2)
    unified = "unified" if (GROUPS / "unified").exists() else ""
    return Path(GROUPS, controllers.replace("name=", "") or unified, path[1:], "cgroup.procs")


def outcome(inside: Inside, argv: list[str], seconds: float) -> dict[str, object]:
    """What it leaves behind comes to us, and ends with it."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    heard, writes = os.pipe()
    os.set_blocking(heard, False)
    child = os.fork()
    if not child:
        os._exit(status_of(lambda: run_inside(inside, argv, writes)))
    os.close(writes)
    written, status = listen(child, heard, time.monotonic() + seconds)
    signal_descendants(signal.SIGKILL)
    is_all = False
    while not is_all:
        ended, is_all = reap(child)
        status = ended if status is not None and ended is not None else status
        time.sleep(0 if is_all else 0.005)
    return told(status, written)


def run_inside(inside: Inside, argv: list[str], output: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, standard in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(ours, standard)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    try:
        inside.enter()
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(NO_POWER)
    try:
        os.execvpe(argv[0], argv, environment_of(inside.account, inside.environment))  # noqa: S606 - no shell, as it should be
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        sys.exit(NO_PROGRAM)


def environment_of(account: pwd.struct_passwd, environment: dict[str, str]) -> dict[str, str]:
    names = {"HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name}
    return {"PATH": PATHS, "LANG": "C.UTF-8", **names, **environment}


def listen(child: int, heard: int, deadline: float) -> tuple[bytes, int | None]:
    """The end of what it writes; and a number when it ended by itself, which is not reaped yet."""
    written, end, poll = b"", os.pidfd_open(child), select.poll()
    poll.register(end, select.POLLIN)
    poll.register(heard, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        ready = {one for one, _ in poll.poll(left * 1000 + 1)}
        if heard in ready:
            piece = read_some(heard)
            written = (written + piece)[-KEPT:]
            if not piece:
                poll.unregister(heard)
        elif end in ready:
            return written, 0
    return written, None


def read_some(heard: int) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return os.read(heard, CHUNK)
    return b""


# In a container.


def outcome_in_container(docker: Docker, ran: str, seconds: float) -> dict[str, object]:
    """Docker has no word for ending what it runs there: we end it by its number on this machine."""
    deadline, written = time.monotonic() + seconds, b""
    try:
        answer = docker.open("POST", "exec", ran, "start", told={"Detach": False, "Tty": False}, within=seconds)
        while time.monotonic() < deadline and (frame := next_frame(answer)) is not None:
            written = (written + frame[1])[-KEPT:]
    except Refused as refused:
        return told(NO_POWER, str(refused).encode())
    except (Away, OSError, http.client.HTTPException):
        pass  # it is late, or Docker is away: which of both is asked now
    state = docker.ask("GET", "exec", ran, "json")
    if not state["Running"]:
        return told(state["ExitCode"], written)
    end_in_container(docker, ran, state["Pid"])
    return told(None, written)


def end_in_container(docker: Docker, ran: str, process: int) -> None:
    began = began_at(process) if process > 0 else None  # 0: Docker has none any more
    if began is not None and docker.ask("GET", "exec", ran, "json")["Running"]:  # so the number is still its own
        signal_all([*descendants(process), (process, began)], signal.SIGKILL)


VERBS = {"unit": Verb(check_unit, UNIT), "container": Verb(check_container, UNIT)}
