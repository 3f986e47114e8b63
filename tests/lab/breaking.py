"""What breaks on a node, and in which phase of a deployment: each is broken on entry and mended at the end."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.delivery.fleet import an_app
from tests.faults.site import deploy, wait_for_step
from tests.lab.invariants import Visitor
from tests.lab.oven import Oven
from tests.support.waiting import wait_until

EVERYTHING = bool(os.environ.get("BAKERY_TEST_ALL"))
HELD = "/srv/held-"  # and a phase, on the node; while it is there a build or a start waits
SECONDS_HELD = 5
MOUNT = """
set -e
for folder in "$@"; do
  aside="/srv/aside$folder"
  mkdir -p "$aside"
  cp -a "$folder/." "$aside"
  mount -t tmpfs -o size=64m small-disk "$folder"
  cp -a "$aside/." "$folder"
done
"""
FILL = 'for folder in "$@"; do head -c 64m /dev/zero > "$folder/.ballast" || true; done'
UNMOUNT = """
set -e
for folder in "$@"; do
  aside="/srv/aside$folder"
  rm -rf "$aside"
  mkdir -p "$aside"
  cp -a "$folder/." "$aside"
  umount --lazy "$folder"
  (cd "$folder" && find . -mindepth 1) | while read -r one; do [ -e "$aside/$one" ] || rm -rf "$folder/$one"; done
  cp -a --remove-destination "$aside/." "$folder"
  rm -rf "$aside"
done
"""
NODE = "/var/lib/bakery/node"
DISKS = {  # what is full when: there something is written next
    "fetch": (f"{NODE}/apps",),
    "build": (f"{NODE}/apps",),
    "start": (f"{NODE}/units",),
    "switch": ("/etc/nginx/bakery.d", f"{NODE}/sites"),
    "retire": (f"{NODE}/units",),
}


@dataclass
class Scene:
    """A node with an app that is deployed, `shop`, another in Docker, `box`, and one that nothing may happen to."""

    oven: Oven
    canaries: Mapping[str, str]
    neighbour: Visitor
    visitors: dict[str, Visitor] = field(default_factory=dict)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Nobody is answered for a while."""
        with contextlib.ExitStack() as stack:
            for visitor in (self.neighbour, *self.visitors.values()):
                stack.enter_context(visitor.excused())
            yield

    def arm(self, fault: str) -> None:
        Path(f"{self.oven.bakery.settings.node_dir}.fault").write_text(fault)
        os.kill(self.oven.bakery.process.pid, signal.SIGUSR1)

    def begin(self, slug: str, phase: str, version: str) -> int:
        """A deployment that stands in the middle of a phase."""
        if phase in _PLACES:
            self.arm(f"{_PLACES[phase]}:slow:{SECONDS_HELD}")
        if phase in {"build", "start"}:
            self.oven.node.run("touch", HELD + phase)
        number = deploy(self.oven.http, slug, files_of(slug, phase, version))
        _wait_there(self, slug, number, phase, version)
        return number

    def let_go(self) -> None:
        self.oven.node.run("rm", "-f", f"{HELD}build", f"{HELD}start")


_PLACES = {
    "fetch": "unpack.begun",
    "switch": "switch.traffic-moved",
    "before-start": "start.begun",
    "before-switch": "switch.begun",
    "retire": "retire.begun",
}
_WAITS = f"while os.path.exists('{HELD}start'): time.sleep(0.05)"
_BUILD = """
[build]
command = "seq -f 'line %g' 1 50; echo held; while test -e {held}build; do sleep 0.1; done; {then}"
[run]
command = ["python3", "app.py"]
"""
_THEN = "seq -f 'line %g' 51 100; head -c 3000000 /dev/zero > made.bin"
DOCKERFILE = """
FROM base:1
EXPOSE 9000
{build}COPY app.py /app.py
CMD ["python3", "/app.py"]
"""


