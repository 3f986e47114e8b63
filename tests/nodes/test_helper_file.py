"""The helper as one file: the same for whoever packs it, and good for any Python."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

from bakery.nodes.helper_file import helper_file

PACKED_ELSEWHERE = """
import json, sys, decimal, email.message
from bakery.nodes.helper_file import helper_file
sys.stdout.buffer.write(helper_file())
"""


def test_every_process_packs_the_same_bytes() -> None:
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed}
        packed = subprocess.run(
            [sys.executable, "-c", PACKED_ELSEWHERE], env=environment, capture_output=True, check=True
        )
        assert packed.stdout == helper_file()


def test_another_version_of_python_reads_the_modules_themselves(tmp_path: Path) -> None:
    theirs = bytes(byte ^ 0xFF for byte in importlib.util.MAGIC_NUMBER[:2]) + b"\r\n"
    for_others = tmp_path / "helper"
    for_others.write_bytes(helper_file().replace(importlib.util.MAGIC_NUMBER, theirs))
    assert zipfile.ZipFile(for_others).testzip() is not None  # so it was changed
    said = subprocess.run(
        [sys.executable, "-IS", for_others, "--root", tmp_path, "job-list"], capture_output=True, check=False
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, b'{"jobs": {}}\n', b"")
