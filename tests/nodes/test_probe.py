import ast
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pytest

from bakery.commands.command import Command
from bakery.nodes import probe
from bakery.nodes.vitals import probe_command, read_vitals
from tests.support.waiting import wait_until

STAT = """\
cpu  119397 2288 34115 274680 2214 7 631 130 500 0
cpu0 47497 940 13870 153828 289 3 94 59 200 0
cpu1 71900 1348 20244 120851 1924 4 536 71 300 0
intr 2624684 0 0
ctxt 4421332
"""
MEMINFO = """\
MemTotal:        2014228 kB
MemFree:           98304 kB
MemAvailable:    1500000 kB
SwapTotal:       1048572 kB
SwapFree:        1000000 kB
HugePages_Total:       0
"""
DEBIAN = """\
NAME="Debian GNU/Linux"
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
ID=debian
"""


def a_tree(root: Path, **texts: str) -> Path:
    """A recorded machine: `proc__stat` is its /proc/stat."""
    for name, text in texts.items():
        path = root / name.replace("__", "/").replace("os_release", "os-release")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_processor_is_busy_with_all_but_idling_and_waiting_for_disks(tmp_path: Path) -> None:
    assert probe.read_ticks(a_tree(tmp_path, proc__stat=STAT)) == (156568, 433462)


@pytest.mark.parametrize(
    ("before", "after", "percent"),
    [
        ((100, 1000), (150, 1200), 25.0),
        ((100, 1000), (100, 1200), 0.0),
        ((100, 1000), (300, 1200), 100.0),
        ((100, 1000), (99, 1200), 0.0),  # the kernel's count of waiting for disks may go back
        ((100, 1000), (100, 1000), 0.0),
    ],
)
def test_the_share_of_time_since_the_line_before(
    before: tuple[int, int], after: tuple[int, int], percent: float
) -> None:
    assert probe.busy_percent(before, after) == percent


def test_processors_are_counted(tmp_path: Path) -> None:
    assert probe.read_cpus(a_tree(tmp_path, proc__stat=STAT)) == 2


def test_memory_in_use_is_what_the_kernel_would_not_give_back(tmp_path: Path) -> None:
    assert probe.read_memory(a_tree(tmp_path, proc__meminfo=MEMINFO)) == {
        "memory_used": 526_569_472,
        "memory_total": 2_062_569_472,
        "swap_used": 49_737_728,
        "swap_total": 1_073_737_728,
    }


def test_load_uptime_and_the_boot_are_read(tmp_path: Path) -> None:
    root = a_tree(
        tmp_path,
        proc__loadavg="0.65 0.85 12.97 1/335 26662\n",
        proc__uptime="1865.33 3421.10\n",
        proc__sys__kernel__random__boot_id="306580cb-e658-4a64-95aa-e6e3e355cc24\n",
    )
    assert probe.read_load(root) == [0.65, 0.85, 12.97]
    assert probe.read_uptime(root) == 1865.33
    assert probe.read_boot_id(root) == "306580cb-e658-4a64-95aa-e6e3e355cc24"


@pytest.mark.parametrize("text", [DEBIAN, DEBIAN.replace('"', "'"), "PRETTY_NAME=Debian GNU/Linux 12 (bookworm)"])
def test_the_system_has_a_name(tmp_path: Path, text: str) -> None:
    assert probe.read_os(a_tree(tmp_path, usr__lib__os_release=text)) == "Debian GNU/Linux 12 (bookworm)"


def test_a_system_without_a_name_has_none(tmp_path: Path) -> None:
    assert probe.read_os(a_tree(tmp_path, etc__os_release="ID=own\n")) is None


def test_the_disk_of_a_folder_that_is_not_made_yet_is_that_of_its_parent(tmp_path: Path) -> None:
    (found,) = probe.read_disks(tmp_path / "not" / "made", (tmp_path,))
    disk = os.statvfs(tmp_path)
    assert found["path"] == str(tmp_path / "not" / "made")
    assert found["total"] == disk.f_blocks * disk.f_frsize
    assert found["inodes_total"] == disk.f_files


def test_other_file_systems_are_told_once_each() -> None:
    shared_memory = Path("/dev/shm")  # noqa: S108 - nothing is written there
    found = probe.read_disks(Path("/proc/1"), (shared_memory, Path("/proc"), shared_memory))
    assert [disk["path"] for disk in found] == ["/proc/1", str(shared_memory)]


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Docker version 20.10.24+dfsg1, build 297e128", "20.10.24+dfsg1"),
        ("git version 2.39.5", "2.39.5"),
        ("psql (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", "15.14"),
        ("nginx version: nginx/1.22.1", "1.22.1"),
        ("certbot 2.1.0", "2.1.0"),
        ("no number", None),
        ("", None),
        ("v1." + "9" * 1_000_000, "1." + "9" * 58),
    ],
)
def test_a_program_says_its_version_in_its_own_way(tmp_path: Path, said: str, version: str | None) -> None:
    (tmp_path / "said").write_text(said)
    child = probe.start(("head", "--bytes", "60000", str(tmp_path / "said")))
    child.wait()
    assert probe.read_version(child) == version


