"""The processes of this machine, by number and by when they began: a number alone may be another's later."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def processes() -> Iterator[tuple[int, int, str]]:
    """Each that lives, its parent, and when it began."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            process = int(entry.name)
            parent, began = life_of(process)
            if began is not None:
                yield process, parent, began


def began_at(process: int) -> str | None:
    """None when it is gone or dead."""
    return life_of(process)[1]


def life_of(process: int) -> tuple[int, str | None]:
    try:
        fields = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0, None
    return int(fields[1]), None if fields[0] in "ZX" else fields[19]


def send(process: int, began: str, number: signal.Signals) -> None:
    """To this process, and to none that has its number by now."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        handle = os.pidfd_open(process)
        try:
            if began_at(process) == began:
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def spawn(*argv: str) -> int:
    """A program of the machine's, whose output goes where our complaints go."""
    streams = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, 2, 1)]
    return os.posix_spawn(argv[0], argv, {"PATH": PATHS, "LANG": "C.UTF-8"}, file_actions=streams)


def run(*argv: str) -> None:
    """A program of the machine's, to its end. What it complains of becomes our own refusal."""
    import subprocess  # noqa: PLC0415 - most verbs start nothing, and it takes long to load

    found = {"PATH": PATHS, "LANG": "C.UTF-8"}
    done = subprocess.run(argv, env=found, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or f"it ended with status {done.returncode}"
        sys.exit(f"{argv[0]}: {said}")


def has_systemd() -> bool:
    return os.geteuid() == 0 and Path("/run/systemd/system").is_dir()  # as sd_booted(3) does
