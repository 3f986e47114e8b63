"""Many apps deployed at once on two nodes, from asking for them to the first answer of the last one, against the script
by hand with the same parallelism. `python -m bench.fleet`, as root

Trivial Docker apps, half of them on each node of the lab, of a repository that lies there. Meanwhile somebody looks at
pages of a Bakery that has a thousand apps besides. Each node has half of the weight of one of Bakery's processes.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import httpx

from bench import pages
from bench.overhead import BY_HAND, PATIENCE, commit, make_repository
from bench.running import control_master, percentile, tell, temporary_folder
from tests.faults.site import PASSWORD, browser_at
from tests.lab.base_image import make_base_image
from tests.lab.lab import open_lab
from tests.lab.nodes import HTTP, Node
from tests.lab.oven import Oven, an_oven, made_a_node
from tests.support.waiting import wait_until

MOST, MOST_PAGE_MS = 1.2, 150
LOOK_EVERY = 0.1
SECOND = "oven-2"
FIRST_PORT = 14000  # by hand
# Ten fetches at once knock at the same sshd, which by default refuses some of so many.
SSHD = "echo MaxStartups 100 > /etc/ssh/sshd_config.d/bench.conf && systemctl reload ssh"
END_BY_HAND = "docker ps --all --quiet --filter name=floor- | xargs --no-run-if-empty docker rm --force"


@dataclass(frozen=True)
class Place:
    """An app has a place on a node: its own, and one by hand beside it. `ssh` reaches that node."""

    node: Node
    ssh: list[str]
    number: int
    slug: str
    host: str
    host_by_hand: str


@dataclass
class Found:
    """Seconds of each round, and milliseconds of each page."""

    ours: list[float] = field(default_factory=list)
    by_hand: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)


def main(apps: int, rounds: int) -> None:
    with temporary_folder() as folder, open_lab() as lab, an_oven(lab, folder) as first, lab.node() as other:
        second = made_a_node(replace(first, node=other, name=SECOND))
        asyncio.run(pages.fill(first.bakery.settings))
        for node in (first.node, second.node):
            node.docker.run("update", "--cpu-shares=512", node.name)
        with ExitStack() as ways:
            places: list[Place] = []
            for oven in (first, second):
                ssh = ways.enter_context(control_master(oven.node, made_folder(folder / oven.name)))
                places += make_apps(oven, ssh, range(len(places), len(places) + apps // 2))
            browser = ways.enter_context(browser_at(first.bakery))
            choose_password(browser)
            found = measured(first, browser, places, rounds)
    factor = statistics.median(found.ours) / statistics.median(found.by_hand)
    tell(
        what=f"{len(places)} apps deployed at once on two nodes, with a warm cache, {rounds} times in turns",
        load=os.getloadavg(),
        seconds={"ours": [round(one, 2) for one in found.ours], "by_hand": [round(one, 2) for one in found.by_hand]},
        factor=round(factor, 2),
        pages={"asked": len(found.pages), "p95_ms": round(percentile(found.pages, 0.95), 1)},
        most={"factor": MOST, "page_p95_ms": MOST_PAGE_MS},
        holds=factor <= MOST and percentile(found.pages, 0.95) <= MOST_PAGE_MS,
    )


def measured(oven: Oven, browser: httpx.Client, places: list[Place], rounds: int) -> Found:
    """One round before: it makes what stays, such as the first sites."""
    found = Found()
    for version in range(1, rounds + 2):
        now = Found()
        text = f"v{version}"
        for node in {place.node.name: place.node for place in places}.values():
            commit(node, text)
        with looked_at(browser, now.pages):
            ours = [(one.node, one.host) for one in places]
            now.ours.append(until_all_answer(ours, text, partial(ask_for_all, oven, places)))
        wait_until(lambda: not any(map(is_at_work, deployments(oven, places))), what="all end", seconds=PATIENCE)
        by_hand = [(one.node, one.host_by_hand) for one in places]
        now.by_hand.append(until_all_answer(by_hand, text, partial(deploy_by_hand, places, version)))
        for place in places:
            place.node.attempt("sh", "-c", END_BY_HAND)
        if version > 1:
            found.ours += now.ours
            found.by_hand += now.by_hand
            found.pages += now.pages
    return found


def until_all_answer(sites: list[tuple[Node, str]], text: str, deploy: Callable[[], None]) -> float:
    """Visits all that have not answered yet, again and again."""
    began = time.perf_counter()
    deploy()
    left = list(sites)
    with httpx.Client(trust_env=False, headers={"connection": "close"}) as http:
        while left:
            left = [(node, host) for node, host in left if visit(http, node, host) != text]
            if time.perf_counter() - began > PATIENCE:
                raise TimeoutError(f"{left} did not answer {text} within {PATIENCE:g} s")
            time.sleep(0.01)
    return time.perf_counter() - began


def visit(http: httpx.Client, node: Node, host: str) -> str:
    return http.get(f"http://127.0.0.1:{node.ports[HTTP]}/", headers={"host": host}).text


def ask_for_all(oven: Oven, places: list[Place]) -> None:
    for place in places:
        oven.http.post(f"/api/apps/{place.slug}/deployments", json={}).raise_for_status()


def deployments(oven: Oven, places: list[Place]) -> list[str]:
    """The state of the newest of each."""
    answers = [oven.http.get(f"/api/apps/{place.slug}/deployments") for place in places]
    return [answer.raise_for_status().json()["items"][0]["state"] for answer in answers]


def is_at_work(state: str) -> bool:
    return state in {"queued", "running"}


def deploy_by_hand(places: list[Place], version: int) -> None:
    def deploy(place: Place) -> None:
        number = 100 * version + place.number
        argv = [*place.ssh, "sh", "-s", "--", str(number), str(FIRST_PORT + number), place.host_by_hand]
        subprocess.run(argv, input=BY_HAND.encode(), timeout=PATIENCE, check=True, capture_output=True)

    with ThreadPoolExecutor(len(places)) as at_once:
        list(at_once.map(deploy, places))


def make_apps(oven: Oven, ssh: list[str], numbers: range) -> list[Place]:
    make_base_image(oven.node)
    make_repository(oven.node)
    oven.node.run("sh", "-c", SSHD)
    places = []
    for number in numbers:
        slug = f"app-{number}"
        oven.http.post("/api/apps", json={"slug": slug, "node": oven.name, "runtime": "docker"}).raise_for_status()
        key = oven.http.post(f"/api/apps/{slug}/source/key").raise_for_status().json()["deploy_key"]
        oven.node.run("sh", "-c", 'printf "%s\\n" "$1" >> /home/git/.ssh/authorized_keys', "sh", key)
        source = {"url": "ssh://git@127.0.0.1/home/git/shop.git", "branch": "main", "accept_host_key": True}
        oven.http.put(f"/api/apps/{slug}/source", json=source).raise_for_status()
        host, by_hand = f"{slug}.{oven.name}.localhost", f"floor-{number}.localhost"
        places.append(Place(oven.node, ssh, number, slug, host, by_hand))
    return places


def choose_password(browser: httpx.Client) -> None:
    """Before the first Admin sees any page."""
    token = re.search(r'name="csrf" content="([0-9a-f]+)"', browser.get("/account/security").text)
    assert token is not None
    form = {"current_password": PASSWORD, "password": f"{PASSWORD} of mine"}
    answer = browser.post("/account/security/password", data=form, headers={"x-csrf-token": token[1]})
    assert answer.status_code == 303, answer.text


@contextmanager
def looked_at(browser: httpx.Client, milliseconds: list[float]) -> Iterator[None]:
    """Somebody looks at pages meanwhile."""
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            for page in pages.PAGES:
                began = time.perf_counter()
                browser.get(page).raise_for_status()
                milliseconds.append((time.perf_counter() - began) * 1000)
            is_over.wait(LOOK_EVERY)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        is_over.set()
        looking.join()


def made_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Many deployments at once.")
    asked.add_argument("--apps", type=int, default=20)
    asked.add_argument("--rounds", type=int, default=3)
    chosen = asked.parse_args()
    main(chosen.apps, chosen.rounds)