def test_the_version_is_also_found_where_nginx_says_it() -> None:
    child = probe.start(("sh", "-c", "echo nginx/1.22.1 >&2"))
    child.wait()
    assert probe.read_version(child) == "1.22.1"


def test_a_program_that_fails_has_no_version() -> None:
    child = probe.start(("sh", "-c", "echo 1.2.3; exit 1"))
    child.wait()
    assert probe.read_version(child) is None


def test_a_program_that_hangs_is_ended_and_what_it_left_is_not_waited_for() -> None:
    child = probe.start(("sh", "-c", "sleep 60 & wait"))
    assert probe.read_version(child) is None
    child.wait()


def test_the_probe_runs_on_python_3_9_with_its_standard_library_alone() -> None:
    tree = ast.parse(files("bakery.nodes").joinpath("probe.py").read_text(), feature_version=(3, 9))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= {"__future__", *sys.stdlib_module_names}


def test_argv_holds_no_more_than_what_loads_the_program() -> None:
    assert str(probe_command("python3", 10, PurePosixPath("/srv"))) == (
        "python3 -I -S -c 'import sys;exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))'"
    )


@contextmanager
def running(**settings: object) -> Iterator[subprocess.Popen[bytes]]:
    command = probe_command(sys.executable, 0.2, PurePosixPath("/nowhere/yet"))
    process = subprocess.Popen(
        command.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
    )
    try:
        pipe(process.stdin).write(with_settings(command, settings))
        pipe(process.stdin).flush()
        yield process
    finally:
        process.kill()
        process.wait()
        for end in (process.stdin, process.stdout, process.stderr):
            pipe(end).close()


def with_settings(command: Command, more: Mapping[str, object]) -> bytes:
    assert isinstance(command.stdin, bytes)
    program, _, settings = command.stdin.removesuffix(b"\n").rpartition(b"\n")
    return program + b"\n" + json.dumps({**json.loads(settings), **more}).encode() + b"\n"


def pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None
    return end


def next_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    line = pipe(process.stdout).readline()
    assert read_vitals(line) is not None, line
    found: dict[str, Any] = json.loads(line)
    return found


def test_the_first_line_comes_within_a_second_whatever_the_interval() -> None:
    began = time.monotonic()
    with running(interval=600) as process:
        line = next_line(process)
        assert time.monotonic() - began < 5  # with room for a machine that is busy
    assert abs(line["at"] - time.time()) < 5
    assert line["disks"][0]["path"] == "/nowhere/yet"


def test_versions_come_at_the_start_and_then_not_for_an_hour() -> None:
    with running() as process:
        lines = [next_line(process)]
        while "versions" in lines[-1]:  # a program may be slow to say its own
            lines.append(next_line(process))
    assert set(lines[-2]["versions"]) == {
        "kernel", "os", "python", "docker", "git", "psql", "nginx", "certbot",
    }  # fmt: skip
    assert lines[-2]["versions"]["kernel"] == os.uname().release
    assert lines[-2]["versions"]["python"] == sys.version.partition(" ")[0]


def test_settings_of_a_later_version_do_no_harm() -> None:
    with running(checks=[{"url": "http://127.0.0.1:1"}]) as process:
        next_line(process)


def test_the_probe_ends_when_its_input_is_closed() -> None:
    with running(interval=600) as process:
        next_line(process)
        pipe(process.stdin).close()
        assert process.wait(10) == 0


def test_the_probe_ends_when_its_output_is_closed() -> None:
    with running(interval=600) as process:
        next_line(process)
        pipe(process.stdout).close()
        assert process.wait(10) == 0
        assert pipe(process.stderr).read() == b""


def test_the_probe_ends_when_nobody_is_there_from_the_start() -> None:
    with running() as process:
        pipe(process.stdout).close()
        pipe(process.stdin).close()
        assert process.wait(10) == 0


def test_the_probe_takes_next_to_no_processor() -> None:
    """A line costs so little that at one in ten seconds it is far below a thousandth."""
    with running(interval=0.1) as process:
        while "versions" in next_line(process):
            pass
        before = ticks_of(process)
        for _ in range(20):
            next_line(process)
        used = (ticks_of(process) - before) / os.sysconf("SC_CLK_TCK")
    assert used / 20 / 10 < 0.001


def ticks_of(process: subprocess.Popen[bytes]) -> int:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_the_probe_leaves_no_child_behind() -> None:
    with running() as process:
        while "versions" in next_line(process):
            pass
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_until(lambda: not children.read_text().split(), what="the end of what it asked")
