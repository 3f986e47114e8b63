"""What was uploaded, and waits to be unpacked.

upload-keep ARCHIVE     takes the number of its bytes on a line, then these; it is there when all of them are
upload-remove ARCHIVE   again is harmless
upload-list             prints how many seconds ago each came
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

from bakery.helper.files import make_folder
from bakery.helper.verbs import Verb
from bakery.helper.words import say

ARCHIVE = "[0-9a-f]{32}\\.tar\\.gz"
LARGEST = 500 * 1024 * 1024
FORGOTTEN_AFTER = 24 * 3600  # seconds; one that never came to its end
CHUNK = 256 * 1024


def keep(root: Path, archive: str) -> None:
    make_folder(uploads(root), 0o700)
    path = uploads(root) / archive
    if path.exists():
        return
    aside = uploads(root) / f".{archive}.{os.getpid()}"
    try:
        with aside.open("xb") as file:
            copy_input(file)
            os.fsync(file.fileno())
        aside.rename(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            aside.unlink()


def copy_input(file: BinaryIO) -> None:
    """Its length comes first, on a line: an input that ends early is no whole upload."""
    expected = int(sys.stdin.buffer.readline(20))
    if not 0 < expected <= LARGEST:
        sys.exit(f"An upload has at most {LARGEST // 1024**2} MB.")
    while expected:
        chunk = sys.stdin.buffer.read(min(CHUNK, expected))
        if not chunk:
            sys.exit("The upload ended before its end.")
        file.write(chunk)
        expected -= len(chunk)


def remove(root: Path, archive: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        (uploads(root) / archive).unlink()


def list_all(root: Path) -> None:
    """What was left behind half-way goes meanwhile."""
    ages: dict[str, object] = {}
    for path in uploads(root).iterdir() if uploads(root).exists() else ():
        age = time.time() - path.stat().st_mtime
        if not path.name.startswith("."):
            ages[path.name] = age
        elif age > FORGOTTEN_AFTER:
            path.unlink()
    say({"ages": ages})


def open_upload(root: Path, archive: str) -> BinaryIO:
    try:
        return (uploads(root) / archive).open("rb")
    except FileNotFoundError:
        sys.exit("The upload is gone: it waits an hour to be deployed. Upload it once more.")


def uploads(root: Path) -> Path:
    return root / "uploads"


VERBS = {"keep": Verb(keep, ARCHIVE), "remove": Verb(remove, ARCHIVE), "list": Verb(list_all)}
