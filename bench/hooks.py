"""Signed pushes that arrive, on a node that deploys them. `python -m bench.hooks`, as root

A thousand in ten seconds for one app, each of a commit that there is: every one is kept with its decision, and of all
only the running and the newest are deployed. Then single ones: when the queue begins with each. And from a push to
the first answer of the new version, against asking for the same deployment through the API, in turns.
"""

import argparse
import asyncio
import collections
import hmac
import itertools
import json
import os
import statistics
import time
from asyncio import TaskGroup
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import httpx

from bench.overhead import (
    APP,
    PATIENCE,
    Side,
    commit,
    deploy,
    make_app,
    make_repository,
    settle,
    until_answered,
)
from bench.running import percentile, tell, temporary_folder
from tests.lab.base_image import make_base_image
from tests.lab.lab import open_lab
from tests.lab.nodes import Node
from tests.lab.oven import NAME, Oven, an_oven
from tests.support.waiting import wait_until

SECONDS = 10.0
MOST_MS, MOST_START_MS, MOST_MORE = 100.0, 100.0, 0.5
URL = "ssh://git@127.0.0.1/home/git/shop.git"
NOTHING = "0" * 40
MAKE_COMMITS = """
set -e
cd ~/shop.git
for number in $(seq 1 "$1"); do
  from=""
  [ "$number" -gt 1 ] || from="from refs/heads/main^0
"
  printf 'commit refs/heads/main\\ncommitter Ann <ann@bakery.example> %s +0000\\ndata 6\\npush %s%s\\n' \\
    "$((1700000000 + number))" "$((number % 10))" "
$from"
done | git fast-import --quiet
git -C ~/checkout pull --quiet
git rev-list --reverse --max-count="$(($1 + 1))" main
"""


@dataclass(frozen=True)
class Hook:
    url: str
    secret: str

    def request(self, before: str, after: str) -> tuple[bytes, dict[str, str]]:
        told = {
            "ref": "refs/heads/main",
            "before": before,
            "after": after,
            "repository": {"id": 1, "full_name": "git/shop", "ssh_url": URL},
            "head_commit": {"id": after, "message": f"Push {after[:7]}"},
            "pusher": {"name": "ann"},
        }
        body = json.dumps(told).encode()
        signature = hmac.new(self.secret.encode(), body, "sha256").hexdigest()
        return body, {
            "content-type": "application/json",
            "x-github-event": "push",
            "x-github-delivery": f"{before[:20]}-{after[:20]}",
            "x-hub-signature-256": f"sha256={signature}",
        }


@dataclass(frozen=True)
class Sent:
    """`began` is when it was sent, in seconds since 1970."""

    began: float
    milliseconds: float
    status: int


def main(pushes: int, singles: int, rounds: int) -> None:
    with temporary_folder() as folder, open_lab() as lab, an_oven(lab, folder) as oven:
        make_base_image(oven.node)
        make_repository(oven.node)
        make_app(oven)
        deploy(oven)
        settle(oven)
        hook = a_hook(oven)
        at_once = asyncio.run(flood(oven, hook, make_commits(oven.node, pushes)))
        starts = [a_start(oven, hook, number) for number in range(singles)]
        seconds = to_live(oven, hook, rounds)
    more = statistics.median(seconds["push"]) - statistics.median(seconds["api"])
    start_ms = statistics.median(starts)
    tell(
        what=f"{pushes} signed pushes of one app in {SECONDS:g} s, then single ones",
        load=os.getloadavg(),
        pushes=at_once,
        queue_starts={"p50_ms": round(start_ms, 1), "worst_ms": round(max(starts), 1), "of": singles},
        to_live={name: [round(one, 2) for one in found] for name, found in seconds.items()},
        more_than_asked_for=round(more, 2),
        most={"answer_p99_ms": MOST_MS, "queue_start_p50_ms": MOST_START_MS, "more_seconds": MOST_MORE},
        holds=at_once["holds"] and start_ms <= MOST_START_MS and more <= MOST_MORE,
    )


def a_hook(oven: Oven) -> Hook:
    secret = oven.http.post(f"/api/apps/{APP}/webhook/rotate").raise_for_status().json()["secret"]
    path = oven.http.get(f"/api/apps/{APP}/webhook").raise_for_status().json()["github_path"]
    return Hook(f"{oven.bakery.url}{path}", secret)


def make_commits(node: Node, count: int) -> list[str]:
    """The hashes of the branch: the head as it was, then each new one."""
    return node.run("su", "git", "-c", MAKE_COMMITS, "sh", str(count)).split()


