"""The probe: sent to a machine over the connection, installed nowhere, prints a line of JSON an interval.

It is read as text and run there by any Python from 3.9 on, so it imports only the standard library. After its own text
one line of JSON arrives on its standard input: `interval` in seconds and `folder`, where Bakery keeps things there;
other keys are not for this version. It ends as soon as its standard input or output is closed.
"""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

FIRST_LINE_AFTER = 0.8  # seconds; long enough to measure, short enough for somebody who looks at a page
SHORTEST_INTERVAL = 0.1
VERSIONS_EVERY = 3600.0
VERSION_IN = 5.0  # seconds
OTHER_FILE_SYSTEMS = (Path("/"), Path("/var/lib/docker"))
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = {
    "docker": ("docker", "--version"),
    "git": ("git", "--version"),
    "psql": ("psql", "--version"),
    "nginx": ("nginx", "-v"),
    "certbot": ("certbot", "--version"),
}
_VERSION = re.compile(r"\d+\.[0-9A-Za-z.+~-]+")
_OS_NAME = re.compile(r"""^PRETTY_NAME=(["']?)(.*)\1$""", re.MULTILINE)


def watch(interval: float, folder: Path) -> None:
    """Until nobody reads any more."""
    versions = Versions()
    due = time.monotonic() + min(FIRST_LINE_AFTER, interval)
    ticks = read_ticks(Path("/"))
    while not is_over(until=due):
        before, ticks = ticks, read_ticks(Path("/"))
        line: dict[str, object] = {"at": time.time(), "cpu": busy_percent(before, ticks)}
        line.update(measure(Path("/"), folder))
        known = versions.news()
        if known is not None:
            line["versions"] = known
        if not say(json.dumps(line)):
            break
        due = max(due + interval, time.monotonic() + interval / 2)  # after a sleep of the machine not twice at once
    versions.end()


def measure(root: Path, folder: Path) -> dict[str, object]:
    """What can be said of a moment."""
    return {
        **read_memory(root),
        "cpus": read_cpus(root),
        "load": read_load(root),
        "uptime": read_uptime(root),
        "boot_id": read_boot_id(root),
        "disks": read_disks(folder, OTHER_FILE_SYSTEMS),
    }


def read_ticks(root: Path) -> tuple[int, int]:
    """How long the processors were busy, and how long they were there, in ticks since the machine started."""
    fields = [int(word) for word in _text(root, "proc/stat").split("\n", 1)[0].split()[1:9]]
    idle = sum(fields[3:5])  # idle, and waiting for a disk; what a guest used is in the others already
    return sum(fields) - idle, sum(fields)


def busy_percent(before: tuple[int, int], after: tuple[int, int]) -> float:
    busy, there = after[0] - before[0], after[1] - before[1]
    return round(min(100.0, max(0.0, 100 * busy / there)), 2) if there > 0 else 0.0


def read_cpus(root: Path) -> int:
    return len(re.findall(r"^cpu\d", _text(root, "proc/stat"), re.MULTILINE))


def read_memory(root: Path) -> dict[str, int]:
    """In bytes. Caches that the kernel would give back are not in use."""
    lines = (line.split() for line in _text(root, "proc/meminfo").splitlines())
    kib = {words[0]: int(words[1]) for words in lines if len(words) > 1}
    return {
        "memory_used": max(0, kib["MemTotal:"] - kib["MemAvailable:"]) * 1024,
        "memory_total": kib["MemTotal:"] * 1024,
        "swap_used": (kib["SwapTotal:"] - kib["SwapFree:"]) * 1024,
        "swap_total": kib["SwapTotal:"] * 1024,
    }


def read_load(root: Path) -> list[float]:
    return [float(word) for word in _text(root, "proc/loadavg").split()[:3]]


def read_uptime(root: Path) -> float:
    return float(_text(root, "proc/uptime").split()[0])


def read_boot_id(root: Path) -> str:
    return _text(root, "proc/sys/kernel/random/boot_id").strip()


