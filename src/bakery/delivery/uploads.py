"""Uploaded folders: a tar.gz, kept on the node until its deployment has unpacked it."""

import asyncio
import errno
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bakery.model.errors import BadInput, NoSpace, NotReady

LARGEST_UPLOAD = 500 * 1024 * 1024
UPLOADS = "uploads"  # below the node's folder
_GZIP = b"\x1f\x8b"
_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """`archive` is its file's name among the uploads, `version` its SHA-256. What people see is `title`."""

    archive: str
    version: str
    title: str


async def keep_upload(node_dir: Path, pieces: AsyncIterator[bytes], *, title: str = "Uploaded folder") -> Upload:
    """Writes what arrives to a file of its own. What is not a gzip file, or too large, leaves nothing behind."""
    if not title.strip() or len(title) > _LONGEST_TITLE or not title.isprintable():
        raise BadInput(f"Use up to {_LONGEST_TITLE} printable characters.", field="title")
    folder = uploads_folder(node_dir)
    name = f"{secrets.token_hex(16)}.tar.gz"
    path = folder / name
    with _disk_takes_it(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return Upload(name, await _write(path, pieces), title.strip())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def uploads_folder(node_dir: Path) -> Path:
    return node_dir / UPLOADS


@contextmanager
def _disk_takes_it(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpace(
                "There is no space left for the upload on the node local.",
                hint=f"Make some below {folder.parent}, or delete apps that nobody needs, and upload it again.",
            ) from error
        raise NotReady(
            f"The upload cannot be kept on the node local: {error.strerror or error}.",
            hint=f"See that Bakery can write to {folder}, and upload it again.",
        ) from error


async def _write(path: Path, pieces: AsyncIterator[bytes]) -> str:
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        async for piece in pieces:
            if size == 0 and piece and not piece.startswith(_GZIP[: len(piece)]):
                raise BadInput(
                    "This is not a tar.gz file.", field="source", hint="Make one with: tar -czf app.tar.gz ."
                )
            size += len(piece)
            if size > LARGEST_UPLOAD:
                raise BadInput(f"An upload has at most {LARGEST_UPLOAD // 1024**2} MB.", field="source")
            digest.update(piece)
            await asyncio.to_thread(file.write, piece)
    if size == 0:
        raise BadInput("The upload is empty.", field="source")
    return digest.hexdigest()
