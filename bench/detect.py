"""How long it takes to say what a repository is, and how much memory. `python -m bench.detect`"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bakery.cli.folder_tree import read_files, tree_of
from bakery.stacks.detect import detect, wanted_files
from bench.running import tell, temporary_folder

FILES = 50_000
RUNS = 7
MOST_SECONDS, MOST_MB, MOST_DECISION_MS, MOST_IMPORT_MS = 1.0, 60.0, 20.0, 30.0
# What is timed begins after what any program of this kind loads of the standard library.
IMPORT = """
import dataclasses, enum, pathlib, re, typing
from time import perf_counter
began = perf_counter()
import bakery.stacks.detect
print((perf_counter() - began) * 1000)
"""


def main() -> None:
    with temporary_folder() as folder:
        fill(folder)
        runs = [run_command(folder) for _ in range(RUNS)]
        decisions = [decide(folder) for _ in range(RUNS)]
    imports = [float(subprocess.check_output([sys.executable, "-c", IMPORT])) for _ in range(RUNS)]
    seconds, megabytes = median(took for took, _ in runs), max(peak for _, peak in runs)
    decision, importing = median(decisions), median(imports)
    tell(
        what=f"bakery detect in a folder of {FILES:,} files; medians of {RUNS}, the largest memory",
        seconds=round(seconds, 2),
        megabytes=round(megabytes, 1),
        decision_ms=round(decision, 1),
        import_ms=round(importing, 1),
        most={
            "seconds": MOST_SECONDS,
            "megabytes": MOST_MB,
            "decision_ms": MOST_DECISION_MS,
            "import_ms": MOST_IMPORT_MS,
        },
        holds=seconds <= MOST_SECONDS
        and megabytes <= MOST_MB
        and decision <= MOST_DECISION_MS
        and importing <= MOST_IMPORT_MS,
    )


def fill(folder: Path) -> None:
    """A Next app among many small files, in folders of a hundred."""
    (folder / "package.json").write_text(
        json.dumps({"dependencies": {"next": "15"}, "scripts": {"build": "next build"}})
    )
    (folder / "package-lock.json").write_text("{}")
    for number in range(FILES - 2):
        at = folder / f"src/part-{number // 5000}/of-{number // 100}"
        if number % 100 == 0:
            at.mkdir(parents=True, exist_ok=True)
        (at / f"file-{number}.ts").touch()


def run_command(folder: Path) -> tuple[float, float]:
    """Seconds, and megabytes at most (RSS)."""
    began = time.monotonic()
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("bakery")), "detect", str(folder), "--json"], stdout=subprocess.DEVNULL
    ) as command:
        _, status, usage = os.wait4(command.pid, 0)
        command.returncode = os.waitstatus_to_exitcode(status)
    assert command.returncode == 0
    return time.monotonic() - began, usage.ru_maxrss / 1024


def decide(folder: Path) -> float:
    """Milliseconds of deciding alone: which files to see, and what they mean."""
    tree = tree_of(folder)
    took = 0.0
    while True:
        began = time.perf_counter()
        names = wanted_files(tree)
        took += time.perf_counter() - began
        if not names:
            break
        tree = tree.with_contents(read_files(folder, names))
    began = time.perf_counter()
    detect(tree)
    return (took + time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
