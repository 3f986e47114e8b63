"""The steps of a build: containers that the daemon starts for it, which are no children of whoever asked.

BuildKit of Docker 20.10 is told no limit, so ours are written into each step's cgroup when it appears. A step is known
by its variable `no_proxy`, which every step gets and which counts neither for the cache nor for the image: a host name
that is nobody's stands there. What runc keeps of a container tells the rest, wherever its daemon put it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from pathlib import Path

from bakery.helper.libc import LIBC
from bakery.helper.processes import began_at, send

CONTAINERS = ("runc/*", "docker/runtime-runc/*/*", "containerd/runc/*/*")  # below /run
MOST_PROCESSES = 4096
PERIOD = 100_000  # microseconds
ROUND = 0.02
ECHO = 0.1  # seconds until the kernel has told that a cgroup is gone
EFD_NONBLOCK = os.O_NONBLOCK


def mark_of(key: str) -> str:
    return f"{key}.bakery.invalid"


class Limits:
    """What each step may use; None: as much as there is."""

    def __init__(self, memory_bytes: int | None, cpu_percent: int | None) -> None:
        self.memory_bytes, self.cpu_percent = memory_bytes, cpu_percent


class Step:
    """A container, by its cgroups: version 1 has one for each controller, version 2 has one."""

    def __init__(self, folder: Path, groups: dict[str, str]) -> None:
        self.folder = folder
        self.memory = Path(groups.get("memory") or groups[""])
        self.cpu = Path(groups.get("cpu") or groups[""])
        self.pids = Path(groups.get("pids") or groups[""])
        self.is_first_version = "memory" in groups
        self.ooms = 0
        self.was_killed = False
        self.heard = listen(self.memory) if self.is_first_version else open_events(self.memory)

    def is_alive(self) -> bool:
        return self.memory.exists()

    def limit(self, limits: Limits) -> bool:
        """Before its program has done much: the step has just appeared. False: it goes on without a limit.

        One that is gone already needs none, and many a machine does not count swap.
        """
        kept = [self.write(self.pids / "pids.max", MOST_PROCESSES)]
        if limits.memory_bytes and self.is_first_version:
            kept += [self.write(self.memory / "memory.limit_in_bytes", limits.memory_bytes)]
            self.write(self.memory / "memory.memsw.limit_in_bytes", limits.memory_bytes)
        elif limits.memory_bytes:
            kept += [self.write(self.memory / "memory.max", limits.memory_bytes)]
            self.write(self.memory / "memory.swap.max", 0)
        if limits.cpu_percent and self.is_first_version:
            kept += [self.write(self.cpu / "cpu.cfs_quota_us", limits.cpu_percent * PERIOD // 100)]
        elif limits.cpu_percent:
            kept += [self.write(self.cpu / "cpu.max", f"{limits.cpu_percent * PERIOD // 100} {PERIOD}")]
        return all(kept) or not self.is_alive()

    def write(self, file: Path, value: object) -> bool:
        try:
            descriptor = os.open(file, os.O_WRONLY)
        except OSError:
            return False
        try:
            os.write(descriptor, f"{value}".encode())
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def look(self) -> None:
        """How many of its processes the kernel ended for lack of memory."""
        with contextlib.suppress(OSError):
            if self.is_first_version:
                text = (self.memory / "memory.oom_control").read_text()
            else:
                text = os.pread(self.heard, 4096, 0).decode()
            self.ooms = max(self.ooms, counts_in(text).get("oom_kill", 0))

    def end_listening(self) -> None:
        """The first version tells also what happened in the last moment; that the cgroup is gone counts for one."""
        if self.heard >= 0:
            with contextlib.suppress(OSError):
                if self.is_first_version:
                    self.ooms = max(self.ooms, int.from_bytes(os.read(self.heard, 8), "little") - 1)
            os.close(self.heard)
            self.heard = -1

    def used_bytes(self) -> int:
        """Without what the kernel can forget at once."""
        with contextlib.suppress(OSError, ValueError):
            usage = "memory.usage_in_bytes" if self.is_first_version else "memory.current"
            idle = "total_inactive_file" if self.is_first_version else "inactive_file"
            forgettable = counts_in((self.memory / "memory.stat").read_text()).get(idle, 0)
            return int((self.memory / usage).read_text()) - forgettable
        return 0

    def processes(self) -> list[tuple[int, str]]:
        found = []
        for folder, _, _ in os.walk(self.pids):
            with contextlib.suppress(OSError):
                for line in Path(folder, "cgroup.procs").read_text().split():
                    began = began_at(int(line))
                    if began is not None:
                        found.append((int(line), began))
        return found

    def kill(self) -> None:
        for process, began in self.processes():
            send(process, began, signal.SIGKILL)


class Steps:
    """All of one build, as they come and go."""

    def __init__(self, mark: str, limits: Limits) -> None:
        self.mark, self.limits = mark, limits
        self.known: dict[Path, Step | None] = {}
        self.ending: list[tuple[float, Step]] = []  # and when all is heard that there is to hear of it
        self.gone_ooms = 0
        self.is_limited = True

    def look(self) -> None:
        """Often: a step without limits must not last."""
        there = {folder for pattern in CONTAINERS for folder in Path("/run").glob(pattern)}
        for folder in there - self.known.keys():
            with contextlib.suppress(
                OSError, ValueError, LookupError, TypeError, StopIteration
            ):  # half written, or gone already
                step = self.known[folder] = step_in(folder, self.mark)
                if step and not step.limit(self.limits):
                    self.is_limited = False
        for step in self.alive():
            step.look()
        for folder in self.known.keys() - there:
            step = self.known.pop(folder)
            if step:
                self.ending.append((time.monotonic() + ECHO, step))
        while self.ending and self.ending[0][0] < time.monotonic():
            self.forget(self.ending.pop(0)[1])
        self.keep_total()

    def forget(self, step: Step) -> None:
        step.end_listening()
        self.gone_ooms += step.ooms

    def wait(self, client: int | None = None) -> None:
        """A moment, or until one of them lacks memory, or the client's pidfd tells of its end."""
        poll = select.poll()
        if client is not None:
            poll.register(client, select.POLLIN)
        for step in self.alive():
            if not step.is_first_version and step.heard >= 0:
                poll.register(step.heard, select.POLLPRI)
        poll.poll(ROUND * 1000)

    def alive(self) -> list[Step]:
        return [step for step in self.known.values() if step and step.is_alive()]

    def keep_total(self) -> None:
        """Steps that run side by side share the limit: the largest goes."""
        running = self.alive()
        if self.limits.memory_bytes and len(running) > 1:
            used = [(step.used_bytes(), step) for step in running if not step.was_killed]
            if sum(size for size, _ in used) > self.limits.memory_bytes:
                _, largest = max(used, key=lambda one: one[0])
                largest.was_killed = True
                largest.kill()
                self.gone_ooms += 1

    def end(self, within: float) -> None:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            self.look()
            if not self.alive() and not self.ending:
                return
            for step in self.alive():
                step.kill()
            self.wait()

    @property
    def ooms(self) -> int:
        """Complete after `end`."""
        return self.gone_ooms + sum(step.ooms for step in self.known.values() if step)


