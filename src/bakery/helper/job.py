"""A durable job: where it lies on a node, what its files say, and what it does. The verbs are in jobs.py."""

from __future__ import annotations

import json
import pwd
import time
from collections.abc import Callable
from pathlib import Path

from bakery.helper.files import sync_folder, write_over
from bakery.helper.processes import began_at

KEY = "j[0-9a-f]{24}"
LONGEST_JOB = 30 * 24 * 3600
RESERVED = b" " * 4096  # on the disk, for a word that must be written when the disk is full


class Job:
    """Where a job lies, and what its files say of it."""

    def __init__(self, root: Path, key: str) -> None:
        self.root, self.key = root, key
        self.unit = f"bakery-job-{key}.service"
        self.folder = root / "jobs" / key
        self.removed = self.folder.with_name(f".{key}")
        self.log, self.exit, self.boot, self.process, self.lock, self.fault, self.note, self.life = (
            self.folder / name for name in ("log", "exit", "boot", "process", "lock", "fault", "note", "life")
        )

    def is_begun(self) -> bool:
        return self.process.exists() or self.exit.exists()

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
    """What a job does, as its watcher needs to know. `own`: a program of the helper's own in place of `argv`, which is
    given the node's folder; a start of Python would take longer than many of these do. `afterwards` is done when it is
    over, whatever its end was.
    """

    argv: list[str]
    own: Callable[[Path], None] | None = None
    afterwards: Callable[[], None] | None = None
    account: pwd.struct_passwd
    folder: str | None
    environment: dict[str, str]
    stdin: bytes
    memory_bytes: int | None
    cpu_percent: int | None
    seconds: int
    log_bytes: int


# How it stands.


def told(state: str, reason: str = "", exit_status: int | None = None) -> dict[str, object]:
    return {"state": state, "exit_status": exit_status, "reason": reason}


def this_boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text()


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
