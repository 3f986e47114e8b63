"""The probe: sent to a machine over the connection, installed nowhere, prints a line of JSON an interval.

It is read as text and run there by any Python from 3.9 on, so it imports only the standard library. After its own text
one line of JSON arrives on its standard input: `interval` in seconds and `folder`, where Bakery keeps things there;
other keys are not for this version. It ends as soon as its standard input or output is closed.

What nginx notes of the requests to each site is read from where the look before ended. It is summed up here, so that
neither addresses nor paths of visitors leave the machine.
"""

from __future__ import annotations

import bisect
import json
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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
MOST_READ = 8 * 1024 * 1024  # bytes of access logs a look; of what grew more the end is read, and counts for all of it
MOST_SITES = 80  # a line; the others come with the next
PROOF = "bakery-proof"  # who visits to see that a switch harms nobody
SHORTEST, STEP, STEPS = 1.0, 1.5, 30  # milliseconds: times are counted between bounds that grow by this factor
BOUNDS = [SHORTEST * STEP**step for step in range(STEPS - 1)]
UPGRADED, SERVER_ERROR = 101, 500
NOT_IMPLEMENTED = "501"  # nginx says it of requests that it does not understand, whatever the release
_ACCESS_LOG = re.compile(r"([a-z][a-z0-9-]{0,56})\.access\.json")
_RELEASE = re.compile(r"[1-9][0-9]{0,9}")
_VERSION = re.compile(r"\d+\.[0-9A-Za-z.+~-]+")
_OS_NAME = re.compile(r"""^PRETTY_NAME=(["']?)(.*)\1$""", re.MULTILINE)


def watch(interval: float, folder: Path) -> None:
    """Until nobody reads any more."""
    versions, traffic = Versions(), Traffic(folder / "logs")
    due = time.monotonic() + min(FIRST_LINE_AFTER, interval)
    ticks = read_ticks(Path("/"))
    while not is_over(until=due):
        before, ticks = ticks, read_ticks(Path("/"))
        line: dict[str, object] = {"at": time.time(), "cpu": busy_percent(before, ticks)}
        line.update(measure(Path("/"), folder))
        traffic.look()
        line["traffic"] = traffic.news()
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


class Traffic:
    """Of all sites. What was noted before the first look is not counted: nobody knows who has counted it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._logs = {name: AccessLog(path, is_new=False) for name, path in self._found()}
        self._sums: dict[tuple[str, int, str], Sum] = {}

    def look(self) -> None:
        found = dict(self._found())
        self._logs = {name: self._logs.get(name) or AccessLog(path, is_new=True) for name, path in found.items()}
        grown = [(name, log) for name, log in self._logs.items() if log.has_grown()]
        for name, log in grown:
            lines, factor = log.read(MOST_READ // len(grown))
            for line in lines:
                self._count(name, line, factor)

    def news(self) -> list[dict[str, object]]:
        told = list(self._sums)[:MOST_SITES]
        return [{"site": key[0], "release": key[1], "slot": key[2], **self._sums.pop(key).said()} for key in told]

    def _count(self, name: str, line: bytes, factor: float) -> None:
        request = read_request(line)
        if request is not None:
            release, slot, is_error, milliseconds = request
            self._sums.setdefault((name, release, slot), Sum()).add(factor, milliseconds, is_error=is_error)

    def _found(self) -> list[tuple[str, Path]]:
        try:
            with os.scandir(self._folder) as entries:
                matches = [(_ACCESS_LOG.fullmatch(entry.name), entry.path) for entry in entries]
        except OSError:  # nothing was deployed here yet
            return []
        return [(match[1], Path(path)) for match, path in matches if match]


class AccessLog:
    """A file that grows, and that somebody may move to NAME.1 or cut meanwhile."""

    def __init__(self, path: Path, *, is_new: bool) -> None:
        self._path = path
        self._file, size = identity(path)
        self._at = 0 if is_new else size

    def has_grown(self) -> bool:
        file, size = identity(self._path)
        return file is not None and (file != self._file or size != self._at)

    def read(self, most: int) -> tuple[list[bytes], float]:
        """Whole lines that are new, and how many each of them stands for: more than one where only some were read."""
        file, size = identity(self._path)
        rest = b""
        if file != self._file:
            before = self._path.with_name(f"{self._path.name}.1")
            if self._file is not None and identity(before)[0] == self._file:
                rest = read_from(before, self._at, most)
            self._file, self._at = file, 0
        if size < self._at:
            self._at = 0
        grown = size - self._at
        begin = max(self._at, size - most)
        read = read_from(self._path, begin, size - begin)
        whole = read.rpartition(b"\n")[0] + b"\n" if b"\n" in read else b""
        self._at = begin + len(whole) if whole or grown <= most else size
        lines = [*rest.split(b"\n"), *whole.split(b"\n")]
        return lines, grown / len(read) if 0 < len(read) < grown else 1.0


class Sum:
    """Of the requests to one release."""

    def __init__(self) -> None:
        self._requests = self._errors = 0.0
        self._times: dict[int, float] = {}
        self._is_sampled = False

    def add(self, count: float, milliseconds: float | None, *, is_error: bool) -> None:
        self._requests += count
        self._errors += count if is_error else 0
        self._is_sampled = self._is_sampled or count > 1
        if milliseconds is not None:
            step = bisect.bisect_left(BOUNDS, milliseconds)
            self._times[step] = self._times.get(step, 0.0) + count

    def said(self) -> dict[str, object]:
        return {
            "requests": round(self._requests),
            "errors": round(self._errors),
            "times": {str(step): round(count) for step, count in self._times.items()},
            "is_sampled": self._is_sampled,
        }


def read_request(line: bytes) -> tuple[int, str, bool, float | None] | None:
    """Release, slot, whether it failed, and its milliseconds. None for what is no visitor's, or is nothing of ours."""
    try:
        said = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("agent") == PROOF:
        return None
    release, status, slot = text_in(said, "release"), text_in(said, "status"), text_in(said, "slot")
    if not _RELEASE.fullmatch(release) or not re.fullmatch("[1-5][0-9][0-9]", status):
        return None
    if status == NOT_IMPLEMENTED and text_in(said, "upstream") in ("", "-"):
        return None
    seconds = None if int(status) == UPGRADED else seconds_in(said)  # what stays open tells of no pace
    milliseconds = None if seconds is None else seconds * 1000
    return int(release), slot if slot in ("blue", "green") else "", int(status) >= SERVER_ERROR, milliseconds


def seconds_in(said: dict[str, Any]) -> float | None:
    """To the head of an app's answer: what follows may be a stream without an end, or read slowly. Of several attempts
    nginx notes each, with commas or colons between; an answer of its own has none, and counts as a whole."""
    for name in ("first_byte_seconds", "seconds"):
        last = re.split("[,:]", text_in(said, name))[-1].strip()
        if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", last):
            return float(last)
    return None


def text_in(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def identity(path: Path) -> tuple[tuple[int, int] | None, int]:
    """Which file it is, and its size."""
    try:
        found = path.stat()
    except OSError:
        return None, 0
    return (found.st_dev, found.st_ino), found.st_size


def read_from(path: Path, begin: int, most: int) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return b""
    try:
        return os.pread(file, max(0, most), begin)
    finally:
        os.close(file)


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