def read_disks(folder: Path, others: tuple[Path, ...]) -> list[dict[str, object]]:
    """Of what is not there, the file system that it would be on. The folder's own comes first."""
    found: dict[int, dict[str, object]] = {}
    for path in (folder, *others):
        for place in (path, *path.parents):
            try:
                device, size = place.stat().st_dev, os.statvfs(place)
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                continue
            except OSError:  # a disk that does not answer
                break
            found.setdefault(device, describe(path, size))
            break
    return list(found.values())


def describe(path: Path, size: os.statvfs_result) -> dict[str, object]:
    return {
        "path": str(path),
        "total": size.f_blocks * size.f_frsize,
        "used": (size.f_blocks - size.f_bfree) * size.f_frsize,
        "free": size.f_bavail * size.f_frsize,  # to those who are not root
        "inodes_total": size.f_files,
        "inodes_used": size.f_files - size.f_ffree,
    }


def read_os(root: Path) -> str | None:
    for name in ("etc/os-release", "usr/lib/os-release"):
        try:
            found = _OS_NAME.search(_text(root, name))
        except OSError:
            continue
        if found:
            return found[2]
    return None


class Versions:
    """What is installed: asked at the start and once an hour. Lines go on meanwhile, since some programs take long."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}
        self._asked: dict[str, subprocess.Popen[bytes]] = {}
        self._asked_at = 0.0
        self._is_told = False
        self._ask()

    def news(self) -> dict[str, str | None] | None:
        """Once an hour what is known by now, and again until all have answered. None stands for what is not there."""
        passed = time.monotonic() - self._asked_at
        if self._is_told:
            if passed > VERSIONS_EVERY:
                self._ask()
            return None
        for name, child in list(self._asked.items()):
            if child.poll() is not None or passed > VERSION_IN:
                self._known[name] = read_version(self._asked.pop(name))
        self._is_told = not self._asked
        return self._known

    def end(self) -> None:
        for child in self._asked.values():
            child.kill()

    def _ask(self) -> None:
        self._asked_at = time.monotonic()
        self._is_told = False
        self._known = {
            "kernel": os.uname().release,
            "os": read_os(Path("/")),
            "python": ".".join(str(part) for part in sys.version_info[:3]),
        }
        for name, argv in PROGRAMS.items():
            try:
                self._asked[name] = start(argv)
            except OSError:
                self._known[name] = None


def start(argv: tuple[str, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # where nginx says it
        cwd="/",
        env={"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/nonexistent"},
    )


def read_version(child: subprocess.Popen[bytes]) -> str | None:
    """Of a program that has ended; what still runs is ended, and whatever it left behind is not waited for."""
    child.kill()
    if child.stdout is None:
        return None
    os.set_blocking(child.stdout.fileno(), False)
    with child.stdout:
        output = child.stdout.read(4096) or b""
    found = _VERSION.search(output.decode(errors="replace"))
    return found[0][:60] if found and child.returncode == 0 else None


def is_over(*, until: float) -> bool:
    """Waits for the next line's time, but no longer than somebody is there."""
    listener = select.poll()
    listener.register(0, select.POLLIN)
    listener.register(1, 0)  # only that it was closed
    while True:
        left = until - time.monotonic()
        events = listener.poll(max(0.0, left) * 1000)
        for descriptor, event in events:
            if descriptor == 1 or not event & select.POLLIN or not os.read(0, 65536):
                return True
        if left <= 0:
            return False


def say(line: str) -> bool:
    """Whether somebody took it."""
    rest = line.encode() + b"\n"
    try:
        while rest:
            rest = rest[os.write(1, rest) :]
    except OSError:
        return False
    return True


def _text(root: Path, name: str) -> str:
    return (root / name).read_text()


if __name__ == "__main__":
    settings = json.loads(sys.stdin.buffer.readline())
    watch(max(SHORTEST_INTERVAL, float(settings.get("interval", 10))), Path(settings["folder"]))
