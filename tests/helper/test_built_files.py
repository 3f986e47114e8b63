"""What a build leaves as files comes as an archive, and is taken as an upload is: whole, inside, with bits of ours."""

import os
import pwd
import stat
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from bakery.helper.built_files import NOT_WHOLE, BuiltFiles
from bakery.helper.words import write_all

OUTPUT = "web/dist"


def member(
    name: str, content: bytes = b"", *, mode: int = 0o644, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> bytes:
    one = tarfile.TarInfo(name)
    one.mode, one.type, one.linkname, one.size = mode, kind, link, len(content)
    return one.tobuf() + content.ljust(-(-len(content) // 512) * 512, b"\0")


INDEX = member("index.html", b"hello")
END = bytes(1024)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """That is built, in the home of its environment."""
    folder = tmp_path / "home/releases/1"
    folder.mkdir(parents=True)
    return folder


def take(
    folder: Path, sent: Sequence[bytes], *, status: int = 0, output: str = OUTPUT, was_stopped: bool = False
) -> int:
    """A client that sends so much, and ends so."""
    built = BuiltFiles(pwd.getpwuid(os.geteuid()), folder.parent.parent, str(folder), output)
    client = os.dup(built.archive)
    built.given_away()
    try:
        for piece in sent:
            write_all(client, piece)
    except BrokenPipeError:
        status = 1
    finally:
        os.close(client)
    return built.finish(status, was_stopped=was_stopped)


def test_files_arrive_with_no_bits_but_ours(folder: Path) -> None:
    sent = [
        member("assets/", kind=tarfile.DIRTYPE, mode=0o7777),
        member("assets/app.js", b"1", mode=0o600),
        member("index.html", b"hello", mode=0o6755),
        member("home", kind=tarfile.SYMTYPE, link="index.html"),
        member("start.html", kind=tarfile.LNKTYPE, link="index.html", mode=0o6755),
        END,
    ]
    assert take(folder, sent) == 0
    site = folder / OUTPUT
    assert (site / "home").readlink() == Path("index.html")
    modes = {
        name: oct(stat.S_IMODE((site / name).stat().st_mode)) for name in (".", "assets", "assets/app.js", "index.html")
    }
    assert modes == {".": "0o755", "assets": "0o755", "assets/app.js": "0o644", "index.html": "0o755"}
    assert (site / "start.html").samefile(site / "index.html")


def test_what_lay_there_before_is_not_of_the_build(folder: Path) -> None:
    (folder / OUTPUT).mkdir(parents=True)
    (folder / OUTPUT / "old.html").touch()
    take(folder, [INDEX, END])
    assert [path.name for path in (folder / OUTPUT).iterdir()] == ["index.html"]


def test_a_build_of_no_files_leaves_an_empty_folder(folder: Path) -> None:
    assert take(folder, [END]) == 0
    assert list((folder / OUTPUT).iterdir()) == []


@pytest.mark.parametrize(
    ("sent", "refused"),
    [
        ([member("../evil", b"x"), END], "“../evil” leads out of the archive."),
        ([member("out", kind=tarfile.SYMTYPE, link="/etc/passwd"), END], "The link “out” leads out of the archive."),
        ([member("null", kind=tarfile.CHRTYPE), END], "“null” is neither a file, nor a folder, nor a link to one"),
        ([member("out", kind=tarfile.LNKTYPE, link="/etc/passwd"), END], "“/etc/passwd” leads out of the archive."),
    ],
)
def test_what_an_upload_may_not_hold_a_build_may_not_leave(folder: Path, sent: list[bytes], refused: str) -> None:
    with pytest.raises(SystemExit, match=f"What the build made is refused. {refused}"):
        take(folder, sent)


def test_who_sends_too_much_hears_so_though_the_client_fails_of_it(folder: Path) -> None:
    bomb = tarfile.TarInfo("bomb")
    bomb.size = 3 * 1024**3
    with pytest.raises(SystemExit, match="The archive expands to more than 2 GB"):
        take(folder, [bomb.tobuf(), *[bytes(1024**2)] * 4], status=1)


def test_a_client_that_failed_says_why_itself_and_nothing_is_touched(folder: Path) -> None:
    (folder / OUTPUT).mkdir(parents=True)
    (folder / OUTPUT / "old.html").touch()
    assert take(folder, [], status=17) == 17
    assert (folder / OUTPUT / "old.html").exists()
    assert take(folder, [member("index.html", b"x" * 4096)[:1024]], status=17) == 17


@pytest.mark.parametrize("sent", [[], [member("index.html", b"x" * 4096)[:1024]], [b"no archive" * 100]])
def test_a_client_that_ends_well_sent_all(folder: Path, sent: list[bytes]) -> None:
    with pytest.raises(SystemExit, match=NOT_WHOLE):
        take(folder, sent)


def test_of_a_build_that_was_ended_nobody_waits_for_more(folder: Path) -> None:
    assert take(folder, [INDEX], status=9, was_stopped=True) == 9
    assert take(folder, [INDEX, END], status=0, was_stopped=True) == 143


@pytest.mark.parametrize("output", ["link", "link/dist", "."])
def test_the_folder_of_the_files_is_below_the_one_that_is_built(folder: Path, output: str) -> None:
    (folder.parent.parent / "outside").mkdir(mode=0o700)
    (folder / "link").symlink_to(folder.parent.parent / "outside")
    with pytest.raises(SystemExit, match="leads out of the folder that is built"):
        take(folder, [INDEX, END], output=output)
    assert list((folder.parent.parent / "outside").iterdir()) == []


def test_a_folder_outside_the_home_is_not_entered(folder: Path, tmp_path: Path) -> None:
    built = BuiltFiles(pwd.getpwuid(os.geteuid()), folder.parent.parent, str(tmp_path), OUTPUT)
    built.given_away()
    with pytest.raises(SystemExit, match="has to be below"):
        built.finish(0, was_stopped=False)
