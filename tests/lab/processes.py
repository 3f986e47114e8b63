"""Processes by pid and time of birth, because a pid alone is soon somebody else's."""

import os
from pathlib import Path


def identity_of_this_process() -> str:
    return f"{os.getpid()}-{_born(os.getpid())}"


def is_alive(identity: str) -> bool:
    pid, _, born = identity.partition("-")
    return _born(int(pid)) == born


def program_of(pid: int) -> str | None:
    """The name of the program that a process runs, or None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _born(pid: int) -> str | None:
    """In clock ticks since boot: field 22 of its stat, counted after the program's name, which may hold anything."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return stat.rpartition(")")[2].split()[19]
