"""What units wrote, as the helper tells of it."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bakery.helper import unit_logs

UNIT = "bakery-shop-production-blue"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / f"{UNIT}.log"
    path.parent.mkdir()
    path.write_bytes(b"one\ntwo\nthree\n")
    return path


def test_a_log_is_copied_from_a_byte_on(tmp_path: Path, log: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    unit_logs.copy(tmp_path, UNIT, "4")
    unit_logs.copy(tmp_path, UNIT, "999")
    unit_logs.copy(tmp_path, "bakery-other-production-blue", "0")
    assert capfdbinary.readouterr().out == b"two\nthree\n"


@pytest.mark.parametrize("act", [unit_logs.copy, unit_logs.read])
def test_a_link_in_place_of_a_log_leads_nowhere(
    tmp_path: Path, log: Path, act: Callable[[Path, str, str], None]
) -> None:
    log.unlink()
    log.symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="Too many levels"):
        act(tmp_path, UNIT, "0")


def test_a_long_log_loses_its_beginning_and_every_byte_keeps_its_place(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(unit_logs, "LONGEST", 200_000)
    monkeypatch.setattr(unit_logs, "KEPT", 100_000)
    text = b"".join(b"%019d\n" % number for number in range(15_000))
    log.write_bytes(text)
    with log.open("ab") as writer:  # a program goes on with it
        unit_logs.keep(tmp_path)
        writer.write(b"the last\n")
    unit_logs.tell_size(tmp_path, UNIT)
    begin = unit_logs.kept_from(os.open(log, os.O_RDONLY))
    unit_logs.copy(tmp_path, UNIT, "0")
    said, _, written = capfdbinary.readouterr().out.partition(b"\n")[2].partition(b"\n")
    assert said == b'{"bytes": %d, "from": %d}' % (len(text) + 9, begin)
    assert 190_000 < begin <= 200_000
    assert written == text[begin:] + b"the last\n"
    assert log.stat().st_blocks * 512 < 150_000


def test_a_log_that_its_program_made_endless_holds_nothing(
    tmp_path: Path, log: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    os.truncate(log, 0)
    os.truncate(log, 2**40)
    unit_logs.copy(tmp_path, UNIT, "0")
    assert capfdbinary.readouterr().out == b""


def test_when_a_log_was_how_long_is_known_to_the_minute(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def keep_at(moment: int) -> None:
        monkeypatch.setattr(time, "time", lambda: float(moment))
        unit_logs.keep(tmp_path)

    keep_at(1000)
    log.write_bytes(b"x" * 50)
    keep_at(1060)
    keep_at(1120)
    log.write_bytes(b"x" * 70)
    keep_at(1180)
    capfdbinary.readouterr()
    for moment in (999, 1000, 1100, 1179, 5000):
        unit_logs.since(tmp_path, UNIT, str(moment))
    assert [line[9:-1] for line in capfdbinary.readouterr().out.splitlines()] == [b"0", b"14", b"50", b"50", b"70"]


def test_a_long_access_log_is_moved_aside(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_logs, "LONGEST_OF_NGINX", 10)
    for name, size in (("shop-production.access.json", 11), ("docs-production.access.json", 10)):
        (log.parent / name).write_bytes(b"x" * size)
    unit_logs.keep(tmp_path)
    names = sorted(path.name for path in log.parent.iterdir() if "access" in path.name)
    assert names == ["docs-production.access.json", "shop-production.access.json", "shop-production.access.json.1"]
    assert (log.parent / "shop-production.access.json").stat().st_size == 0
