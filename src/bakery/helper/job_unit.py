"""The unit of a job, where there is systemd: its cgroup holds all of the job, from the watcher on.

The watcher is a fork of whoever begins the job, for another start of Python takes longer than many a job does. The
unit's own program waits until the watcher lets go of the file `life`, as it does when it ends, however that may be.
Then systemd ends what is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import sys
import time
from pathlib import Path

from bakery.helper.job import Job, Work
from bakery.helper.programs import Ended, call

LONGEST_START = 5.0  # seconds
# It stays when systemd asks all of the unit to end: when it goes, the others are ended by force.
# Of two dollars, systemd leaves one.
KEEPER = """trap '' TERM; echo $$$$ > "$$0"; exec flock "$$0" true"""
CGROUPS = Path("/sys/fs/cgroup")


def enter_unit(job: Job, spec: Work) -> None:
    """Of two that would begin one job, the second goes away without a word."""
    life = os.open(job.life, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(life, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os._exit(0)
    os.truncate(life, 0)
    started = start(job, spec)
    if started.status:
        sys.exit(f"systemd-run: {started.errors.strip() or f'it ended with status {started.status}.'}")
    keeper = keeper_of(job)
    join(keeper)
    if f"/{job.unit}" not in Path("/proc/self/cgroup").read_text():
        sys.exit("It could not be put into its unit.")
    take_limits_of(keeper)


def start(job: Job, spec: Work) -> Ended:
    """systemd may forget the unit when it has ended: how it did is told by the folder."""
    properties = [
        "Type=exec", "KillMode=control-group", "OOMPolicy=continue", "OOMScoreAdjust=-900", "TasksMax=4096",
        "TimeoutStopSec=10", f"RuntimeMaxSec={spec.seconds + 60}",
    ]  # fmt: skip
    if spec.memory_bytes:
        properties += [f"MemoryMax={spec.memory_bytes}", "MemorySwapMax=0"]
    if spec.cpu_percent:
        properties += [f"CPUQuota={spec.cpu_percent}%"]
    return call(
        "/usr/bin/systemd-run", "--quiet", "--collect", f"--unit={job.unit}", f"--description=Bakery's job {job.key}",
        *(f"--property={one}" for one in properties), "--", "/bin/sh", "-c", KEEPER, str(job.life),
        within=LONGEST_START,
    )  # fmt: skip


def keeper_of(job: Job) -> int:
    """It says its number first of all."""
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline:
        said = job.life.read_text()
        if said.endswith("\n"):
            return int(said)
        time.sleep(0.001)
    sys.exit("Its unit did not begin in time.")


def join(process: int) -> None:
    """Its cgroups: version 1 has one for each controller, version 2 has one for all, and many a machine has both."""
    for line in Path(f"/proc/{process}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        second = "unified" if Path(CGROUPS, "unified").is_dir() else ""
        members = Path(CGROUPS, controllers.removeprefix("name=") or second, path[1:], "cgroup.procs")
        if members.exists():
            members.write_text("0")


def take_limits_of(process: int) -> None:
    """Those that the machine sets for what systemd starts, not for whoever logs in, as far as it lets us."""
    for name in dir(resource):
        if name.startswith("RLIMIT_"):
            kind = getattr(resource, name)
            with contextlib.suppress(OSError, ValueError):  # root of a container may not raise them
                resource.setrlimit(kind, resource.prlimit(process, kind))