def files_of(slug: str, phase: str, version: str) -> dict[str, str]:
    """Whatever it was told in its environment it says, too: that must not be seen."""
    says = "print(os.environ.get('CANARY'), flush=True)\n"
    if slug != "box":
        waits = _WAITS if phase == "start" else ""
        return {**an_app(version, before=says + waits), "bakery.toml": _BUILD.format(held=HELD, then=_THEN)}
    waits = "time.sleep(8)" if phase == "start" else ""
    program = an_app(version, before=says + waits)["app.py"].replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - in its container
    build = f"RUN echo {version}; sleep 12\n" if phase == "build" else ""
    return {"app.py": program, "Dockerfile": DOCKERFILE.format(build=build)}


def _wait_there(scene: Scene, slug: str, number: int, phase: str, version: str) -> None:
    http = scene.oven.http
    if phase == "build":
        wait_for_step(http, slug, number, "build")
        said = "\nheld\n" if slug != "box" else "sleep 12"
        log = f"/api/apps/{slug}/deployments/{number}/log"
        wait_until(lambda: said in http.get(log).text, what="it is being built", seconds=60)
    elif phase == "switch":
        wait_until(lambda: scene.visitors[slug].seen == version, what="traffic is moved", seconds=90)
    else:
        step = {"fetch": "unpack", "start": "check", "retire": "retire"}.get(phase, phase.removeprefix("before-"))
        wait_for_step(http, slug, number, step, seconds=90)


Breaking = Callable[[Scene, str], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def cut(scene: Scene, phase: str) -> Iterator[None]:
    """Nothing comes through, in either direction, and nobody is told."""
    seconds = 120.0 if EVERYTHING and phase in {"build", "start"} else 20.0 if EVERYTHING else 5.0
    until = time.monotonic() + seconds
    node = scene.oven.node
    node.run("iptables", "-I", "INPUT", "-p", "tcp", "--dport", "22", "-j", "DROP")
    try:
        wait_until(lambda: time.monotonic() > until, what="the cut's end", seconds=seconds + 1)
    finally:
        node.run("iptables", "-D", "INPUT", "-p", "tcp", "--dport", "22", "-j", "DROP")
    yield


@contextlib.contextmanager
def reboot(scene: Scene, _: str) -> Iterator[None]:
    with scene.away():
        scene.oven.node.reboot()
    yield


@contextlib.contextmanager
def docker(scene: Scene, _: str) -> Iterator[None]:
    """Its containers end with it, and come back with it."""
    with scene.visitors["box"].excused():
        scene.oven.node.run("systemctl", "restart", "docker", timeout=120)
    yield


@contextlib.contextmanager
def database(scene: Scene, _: str) -> Iterator[None]:
    pid_file = scene.oven.bakery.settings.data_dir / "postgres/cluster/postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
    yield


@contextlib.contextmanager
def small_disks(scene: Scene, phase: str) -> Iterator[None]:
    """What can be filled lies on disks of its own meanwhile."""
    folders, node = DISKS[phase], scene.oven.node
    node.run("sh", "-c", MOUNT, "sh", *folders)
    try:
        yield
    finally:
        node.run("sh", "-c", UNMOUNT, "sh", *folders)


@contextlib.contextmanager
def disk(scene: Scene, phase: str) -> Iterator[None]:
    """Not a byte more."""
    folders, node = DISKS[phase], scene.oven.node
    node.run("sh", "-c", FILL, "sh", *folders)
    try:
        yield
    finally:
        node.run("rm", "-f", *(f"{folder}/.ballast" for folder in folders))


@contextlib.contextmanager
def nginx(scene: Scene, _: str) -> Iterator[None]:
    """Somebody else's site is wrong, since just now."""
    path = "/etc/nginx/conf.d/somebody.conf"
    scene.oven.node.put(path, b"server { listen 80; server_name shop.example; proxy_pas http://127.0.0.1:1; }\n")
    try:
        yield
    finally:
        scene.oven.node.run("rm", path)


FAULTS: Mapping[str, Breaking] = {
    "cut": cut, "reboot": reboot, "docker": docker, "database": database, "disk": disk, "nginx": nginx,
}  # fmt: skip
