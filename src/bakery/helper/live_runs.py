"""A command that somebody watches: it has their input, they see its output at once, and it ends when they go.

    run-program KEY MEMORY CPU       a program, told as a job's is (see PROGRAM); 0: without such a limit
    run-container KEY                one in a container of the app's image (see CONTAINED)

Each is told as a line of JSON; what follows is a conversation (see callers.py). Memory and CPU of a program are kept
where there is systemd for us. With a `terminal`, of so many columns and rows, the program has one.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path
from typing import Any

from bakery.helper import job_watch, jobs
from bakery.helper.callers import CHUNK, ERRORS, OUTPUT, Caller, apart, is_window
from bakery.helper.containers import missing_is_fine
from bakery.helper.docker_api import Away, Connection, Docker, Refused, patiently
from bakery.helper.job import KEY, LONGEST_JOB, Job
from bakery.helper.libc import LIBC
from bakery.helper.once import OncePlace, create, end, told_once
from bakery.helper.processes import PATHS, has_systemd
from bakery.helper.verbs import Verb
from bakery.helper.words import whole_number

PROGRAM = {"job", "terminal"}
CONTAINED = {"app", "environment", "container", "seconds", "terminal"}
NUMBER = "[0-9]{1,16}"
DOCKERS_HEADER, DOCKERS_ERRORS = 8, 2
NEVER_BEGAN = 127
END_OF_INPUT = b"\x04"  # as a terminal understands it
SWITCHED = 101


# The verbs.


def run_program(root: Path, key: str, memory: str, cpu: str) -> None:
    """Where there is systemd we go on in a scope, with all that comes of us."""
    if not has_systemd():
        hold_program(root, key)
    properties = ["TasksMax=4096"]
    if int(memory):
        properties += [f"MemoryMax={memory}", "MemorySwapMax=0"]
    if int(cpu):
        properties += [f"CPUQuota={cpu}%"]
    argv = [
        "/usr/bin/systemd-run", "--scope", "--quiet", "--collect", f"--unit=bakery-run-{key}",
        *(f"--property={one}" for one in properties), "--",
        sys.executable, "-IS", str(Path(sys.argv[0]).resolve()), "--root", str(root), "run-hold", key,
    ]  # fmt: skip
    os.execve(argv[0], argv, {"PATH": PATHS, "LANG": "C.UTF-8"})  # noqa: S606 - no shell, as it should be


def hold_program(root: Path, key: str) -> None:
    apart(lambda: talk_with_program(Job(root, key)))


def run_container(root: Path, key: str) -> None:
    apart(lambda: talk_with_container(root, key))


def told_frame(caller: Caller, fields: set[str]) -> dict[str, Any]:
    try:
        told = json.loads(caller.line())
    except (ValueError, RecursionError):
        sys.exit("The command is not described in JSON.")
    if not isinstance(told, dict) or set(told) != fields:
        sys.exit(f"The command is described by exactly these: {', '.join(sorted(fields))}.")
    if told["terminal"] is not None and not is_window(told["terminal"]):
        sys.exit("terminal has to be a list of columns and rows.")
    return told


# A program.


class Ends:
    """Ours of what the program reads and writes."""

    def __init__(self, terminal: list[int] | None) -> None:
        self.has_terminal = terminal is not None
        if terminal is not None:
            ours, theirs = pty.openpty()
            set_window(ours, terminal[0], terminal[1])
            self.into, self.outputs, self.theirs = ours, {ours: OUTPUT}, (theirs, theirs, theirs)
        else:
            (read, into), (output, write), (errors, complain) = os.pipe(), os.pipe(), os.pipe()
            self.into, self.outputs, self.theirs = into, {output: OUTPUT, errors: ERRORS}, (read, write, complain)
        for ours in (self.into, *self.outputs):
            os.set_blocking(ours, False)
        self.is_open = True  # for input

    def close_theirs(self) -> None:
        for theirs in set(self.theirs):
            os.close(theirs)

    def feed(self, caller: Caller) -> None:
        """What it does not want to read is dropped."""
        try:
            if caller.waiting:
                del caller.waiting[: os.write(self.into, caller.waiting[:CHUNK])]
            if caller.has_ended and not caller.waiting and self.is_open:
                self.end_input()
        except BlockingIOError:
            pass
        except OSError:
            caller.waiting.clear()

    def end_input(self) -> None:
        self.is_open = False
        if self.has_terminal:
            os.write(self.into, END_OF_INPUT)
        else:
            os.close(self.into)

    def copy(self, output: int, caller: Caller) -> None:
        try:
            chunk = os.read(output, CHUNK)
        except BlockingIOError:
            return
        except OSError:  # nobody has the other end of a terminal any more
            chunk = b""
        if chunk:
            caller.say(self.outputs[output], chunk)
        else:
            del self.outputs[output]


def talk_with_program(job: Job) -> None:
    LIBC.prctl(job_watch.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what a program forks away comes to us
    job_watch.rate_as_victim(-900)
    caller = Caller()
    told = told_frame(caller, PROGRAM)
    spec = jobs.Spec(json.dumps(told["job"]).encode())
    signals = job_watch.hear({signal.SIGCHLD, signal.SIGTERM})
    ends = Ends(told["terminal"])
    if ends.has_terminal:
        os.fchown(ends.theirs[0], spec.account.pw_uid, -1)
    program, trouble = begin(job, spec, ends)
    if trouble:
        caller.say(ERRORS, f"{trouble}\n".encode())
        caller.say_end(NEVER_BEGAN, trouble)
        return
    stopping = job_watch.Stopping(spec.seconds)
    exit_status = hold(caller, program, ends, signals, stopping)
    late = f"did not end within {spec.seconds} s and was stopped"
    caller.say_end(exit_status, late if stopping.why else job_watch.ending(exit_status))


def begin(job: Job, spec: jobs.Spec, ends: Ends) -> tuple[int, str]:
    trouble, tell = os.pipe()
    watcher = os.getpid()
    program = os.fork()
    if not program:
        job_watch.become_program(job, spec, watcher, ends.theirs, tell)
    ends.close_theirs()
    os.close(tell)
    with os.fdopen(trouble, "rb") as said:  # until it closes, which it does when the program starts
        return program, said.read().decode(errors="replace")


def hold(caller: Caller, program: int, ends: Ends, signals: int, stopping: job_watch.Stopping) -> int:
    """Until nothing of it is left. Who goes away ends it."""
    exit_status: int | None = None
    while True:
        stopping.go_on(is_running=exit_status is None)
        for ready in ready_of(caller, ends, signals, stopping.milliseconds()):
            if ready == 0:
                caller.read()
            elif ready in ends.outputs:
                ends.copy(ready, caller)
        if caller.window and ends.has_terminal:
            set_window(ends.into, *caller.window)
            caller.window = None
        ends.feed(caller)
        if signal.SIGTERM in job_watch.heard(signals) or caller.is_gone:
            stopping.begin()
        ended, is_all = job_watch.reap(program)
        if ended is not None:
            exit_status = ended
            stopping.begin(within=job_watch.LAST_WORDS)
        if is_all and exit_status is not None:
            drain(caller, ends)
            return exit_status


def ready_of(caller: Caller, ends: Ends, signals: int, within: float) -> list[int]:
    poll = select.poll()
    poll.register(signals, select.POLLIN)
    caller.register(poll)
    wants = dict.fromkeys(ends.outputs, select.POLLIN)
    if caller.waiting and ends.is_open:
        wants[ends.into] = wants.get(ends.into, 0) | select.POLLOUT
    for end_of_ours, events in wants.items():
        poll.register(end_of_ours, events)
    return [ready for ready, _ in poll.poll(within)]


def drain(caller: Caller, ends: Ends) -> None:
    """What it wrote last. What it left to others may stay open for ever."""
    for output in list(ends.outputs):
        while output in ends.outputs and select.select([output], [], [], 0)[0]:
            ends.copy(output, caller)


def set_window(terminal: int, columns: int, rows: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


# A container.


def talk_with_container(root: Path, key: str) -> None:
    caller, docker = Caller(), Docker()
    told = told_frame(caller, CONTAINED)
    seconds = whole_number(told, "seconds", 1, LONGEST_JOB)
    told_once(root, key, told)
    place = OncePlace(root, told["app"], told["environment"], key)
    signals = job_watch.hear({signal.SIGTERM})
    open_ends = {
        "OpenStdin": True, "StdinOnce": True, "AttachStdin": True, "AttachStdout": True, "AttachStderr": True,
        "Tty": told["terminal"] is not None,
    }  # fmt: skip
    try:
        patiently(lambda: create(docker, place, told["container"], open_ends))
        attached = Attached(docker, place, told["terminal"])
        if attached.start(caller):
            attached.hold(caller, signals, time.monotonic() + seconds)
            exit_status = attached.exit_status()
            late = f"did not end within {seconds} s and was stopped"
            caller.say_end(exit_status, late if attached.is_late else job_watch.ending(exit_status))
    except (Away, http.client.HTTPException) as error:
        sys.exit(f"Docker went away while it ran: {error}.")
    finally:
        patiently(lambda: end(docker, place))


class Attached:
    """To a container that is not started yet."""

    def __init__(self, docker: Docker, place: OncePlace, terminal: list[int] | None) -> None:
        self.docker, self.place, self.terminal = docker, place, terminal
        self.answer = docker.open("POST", "containers", place.name, "wait", within=None, query={"condition": "removed"})
        self.connection = Connection(docker.path, None)
        target = f"/containers/{place.name}/attach?stream=1&stdin=1&stdout=1&stderr=1"
        self.connection.request("POST", target, headers={"Upgrade": "tcp", "Connection": "Upgrade"})
        self.socket = self.connection.sock
        answer = self.connection.getresponse()
        if answer.status != SWITCHED:
            sys.exit(f"Docker does not let anybody talk to a container: it answered with status {answer.status}.")
        self.socket.settimeout(0)
        self.arrived = bytearray()
        self.is_open = self.is_running = True
        self.is_late = False

    def start(self, caller: Caller) -> bool:
        try:
            self.docker.ask("POST", "containers", self.place.name, "start")
        except Refused as refused:
            caller.say(ERRORS, f"{refused}\n".encode())
            caller.say_end(NEVER_BEGAN, str(refused))
            return False
        if self.terminal:
            self.set_window(self.terminal[0], self.terminal[1])
        return True

    def hold(self, caller: Caller, signals: int, deadline: float) -> None:
        """Until it has ended, or has to."""
        while self.is_running:
            self.is_late = time.monotonic() >= deadline
            if self.is_late or caller.is_gone or signal.SIGTERM in job_watch.heard(signals):
                end(self.docker, self.place)
                return
            ready = self.ready(caller, signals, deadline)
            if 0 in ready:
                caller.read()
            if self.socket.fileno() in ready:
                self.copy(caller)
            if caller.window and self.terminal:
                self.set_window(*caller.window)
                caller.window = None
            self.feed(caller)

    def ready(self, caller: Caller, signals: int, deadline: float) -> list[int]:
        poll = select.poll()
        poll.register(signals, select.POLLIN)
        caller.register(poll)
        wants = select.POLLIN | (select.POLLOUT if caller.waiting and self.is_open else 0)
        poll.register(self.socket.fileno(), wants)
        return [one for one, _ in poll.poll(min(max(0.0, deadline - time.monotonic()), 3600) * 1000 + 1)]

    def feed(self, caller: Caller) -> None:
        try:
            if caller.waiting:
                del caller.waiting[: self.socket.send(caller.waiting[:CHUNK])]
            if caller.has_ended and not caller.waiting and self.is_open:
                self.is_open = False
                if self.terminal:
                    self.socket.send(END_OF_INPUT)
                else:
                    self.socket.shutdown(1)
        except BlockingIOError:
            pass
        except OSError:
            caller.waiting.clear()

    def copy(self, caller: Caller) -> None:
        try:
            chunk = self.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self.is_running = bool(chunk)
        if self.terminal:
            caller.say(OUTPUT, chunk)
            return
        self.arrived += chunk
        while len(self.arrived) >= DOCKERS_HEADER:
            size = DOCKERS_HEADER + int.from_bytes(self.arrived[4:DOCKERS_HEADER], "big")
            if len(self.arrived) < size:
                return
            kind = ERRORS if self.arrived[0] == DOCKERS_ERRORS else OUTPUT
            caller.say(kind, bytes(self.arrived[DOCKERS_HEADER:size]))
            del self.arrived[:size]

    def set_window(self, columns: int, rows: int) -> None:
        """It may have ended just now."""
        with contextlib.suppress(Refused), missing_is_fine():
            size = {"h": str(rows), "w": str(columns)}
            self.docker.ask("POST", "containers", self.place.name, "resize", query=size)

    def exit_status(self) -> int:
        """Known when it is gone; a container's signal counts as a shell counts it, from 128 on."""
        return int(json.loads(self.answer.read())["StatusCode"])


VERBS = {
    "program": Verb(run_program, f"{KEY}\0{NUMBER}\0{NUMBER}"),
    "container": Verb(run_container, KEY),
    "hold": Verb(hold_program, KEY, is_inner=True),
}
