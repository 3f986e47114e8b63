"""Whatever an archive holds, nothing of it lands outside its folder, and nothing stays of one that is refused."""

import gzip
import io
import os
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path, PurePosixPath

import pytest

from bakery.delivery.programs import unpack
from bakery.delivery.uploads import keep_upload
from bakery.model.errors import BadInput
from bakery.nodes.local import LocalTransport

Fill = Callable[[tarfile.TarFile], None]


def add(name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> Fill:
    def fill(tar: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.mode, member.size = kind, link, mode, len(content)
        tar.addfile(member, io.BytesIO(content))

    return fill


def an_archive(folder: Path, *fills: Fill) -> PurePosixPath:
    path = folder / "source.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for fill in fills:
            fill(tar)
    return PurePosixPath(path)


async def unpacked(tmp_path: Path, archive: PurePosixPath) -> Path:
    target = tmp_path / "releases" / "1"
    target.parent.mkdir(exist_ok=True)
    await unpack(LocalTransport(), archive, PurePosixPath(target), None)
    return target


async def test_files_folders_modes_and_links_inside_arrive(tmp_path: Path) -> None:
    archive = an_archive(
        tmp_path,
        add("./", kind=tarfile.DIRTYPE),
        add("./bin/run", b"#!/bin/sh\n", mode=0o4775),
        add("latest", kind=tarfile.SYMTYPE, link="bin/run"),
        add("über $x;'\"\n.txt", b"odd"),
    )
    target = await unpacked(tmp_path, archive)
    assert (target / "latest").read_bytes() == b"#!/bin/sh\n"
    assert (target / "bin/run").stat().st_mode & 0o7777 == 0o755
    assert (target / "über $x;'\"\n.txt").read_bytes() == b"odd"


async def test_what_is_unpacked_stays_when_it_is_asked_for_again(tmp_path: Path) -> None:
    archive = an_archive(tmp_path, add("a", b"one"))
    target = await unpacked(tmp_path, archive)
    (target / "a").write_bytes(b"changed by the app")
    await unpacked(tmp_path, archive)
    assert (target / "a").read_bytes() == b"changed by the app"


@pytest.mark.parametrize(
    "fills",
    [
        (add("../evil", b"x"),),
        (add("a/../../evil", b"x"),),
        (add("/evil", b"x"),),
        (add("out", kind=tarfile.SYMTYPE, link="/etc/passwd"),),
        (add("out", kind=tarfile.SYMTYPE, link="../../.."),),
        (add("d", kind=tarfile.SYMTYPE, link=".."), add("d/evil", b"x")),
        (
            add("d/e/f", b""),
            add("d/up", kind=tarfile.SYMTYPE, link=".."),
            add("x", kind=tarfile.SYMTYPE, link="d/up/../.."),
        ),
        (add("a", b"x"), add("b", kind=tarfile.LNKTYPE, link="a")),
        (add("b", kind=tarfile.LNKTYPE, link="/etc/passwd"),),
        (add("null", kind=tarfile.CHRTYPE),),
        (add("pipe", kind=tarfile.FIFOTYPE),),
        (add("a", b"one"), add("a", b"two")),
        (add("a", b"file"), add("a/b", b"below a file")),
    ],
)
async def test_an_archive_that_leads_out_is_refused(tmp_path: Path, fills: tuple[Fill, ...]) -> None:
    archive = an_archive(tmp_path, *fills)
    before = sorted(os.walk(tmp_path))
    (tmp_path / "releases").mkdir()
    with pytest.raises(BadInput):
        await unpacked(tmp_path, archive)
    (tmp_path / "releases").rmdir()
    assert sorted(os.walk(tmp_path)) == before


async def test_a_small_archive_that_becomes_huge_is_refused_before_the_disk_is_full(tmp_path: Path) -> None:
    member = tarfile.TarInfo("bomb")
    member.size = 4 * 1024**3
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb") as file:
        file.write(member.tobuf())
    with pytest.raises(BadInput, match="more than 2 GB"):
        await unpacked(tmp_path, PurePosixPath(path))


async def test_a_header_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "header.tar.gz"
    member = tarfile.TarInfo("pax")
    member.type, member.size = tarfile.XHDTYPE, 1500 * 1024**2
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(member.tobuf())
        for _ in range(1500):
            file.write(bytes(1024**2))
    with pytest.raises(BadInput):
        await unpacked(tmp_path, PurePosixPath(path))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip file", b"\x1f\x8b cut off"])
async def test_what_is_not_an_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield content

    async def upload_and_unpack() -> None:
        upload = await keep_upload(tmp_path, pieces())
        await unpacked(tmp_path, PurePosixPath(tmp_path / "uploads" / upload.archive))

    with pytest.raises(BadInput) as refused:
        await upload_and_unpack()
    assert refused.value.field == "source"


async def test_an_upload_that_is_gone_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="The upload is gone"):
        await unpacked(tmp_path, PurePosixPath(tmp_path / "uploads" / "old.tar.gz"))
