"""Uploaded folders: a tar.gz, kept on the app's node until its deployment has unpacked it."""

import asyncio
import errno
import hashlib
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bakery.delivery.find import FoundApp, node_of_environment
from bakery.delivery.local import expect_uploads_here
from bakery.model.errors import BadInput, NoSpace, NotFound, NotReady
from bakery.nodes.links import Links
from bakery.store.store import Store

LARGEST_UPLOAD = 500 * 1024 * 1024
UPLOADS = "uploads"  # below the node's folder
_GZIP = b"\x1f\x8b"
_LONGEST_TITLE = 200
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """`archive` is its file's name among the uploads, `version` its SHA-256. What people see is `title`."""

    archive: str
    version: str
    title: str


async def take_upload(
    store: Store,
    links: Links,
    app: FoundApp,
    pieces: AsyncIterator[bytes],
    *,
    title: str,
    node_dir: Path,
    data_dir: Path,
) -> Upload:
    """Brings it to the node where the app lives. One that cannot be reached is told of before the upload is read."""
    node_id = await node_of_environment(store, app.environment_id)
    if node_id is None:
        raise NotFound("There is no such app.")
    if (await links.address(node_id)).kind == "local":
        await expect_uploads_here(store, node_dir)
        return await keep_upload(node_dir, pieces, title=title)
    _expect_title(title)
    await (await links.ssh(node_id)).connect()
    name = _new_name()
    with _disk_takes_it(data_dir, "where Bakery runs"):
        spooled = tempfile.TemporaryFile(dir=data_dir)  # noqa: SIM115 - closed below; it has no name to be left behind
    with spooled:
        with _disk_takes_it(data_dir, "where Bakery runs"):
            version = await _write(spooled, pieces)
            size = spooled.tell()
            spooled.seek(0)
        await (await links.node(node_id)).homes.keep_upload(name, size, _read(spooled))
    return Upload(name, version, title.strip())


async def keep_upload(node_dir: Path, pieces: AsyncIterator[bytes], *, title: str = "Uploaded folder") -> Upload:
    """On this machine: writes what arrives to a file of its own. What is not a gzip file, or too large, leaves nothing
    behind."""
    _expect_title(title)
    folder = uploads_folder(node_dir)
    name = _new_name()
    path = folder / name
    with _disk_takes_it(folder, "on the node local"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                return Upload(name, await _write(file, pieces), title.strip())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def uploads_folder(node_dir: Path) -> Path:
    return node_dir / UPLOADS


def _expect_title(title: str) -> None:
    if not title.strip() or len(title) > _LONGEST_TITLE or not title.isprintable():
        raise BadInput(f"Use up to {_LONGEST_TITLE} printable characters.", field="title")


def _new_name() -> str:
    return f"{secrets.token_hex(16)}.tar.gz"


@contextmanager
def _disk_takes_it(folder: Path, where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpace(
                f"There is no space left for the upload {where}.",
                hint=f"Make some below {folder.parent}, or delete apps that nobody needs, and upload it again.",
            ) from error
        raise NotReady(
            f"The upload cannot be kept {where}: {error.strerror or error}.",
            hint=f"See that Bakery can write to {folder}, and upload it again.",
        ) from error


async def _write(file: IO[bytes], pieces: AsyncIterator[bytes]) -> str:
    digest, size = hashlib.sha256(), 0
    async for piece in pieces:
        if size == 0 and piece and not piece.startswith(_GZIP[: len(piece)]):
            raise BadInput("This is not a tar.gz file.", field="source", hint="Make one with: tar -czf app.tar.gz .")
        size += len(piece)
        if size > LARGEST_UPLOAD:
            raise BadInput(f"An upload has at most {LARGEST_UPLOAD // 1024**2} MB.", field="source")
        digest.update(piece)
        await asyncio.to_thread(file.write, piece)
    if size == 0:
        raise BadInput("The upload is empty.", field="source")
    await asyncio.to_thread(file.flush)
    return digest.hexdigest()


async def _read(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, _CHUNK):
        yield chunk