async def flood(oven: Oven, hook: Hook, commits: list[str]) -> dict[str, Any]:
    """At its time each, whether the one before was answered or not."""
    known = numbers(oven)
    pairs = list(itertools.pairwise(commits))
    no_limit = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE, limits=no_limit) as http, TaskGroup() as group:
        began = time.monotonic()
        tasks = []
        for number, (before, after) in enumerate(pairs):
            await asyncio.sleep(began + number * SECONDS / len(pairs) - time.monotonic())
            tasks.append(group.create_task(send(http, hook, before, after)))
    took = time.monotonic() - began
    answered = [task.result() for task in tasks]
    settle(oven)
    kept = listed(oven, "webhook/deliveries")
    made = [one for one in listed(oven, "deployments") if int(one["number"]) not in known]
    milliseconds = [one.milliseconds for one in answered]
    newest = max(made, key=lambda one: int(one["number"]))
    found = {
        "sent": len(answered),
        "seconds": round(took, 1),
        "accepted": sum(one.status == 202 for one in answered),
        "kept": len({one["commit"] for one in kept} & set(commits[1:])),
        "decisions": collections.Counter(one["decision"] for one in kept),
        "answer_ms": {
            "p50": round(percentile(milliseconds, 0.5), 1),
            "p99": round(percentile(milliseconds, 0.99), 1),
            "worst": round(max(milliseconds), 1),
        },
        "deployments": collections.Counter(one["state"] for one in made),
        "newest_is_live": newest["state"] == "succeeded" and newest["version"] == commits[-1],
    }
    return {
        **found,
        "holds": found["accepted"] == found["kept"] == len(pairs)
        and found["newest_is_live"]
        and percentile(milliseconds, 0.99) <= MOST_MS,
    }


async def send(http: httpx.AsyncClient, hook: Hook, before: str, after: str) -> Sent:
    body, headers = hook.request(before, after)
    began, at = time.perf_counter(), time.time()
    answer = await http.post(hook.url, content=body, headers=headers)
    return Sent(at, (time.perf_counter() - began) * 1000, answer.status_code)


def push(hook: Hook, before: str, after: str) -> tuple[float, int]:
    """When it was sent, and the number of its deployment."""
    body, headers = hook.request(before, after)
    at = time.time()
    answer = httpx.post(hook.url, content=body, headers=headers, trust_env=False, timeout=PATIENCE).raise_for_status()
    told = answer.json()
    assert told["deployment"], told
    return at, int(told["deployment"])


def a_start(oven: Oven, hook: Hook, number: int) -> float:
    """Milliseconds from sending a push to the beginning of its deployment."""
    before = head(oven.node)
    commit(oven.node, f"start-{number}")
    at, made = push(hook, before, head(oven.node))

    def started() -> str | None:
        found: str | None = oven.http.get(f"/api/apps/{APP}/deployments/{made}").json()["started_at"]
        return found

    wait_until(lambda: started() is not None, what=f"deployment {made} starts")
    settle(oven)
    return (datetime.fromisoformat(started() or "").timestamp() - at) * 1000


def to_live(oven: Oven, hook: Hook, rounds: int) -> dict[str, list[float]]:
    """One after the other, in turns. The commit is there before somebody asks or pushes."""
    found: dict[str, list[float]] = {"push": [], "api": []}
    host = f"{APP}.{NAME}.localhost"
    for turn in range(rounds):
        for number, name in enumerate(sorted(found, reverse=turn % 2 == 1)):
            version = 10_000 + 2 * turn + number
            before = head(oven.node)
            commit(oven.node, f"v{version}")
            side = Side(host, partial(ask, oven, hook if name == "push" else None, before, head(oven.node)))
            found[name].append(until_answered(oven.node, side, version))
            settle(oven)
    return found


def ask(oven: Oven, hook: Hook | None, before: str, after: str, _: int) -> None:
    if hook is None:
        deploy(oven)
    else:
        push(hook, before, after)


def head(node: Node) -> str:
    return node.run("su", "git", "-c", "git -C ~/shop.git rev-parse main")


def numbers(oven: Oven) -> set[int]:
    return {int(one["number"]) for one in listed(oven, "deployments")}


def listed(oven: Oven, what: str) -> list[dict[str, Any]]:
    """All pages of it."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = oven.http.get(f"/api/apps/{APP}/{what}", params={"after": after}).raise_for_status().json()
        found += page["items"]
        after = page["next"]
    return found


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Pushes that arrive.")
    asked.add_argument("--pushes", type=int, default=1000)
    asked.add_argument("--singles", type=int, default=20)
    asked.add_argument("--rounds", type=int, default=5)
    chosen = asked.parse_args()
    main(chosen.pushes, chosen.singles, chosen.rounds)
