"""Whatever an archive holds, nothing of it lands outside its folder, and nothing stays of one that is refused."""

import gzip
import io
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path, PurePosixPath

import pytest

from bakery.commands.command import command
from bakery.delivery.uploads import keep_upload
from bakery.model.errors import BadInput
from bakery.model.names import AppName, EnvironmentName
from bakery.nodes.folders import NodeFolders
from bakery.nodes.helper_calls import Helper
from bakery.nodes.homes import Homes, Place
from bakery.nodes.jobs import install_helper
from bakery.nodes.local import LocalTransport
from bakery.nodes.transport import run_or_fail

PLACE = Place(AppName("shop"), EnvironmentName("production"))
Fill = Callable[[tarfile.TarFile], None]


def add(name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> Fill:
    def fill(tar: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.mode, member.size = kind, link, mode, len(content)
        tar.addfile(member, io.BytesIO(content))

    return fill


class Machine:
    """This machine, with a folder of its own for a node."""

    def __init__(self, folder: Path, homes: Homes) -> None:
        self.folder = folder
        self.homes = homes

    def archive(self, *fills: Fill) -> str:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for fill in fills:
                fill(tar)
        return self.upload(packed.getvalue())

    def upload(self, content: bytes) -> str:
        name = f"{secrets.token_hex(16)}.tar.gz"
        (self.folder / "uploads").mkdir(exist_ok=True)
        (self.folder / "uploads" / name).write_bytes(content)
        return name

    async def unpacked(self, archive: str) -> Path:
        await self.homes.unpack(PLACE, 1, archive, for_visitors=False)
        return self.folder / "apps/shop/production/releases/1"

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in (self.folder / "apps").rglob("*"))


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    folder = Path(tempfile.mkdtemp(prefix="bakery-unpack-"))
    await run_or_fail(LocalTransport(), command("chmod", "755", folder))  # the account of the app writes there
    transport = LocalTransport()
    helper = Helper(transport, await install_helper(transport, NodeFolders(PurePosixPath(folder))))
    homes = Homes(transport, helper)
    yield Machine(folder, homes)
    await homes.remove(PLACE)
    shutil.rmtree(folder)


async def test_files_folders_modes_and_links_inside_arrive(machine: Machine) -> None:
    archive = machine.archive(
        add("./", kind=tarfile.DIRTYPE),
        add("./bin/run", b"#!/bin/sh\n", mode=0o4775),
        add("latest", kind=tarfile.SYMTYPE, link="bin/run"),
        add("bin/again", kind=tarfile.LNKTYPE, link="./bin/run", mode=0o6777),
        add("über $x;'\"\n.txt", b"odd"),
    )
    target = await machine.unpacked(archive)
    assert (target / "latest").read_bytes() == b"#!/bin/sh\n"
    assert (target / "bin/run").stat().st_mode & 0o7777 == 0o755
    assert (target / "bin/again").samefile(target / "bin/run")
    assert (target / "über $x;'\"\n.txt").read_bytes() == b"odd"


async def test_what_is_unpacked_stays_when_it_is_asked_for_again(machine: Machine) -> None:
    archive = machine.archive(add("a", b"one"))
    target = await machine.unpacked(archive)
    (target / "a").write_bytes(b"changed by the app")
    await machine.unpacked(archive)
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
        (add("b", kind=tarfile.LNKTYPE, link="a"), add("a", b"x")),
        (add("l", kind=tarfile.SYMTYPE, link="a"), add("b", kind=tarfile.LNKTYPE, link="l")),
        (add("a", b"x"), add("b", kind=tarfile.LNKTYPE, link="../../releases/1/a")),
        (add("a", b"x"), add("a", kind=tarfile.LNKTYPE, link="a")),
        (add("b", kind=tarfile.LNKTYPE, link="/etc/passwd"),),
        (add("null", kind=tarfile.CHRTYPE),),
        (add("pipe", kind=tarfile.FIFOTYPE),),
        (add("a", b"one"), add("a", b"two")),
        (add("a", b"file"), add("a/b", b"below a file")),
    ],
)
async def test_an_archive_that_leads_out_is_refused(machine: Machine, fills: tuple[Fill, ...]) -> None:
    archive = machine.archive(*fills)
    with pytest.raises(BadInput):
        await machine.unpacked(archive)
    assert machine.files() == [
        "apps/shop",
        "apps/shop/production",
        "apps/shop/production/cache",
        "apps/shop/production/releases",
    ]


async def test_a_small_archive_that_becomes_huge_is_refused_before_the_disk_is_full(machine: Machine) -> None:
    member = tarfile.TarInfo("bomb")
    member.size = 4 * 1024**3
    bomb = machine.upload(gzip.compress(member.tobuf()))
    with pytest.raises(BadInput, match="more than 2 GB"):
        await machine.unpacked(bomb)


async def test_a_header_that_is_too_long_is_refused(machine: Machine) -> None:
    member = tarfile.TarInfo("pax")
    member.type, member.size = tarfile.XHDTYPE, 1500 * 1024**2
    header = machine.upload(b"")
    with gzip.open(machine.folder / "uploads" / header, "wb", compresslevel=1) as file:
        file.write(member.tobuf())
        for _ in range(1500):
            file.write(bytes(1024**2))
    with pytest.raises(BadInput):
        await machine.unpacked(header)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip file", b"\x1f\x8b cut off"])
async def test_what_is_not_an_archive_is_refused(machine: Machine, content: bytes) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield content

    async def upload_and_unpack() -> None:
        upload = await keep_upload(machine.folder, pieces())
        await machine.unpacked(upload.archive)

    with pytest.raises(BadInput) as refused:
        await upload_and_unpack()
    assert refused.value.field == "source"


async def test_an_upload_that_is_gone_is_named_as_such(machine: Machine) -> None:
    with pytest.raises(BadInput, match="The upload is gone"):
        await machine.unpacked(f"{'0' * 32}.tar.gz")