def processes_of_build(key: str) -> list[tuple[int, str]]:
    """Whatever the daemon runs for this job."""
    steps = Steps(mark_of(key), Limits(None, None))
    steps.look()
    return [process for step in steps.alive() for process in step.processes()]


def step_in(folder: Path, mark: str) -> Step | None:
    """None: a container of somebody else's."""
    state = json.loads((folder / "state.json").read_bytes())
    bundle = next(label[len("bundle=") :] for label in state["config"]["labels"] if label.startswith("bundle="))
    variables = json.loads(Path(bundle, "config.json").read_bytes())["process"]["env"]
    is_ours = any(one.lower().startswith("no_proxy=") and one.endswith(mark) for one in variables)
    return Step(folder, state["cgroup_paths"]) if is_ours else None


def listen(memory: Path) -> int:
    """Counts each time that memory runs out in a cgroup of version 1, and once when that is gone."""
    heard: int = LIBC.eventfd(0, EFD_NONBLOCK)
    with contextlib.suppress(OSError):
        control = os.open(memory / "memory.oom_control", os.O_RDONLY)
        register = os.open(memory / "cgroup.event_control", os.O_WRONLY)
        try:
            os.write(register, f"{heard} {control}".encode())
        finally:
            os.close(register)
            os.close(control)
    return heard


def open_events(memory: Path) -> int:
    """Version 2 tells at once whoever has this open, and nothing when the cgroup is gone, which it is soon after."""
    try:
        return os.open(memory / "memory.events", os.O_RDONLY)
    except OSError:
        return -1


def counts_in(text: str) -> dict[str, int]:
    return {name: int(count) for name, count in map(str.split, text.splitlines())}
