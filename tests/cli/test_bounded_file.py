"""The log of a Bakery without systemd does not fill the disk."""

import os
from pathlib import Path

from bakery.cli.server.bounded_file import BoundedFile


def test_a_file_that_has_grown_large_keeps_its_newest_lines(tmp_path: Path) -> None:
    log = tmp_path / "bakery.log"
    with log.open("a") as stream:
        file = BoundedFile(stream, largest=100, kept=25)
        for number in range(1000):
            file.write(f"line {number}\n")
            file.flush()
            assert log.stat().st_size <= 110
    lines = log.read_text().splitlines()
    assert lines == [f"line {number}" for number in range(1000 - len(lines), 1000)]


def test_a_pipe_gets_everything() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader:
        with os.fdopen(writing, "w") as stream:
            file = BoundedFile(stream, largest=1, kept=1)
            file.write("all of it")
        assert reader.read() == "all of it"
