"""What breaks on a real node while an app is deployed there, and what must not come of it.

One Bakery and one node for all of it. On the node is another app that has to go on answering, whatever happens; after
each fault the node, the rows and the logs are held against each other.
"""

import contextlib
import json
from collections.abc import Iterator

import pytest

from tests.delivery.fleet import an_app
from tests.faults.site import deploy, deployment, wait_for_end
from tests.lab.base_image import make_base_image
from tests.lab.breaking import EVERYTHING, FAULTS, Scene, files_of, small_disks
from tests.lab.invariants import Visitor, expect_invariants
from tests.lab.lab import Lab
from tests.lab.oven import NAME, an_oven
from tests.support.waiting import wait_until

PATIENCE = {"check": 60, "drain": 5, "steady": 1, "warm": 0, "bake": 60}
BUILD_MEMORY = 256 * 1024**2
CANARIES = {"CANARY": "canary-4e7a!of the shop"}
# Where it hurts most.
SOME = ["cut-switch", "reboot-start", "docker-build", "database-switch"]
ALL = [
    *(f"{fault}-{phase}" for fault in ("cut", "reboot", "docker", "database", "disk")
      for phase in ("fetch", "build", "start", "switch", "retire")),
    "reboot-steady", "docker-steady", "nginx-switch",
]  # fmt: skip
FULL = ("A disk of this node is full: No space left on device", "Make room there, and try again.")
# What cannot be done then ends so, and says why; everything else succeeds.
FAILURES = {
    "docker-build": ("The build ", "The log of this step says why."),
    "disk-fetch": FULL,
    "disk-build": ("The build ended with status ", "The log of this step says why."),
    "disk-start": FULL,
    "disk-switch": FULL,
    "nginx-switch": ("nginx refused the site shop-production: ", "All sites are as they were before."),
}


