"""A unit as the caller tells it: a JSON object on a line, checked, because the caller may be hostile.

As whom it runs and where it logs are not told: they follow from its name.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

from bakery.helper import systemd_text
from bakery.helper.names import WORD, Premises
from bakery.helper.systemd import LONGEST_STOP
from bakery.helper.words import is_text, whole_number

FIELDS = {"argv", "folder", "environment", "writable", "memory_bytes", "cpu_percent", "stop_seconds"}
VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]{0,200}")
LONGEST_ARGV = 128 * 1024  # bytes in all, as systemd reads no line above 1 MiB, and quoting makes four of one
LARGEST_VALUE = 128 * 1000  # Linux takes 128 KiB with the name
LARGEST_ENVIRONMENT = 1024 * 1024  # Linux takes 2 MiB with argv
MOST_WRITABLE = 50


class ToldUnit:
    def __init__(self, premises: Premises, told: dict[str, object]) -> None:
        self.premises = premises
        self.argv = told_argv(told["argv"])
        self.folder = told_folder(premises, told["folder"], what="folder")
        self.environment = told_environment(told["environment"])
        self.writable = told_writable(premises, told["writable"])
        self.memory_bytes = limit(told, "memory_bytes", 1024 * 1024, 2**50)
        self.cpu_percent = limit(told, "cpu_percent", 1, 100_000)
        self.stop_seconds = whole_number(told, "stop_seconds", 1, LONGEST_STOP)

    def texts(self, name: str, *, environment_file: Path, log_file: Path) -> tuple[str, str]:
        """Of the unit's file, and of that with its variables."""
        text = systemd_text.unit(
            name,
            self.argv,
            account=self.premises.account,
            folder=self.folder,
            environment_file=environment_file,
            log_file=log_file,
            writable=self.writable,
            memory_bytes=self.memory_bytes,
            cpu_percent=self.cpu_percent,
            stop_seconds=self.stop_seconds,
        )
        return text, systemd_text.environment(self.environment)


def told_argv(argv: object) -> list[str]:
    if not isinstance(argv, list) or not all(map(is_text, argv)) or not argv or not argv[0].startswith("/"):
        sys.exit("argv has to be a list of texts that begins with the absolute path of a program.")
    if sum(len(word.encode()) + 1 for word in argv) > LONGEST_ARGV:
        sys.exit(f"argv has to have at most {LONGEST_ARGV} bytes.")
    if not all(map(systemd_text.is_readable, argv)):
        sys.exit("argv holds a character that systemd does not take.")
    return argv


def told_environment(environment: object) -> dict[str, str]:
    if not isinstance(environment, dict) or not all(map(VARIABLE.fullmatch, environment)):
        sys.exit("environment has to be an object whose names are those of variables.")
    for name, text in environment.items():
        if not is_text(text):
            sys.exit(f"The value of {name} has to be a text without NUL.")
        if len(text.encode()) > LARGEST_VALUE:
            sys.exit(f"The value of {name} has to have at most {LARGEST_VALUE} bytes.")
        if not systemd_text.is_readable(text):
            sys.exit(f"The value of {name} holds a character that systemd does not take.")
    if sum(len(name) + len(text.encode()) + 2 for name, text in environment.items()) > LARGEST_ENVIRONMENT:
        sys.exit(f"environment has to have at most {LARGEST_ENVIRONMENT} bytes.")
    return environment


def told_folder(premises: Premises, path: object, *, what: str) -> Path:
    """Entered as the account alone: it may well be a link of the app's."""
    if not is_text(path):
        sys.exit(f"{what} has to be a path.")
    return premises.expect_inside(path, what=what)


def told_writable(premises: Premises, paths: object) -> list[Path]:
    if not isinstance(paths, list) or len(paths) > MOST_WRITABLE:
        sys.exit(f"writable has to be a list of at most {MOST_WRITABLE} paths.")
    return [told_place(premises, path) for path in paths]


def told_place(premises: Premises, path: object) -> Path:
    """In the environment's home, or one of its volumes."""
    if is_text(path) and Path(str(path)).parent == premises.volumes and re.fullmatch(WORD, Path(str(path)).name):
        found, top = Path(str(path)), premises.volumes
    else:
        found, top = told_folder(premises, path, what="writable"), premises.home
    expect_no_link(top, found)
    return found


def expect_no_link(top: Path, path: Path) -> None:
    """systemd opens these as root, at each start: no part may be a link, nor become one later."""
    inside = len(path.relative_to(top).parts)
    for folder in (*reversed(list(path.parents)[:inside]), path):  # from above: beyond a link we do not even look
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode):
            sys.exit(f"writable has to be a folder: {folder} is none.")
        if folder != path and (found.st_uid != os.geteuid() or found.st_mode & 0o022):
            sys.exit(f"writable has to lie where the app cannot replace it, but others may change {folder}.")


def limit(told: dict[str, object], name: str, least: int, most: int) -> int | None:
    return None if told[name] is None else whole_number(told, name, least, most)
