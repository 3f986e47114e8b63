"""Programs of the machine, called for their answer."""

from __future__ import annotations

import os
import select
import signal

from bakery.helper.processes import PATHS

LONGEST = 30.0  # seconds


class Ended:
    """How a program ended: its status, negative for a signal, and what it wrote."""

    def __init__(self, status: int, output: str, errors: str) -> None:
        self.status, self.output, self.errors = status, output, errors


def call(*argv: str, within: float = LONGEST, environment: dict[str, str] | None = None) -> Ended:
    """Into files in memory: a daemon that it leaves behind may keep them open, and we wait for nobody but it."""
    output, errors = os.memfd_create("output"), os.memfd_create("errors")
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, errors, 2),
    ]
    program = os.posix_spawn(
        argv[0], argv, {"PATH": PATHS, "LANG": "C.UTF-8", **(environment or {})}, file_actions=streams
    )
    end, poll = os.pidfd_open(program), select.poll()
    poll.register(end, select.POLLIN)
    if not poll.poll(within * 1000):
        signal.pidfd_send_signal(end, signal.SIGKILL)
    os.close(end)
    status = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    return Ended(status, _written(output), _written(errors))


def find_program(name: str) -> str | None:
    return next(
        (path for path in (f"{folder}/{name}" for folder in PATHS.split(":")) if os.access(path, os.X_OK)), None
    )


def _written(file: int) -> str:
    os.lseek(file, 0, os.SEEK_SET)
    with open(file, errors="replace") as text:
        return text.read()