@pytest.fixture(scope="module")
def scene(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Both apps have a release that is live."""
    settings = {"PATIENCE": json.dumps(PATIENCE), "BUILD_MEMORY": str(BUILD_MEMORY)}
    with an_oven(lab, tmp_path_factory.mktemp("bakery"), **settings) as oven, contextlib.ExitStack() as stack:
        make_base_image(oven.node)
        scene = Scene(oven, CANARIES, Visitor(oven, "neighbour"))
        for slug, runtime in (("neighbour", "process"), ("shop", "process"), ("box", "docker")):
            made = {"slug": slug, "node": NAME, "runtime": runtime}
            oven.http.post("/api/apps", json=made).raise_for_status()
            oven.http.put(f"/api/apps/{slug}/env/CANARY", json={"value": CANARIES["CANARY"]}).raise_for_status()
            files = files_of(slug, "", "first")
            ended = wait_for_end(oven.http, slug, deploy(oven.http, slug, files), seconds=120)
            assert ended["state"] == "succeeded", ended["failure"]
        for slug in ("shop", "box"):
            scene.visitors[slug] = stack.enter_context(Visitor(oven, slug))
        stack.enter_context(scene.neighbour)
        for visitor in (scene.neighbour, *scene.visitors.values()):
            wait_until(lambda seen=visitor: seen.seen == "first", what="visitors are answered", seconds=60)  # type: ignore[misc]  # a lambda's default has no type
        yield scene


@pytest.mark.parametrize("cell", ALL if EVERYTHING else SOME)
@pytest.mark.timeout(500)
def test_what_breaks_on_a_node(scene: Scene, cell: str) -> None:
    fault, phase = cell.split("-")
    slug = "box" if fault == "docker" else "shop"
    before = scene.visitors[slug].seen
    if phase == "steady":
        with FAULTS[fault](scene, phase):
            expect_invariants(scene.oven, CANARIES, scene.neighbour, *scene.visitors.values())
        assert scene.visitors[slug].seen == before
        return
    is_to_fail_there = fault in {"disk", "nginx"} and phase in {"start", "switch"}
    with contextlib.ExitStack() as stack:
        if fault == "disk":
            stack.enter_context(small_disks(scene, phase))
        number = scene.begin(slug, f"before-{phase}" if is_to_fail_there else phase, cell)
        with FAULTS[fault](scene, phase):
            scene.let_go()
            ended = wait_for_end(scene.oven.http, slug, number, seconds=240)
    failure, hint = FAILURES.get(cell, ("", ""))
    log = log_of(scene, slug, number)
    assert ended["state"] == ("failed" if cell in FAILURES else "succeeded"), log[-3000:]
    assert str(ended["failure"]).startswith(failure)
    assert str(ended["hint"]).startswith(hint)
    if slug == "shop" and phase == "build" and cell not in FAILURES and fault != "reboot":
        assert [line for line in log.splitlines() if line.startswith("line ")] == [f"line {n}" for n in range(1, 101)]
    live = before if cell in FAILURES else cell
    wait_until(lambda: scene.visitors[slug].seen == live, what=f"visitors see {live}", seconds=30)
    expect_invariants(scene.oven, CANARIES, scene.neighbour, *scene.visitors.values())


def log_of(scene: Scene, slug: str, number: int) -> str:
    return scene.oven.http.get(f"/api/apps/{slug}/deployments/{number}/log").raise_for_status().text


GREEDY = """
x = []
while True:
    x.append(bytearray(10**7))
"""
BOMB = """
import os, time
while True:
    try:
        if os.fork() == 0:
            time.sleep(300)
    except OSError as error:
        sys.exit(f"no more: {error}")
"""


BOMBS = ((f"import sys{BOMB}", "The build ended with status ", ""),) if EVERYTHING else ()
GREEDY_BUILD = """
[build]
command = "python3 greedy.py"
[run]
command = "true"
"""


@pytest.mark.timeout(300)
def test_a_build_that_takes_all_it_can_get_harms_nobody(scene: Scene) -> None:
    for program, failure, hint in (
        (GREEDY, "out of memory", "It may use 256 MB, three quarters of its node's memory."),
        *BOMBS,
    ):
        files = {
            "greedy.py": program,
            "bakery.toml": '[build]\ncommand = "python3 greedy.py"\n[run]\ncommand = "true"\n',
        }
        number = deploy(scene.oven.http, "shop", files)
        ended = wait_for_end(scene.oven.http, "shop", number, seconds=120)
        assert ended["state"] == "failed"
        assert failure in str(ended["failure"]), log_of(scene, "shop", number)[-3000:]
        assert str(ended["hint"]).startswith(hint)
        expect_invariants(scene.oven, CANARIES, scene.neighbour, *scene.visitors.values())


@pytest.mark.timeout(300)
def test_an_app_that_takes_all_it_can_get_harms_nobody(scene: Scene) -> None:
    http = scene.oven.http
    http.patch("/api/apps/shop", json={"memory": "64"}).raise_for_status()
    for program, said in ((GREEDY, "bakery apps set shop memory=128"), (BOMB, "The app ")):
        number = deploy(http, "shop", {**files_of("shop", "", "greedy"), "app.py": f"import sys{program}"})
        ended = wait_for_end(http, "shop", number, seconds=150)
        assert ended["state"] == "failed"
        assert said in f"{ended['failure']} {ended['hint']}", log_of(scene, "shop", number)[-3000:]
        expect_invariants(scene.oven, CANARIES, scene.neighbour, *scene.visitors.values())
    http.patch("/api/apps/shop", json={"memory": ""}).raise_for_status()


@pytest.mark.timeout(300)
def test_an_app_that_dies_after_five_seconds_is_taken_back(scene: Scene) -> None:
    """Again and again, for whatever keeps it running starts it again."""
    http, before = scene.oven.http, scene.visitors["shop"].seen
    with scene.visitors["shop"].excused():
        dies = "import threading\nthreading.Timer(5, lambda: os._exit(7)).start()"
        number = deploy(http, "shop", {**files_of("shop", "", "dying"), **an_app("dying", before=dies)})
        assert wait_for_end(http, "shop", number, seconds=120)["state"] == "succeeded"
        wait_until(
            lambda: deployment(http, "shop", number)["state"] == "rolled_back", what="it is taken back", seconds=90
        )
        back = wait_for_end(http, "shop", number + 1, seconds=60)
        assert back["state"] == "succeeded", back["failure"]
        wait_until(lambda: scene.visitors["shop"].seen == before, what=f"visitors see {before}", seconds=30)
    ended = deployment(http, "shop", number)
    assert "after the switch" in str(ended["failure"]).lower(), ended["failure"]
    assert ended["hint"]
    expect_invariants(scene.oven, CANARIES, scene.neighbour, *scene.visitors.values())
