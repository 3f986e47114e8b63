"""What units wrote: a file each, which grows; and what visitors did, which nginx notes.

log-size UNIT            prints how many bytes it has, and from which on they are kept; none is none
log-read UNIT FROM       prints the bytes from an offset on, as many as one answer holds
log-copy UNIT FROM       prints all bytes from an offset on
log-follow UNIT FROM     likewise, and what comes, until nobody reads any more
log-since UNIT MOMENT    prints from which byte on a unit wrote since a moment, in seconds since 1970, or a bit earlier
log-keep                 what makes logs bounded, and known by time: to be said every minute

The beginning of a long log goes without its bytes changing their places: the file gets a hole. One of nginx is moved
to NAME.1, over the one before.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import select
import signal
import time
from pathlib import Path

from bakery.helper.files import make_folder, write_whole
from bakery.helper.libc import LIBC
from bakery.helper.names import UNIT
from bakery.helper.nginx import Nginx
from bakery.helper.processes import began_at, send
from bakery.helper.programs import find_program
from bakery.helper.verbs import Verb
from bakery.helper.words import say, write_all

MOST = 256 * 1024  # bytes of one answer
PIECE = 1024 * 1024
LONGEST, KEPT = 64 * 1024 * 1024, 32 * 1024 * 1024  # bytes of a log; a longer one keeps its end
LONGEST_OF_NGINX = 64 * 1024 * 1024
MOST_MARKS = 10_000  # of a log: a week of minutes
BLOCK = 4096
KEEP_SIZE, PUNCH_HOLE = 0x01, 0x02
LOOK_AGAIN = 0.2
_LOG = re.compile(f"({UNIT})\\.log")
_ACCESS_LOG = re.compile(r"[a-z][a-z0-9-]{0,56}\.access\.json")


def tell_size(root: Path, unit: str) -> None:
    file = opened(root, unit)
    say({"bytes": 0 if file is None else os.fstat(file).st_size, "from": 0 if file is None else kept_from(file)})


def read(root: Path, unit: str, from_byte: str) -> None:
    file = opened(root, unit)
    if file is not None:
        size = os.fstat(file).st_size
        write_all(1, os.pread(file, MOST, max(int(from_byte), size - MOST)))


def copy(root: Path, unit: str, from_byte: str) -> None:
    file = opened(root, unit)
    if file is not None:
        copy_out(file, max(int(from_byte), kept_from(file)), until=os.fstat(file).st_size)


def follow(root: Path, unit: str, from_byte: str) -> None:
    """Of a log that is not there yet, from its beginning. One that was made shorter begins anew."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    poll = select.poll()
    poll.register(1, 0)  # that nobody reads any more is reported unasked
    file, at = opened(root, unit), int(from_byte)
    while True:
        if file is None:
            file = opened(root, unit)
        if file is not None:
            size = os.fstat(file).st_size
            at = 0 if size < at else max(at, kept_from(file))
            copy_out(file, at, until=size)
            at = size
        if poll.poll(LOOK_AGAIN * 1000):
            return


def since(root: Path, unit: str, moment: str) -> None:
    """The end of what was there at the last mark before."""
    marks = [mark for mark in read_marks(marks_of(root, unit)) if mark[0] <= int(moment)]
    say({"from": marks[-1][1] if marks else 0})


def keep(root: Path) -> None:
    logs = root / "logs"
    names = sorted(log.name for log in logs.iterdir()) if logs.exists() else []
    for name in names:
        found = _LOG.fullmatch(name)
        if found:
            with contextlib.suppress(FileNotFoundError):  # its app goes in this moment
                mark(root, found[1])
                cut(logs / name)
    rotate(root, [logs / name for name in names if _ACCESS_LOG.fullmatch(name)])
    say({})


# Files.


def log_of(root: Path, unit: str) -> Path:
    return root / "logs" / f"{unit}.log"


def opened(root: Path, unit: str) -> int | None:
    try:
        return os.open(log_of(root, unit), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def kept_from(file: int) -> int:
    """Where the hole ends: at the end, when nothing else is in it. A program makes its own log as long as it likes."""
    try:
        return os.lseek(file, 0, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return os.fstat(file).st_size
        if error.errno != errno.EINVAL:
            raise
        return 0  # its file system knows no holes


def copy_out(file: int, at: int, *, until: int) -> None:
    while at < until:
        piece = os.pread(file, min(PIECE, until - at), at)
        if not piece:
            return
        write_all(1, piece)
        at += len(piece)


def cut(path: Path) -> None:
    """A file system without holes keeps all of it."""
    file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        size, begin = os.fstat(file).st_size, kept_from(file)
        if size - begin > LONGEST:
            end = (size - KEPT) // BLOCK * BLOCK
            LIBC.fallocate(file, KEEP_SIZE | PUNCH_HOLE, ctypes.c_int64(0), ctypes.c_int64(end))
    finally:
        os.close(file)


# Marks: when a log was how long.


def marks_of(root: Path, unit: str) -> Path:
    return root / "logs" / "marks" / unit


def mark(root: Path, unit: str) -> None:
    size, path = log_of(root, unit).stat().st_size, marks_of(root, unit)
    marks = read_marks(path)
    if not marks or marks[-1][1] != size:
        make_folder(path.parent, 0o700)
        kept = [*(one for one in marks if one[1] <= size), (int(time.time()), size)][-MOST_MARKS:]
        write_whole(path, "".join(f"{at} {length}\n" for at, length in kept))


def read_marks(path: Path) -> list[tuple[int, int]]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return []
    return [(int(line.split()[0]), int(line.split()[1])) for line in lines]


# What nginx notes.


def rotate(root: Path, logs: list[Path]) -> None:
    long = [log for log in logs if log.stat().st_size > LONGEST_OF_NGINX]
    if not long or not find_program("nginx"):
        return
    nginx = Nginx(root)
    for log in long:
        log.replace(log.with_name(f"{log.name}.1"))
        nginx.make_log(log.name)
    master = nginx.master()
    if master:  # it opens its logs anew
        send(int(master), began_at(int(master)) or "", signal.SIGUSR1)


_FROM = f"{UNIT}\0[0-9]{{1,18}}"
VERBS = {
    "size": Verb(tell_size, UNIT),
    "read": Verb(read, _FROM),
    "copy": Verb(copy, _FROM),
    "follow": Verb(follow, _FROM),
    "since": Verb(since, _FROM),
    "keep": Verb(keep),
}
