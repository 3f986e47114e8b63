"""What programs use of the machine, as the kernel counts it in the group of each.

use-unit UNIT …           prints memory in bytes and the time of CPUs in microseconds; null for one that does not run
use-container NAME …      likewise
"""

from __future__ import annotations

from pathlib import Path

from bakery.helper.containers import find
from bakery.helper.docker_api import Docker, patiently
from bakery.helper.names import UNITS
from bakery.helper.systemd import expect_systemd, states
from bakery.helper.told_container import Place
from bakery.helper.verbs import Verb
from bakery.helper.words import say

GROUPS = Path("/sys/fs/cgroup")
# By the controller of the first version; the second has one hierarchy, without a name.
MEMORY = {"memory": "memory.usage_in_bytes", "": "memory.current"}
CPU = {"cpuacct": "cpuacct.usage", "": "cpu.stat"}


def tell_units(root: Path, *names: str) -> None:
    expect_systemd(root)
    say({"uses": {name: use_of(state["process_id"]) for name, state in states(*names).items()}})


def tell_containers(root: Path, *names: str) -> None:
    docker = Docker()
    found = patiently(lambda: {name: find(docker, Place(root, name)) for name in names})
    say({"uses": {name: use_of(one["State"]["Pid"] if one else None) for name, one in found.items()}})


def use_of(process: object) -> dict[str, int] | None:
    if not isinstance(process, int) or process <= 0:
        return None
    try:
        groups = dict(folders_of(Path(f"/proc/{process}/cgroup").read_text()))
        return {"memory_bytes": memory_of(groups), "cpu_microseconds": cpu_of(groups)}
    except (OSError, LookupError, ValueError, StopIteration):  # it has ended, or its kernel does not count
        return None


def folders_of(text: str) -> list[tuple[str, Path]]:
    """By controller."""
    lines = [line.split(":", 2) for line in text.splitlines()]
    return [
        (controller, Path(GROUPS, controllers.replace("name=", ""), path[1:]))
        for _, controllers, path in lines
        for controller in controllers.split(",")
    ]


def memory_of(groups: dict[str, Path]) -> int:
    """Without what the kernel only keeps of files, and lets go of first."""
    controller = next(one for one in MEMORY if one in groups and (groups[one] / MEMORY[one]).exists())
    folder = groups[controller]
    counts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    kept = int(counts.get("total_inactive_file", counts.get("inactive_file", "0")))
    return max(0, int((folder / MEMORY[controller]).read_text()) - kept)


def cpu_of(groups: dict[str, Path]) -> int:
    controller = next(one for one in CPU if one in groups and (groups[one] / CPU[one]).exists())
    text = (groups[controller] / CPU[controller]).read_text()
    if controller:
        return int(text) // 1000
    return int(dict(line.split() for line in text.splitlines())["usage_usec"])


VERBS = {
    "unit": Verb(tell_units, UNITS),
    "container": Verb(tell_containers, UNITS),
}
