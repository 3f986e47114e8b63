"""A deployment of a trivial Docker app on a node, from asking for it to the first answer of the new version, against a
script in one command over an open OpenSSH connection that does the same by hand. `python -m bench.overhead`, as root

The script clones, builds, runs, waits for a 200, and switches nginx. It stores nothing, checks nothing else and
ends nothing. Both have the same repository (on the node, over SSH), Dockerfile and builder, and take turns.
A cold deployment finds neither image nor cache; a warm one comes after a change of the source alone.
"""

import argparse
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.running import control_master, tell, temporary_folder
from tests.lab.base_image import BASE, make_base_image
from tests.lab.lab import open_lab
from tests.lab.nodes import HTTP, Node
from tests.lab.oven import NAME, Oven, an_oven

APP, FLOOR_APP = "trivial", "floor"
MOST = 1.3
PATIENCE = 120.0
PROGRAM = """
import http.server, os

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT)

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", 9000))), Page).serve_forever()
"""
MAKE_REPOSITORY = """
set -e
git init --quiet --bare --initial-branch=main ~/shop.git
git clone --quiet ~/shop.git ~/checkout 2>/dev/null
git -C ~/checkout checkout --quiet -B main
printf 'FROM %s\\nEXPOSE 9000\\nCOPY app.py /app.py\\nCMD ["python3", "/app.py"]\\n' "$1" > ~/checkout/Dockerfile
"""
COMMIT = """
set -e
cd ~/checkout
{ printf 'TEXT = b"%s"\\n' "$1"; cat ~/app.py; } > app.py
git add --all
git -c user.name=Ann -c user.email=ann@bakery.example commit --quiet -m "Answer $1"
git push --quiet origin main
"""
# What somebody would write who deploys by hand, and knows what takes time.
BY_HAND = """
set -e
number=$1 port=$2 host=$3
folder=$(mktemp --directory)
git clone --quiet --depth=1 ssh://git@127.0.0.1/home/git/shop.git "$folder/source"
DOCKER_BUILDKIT=1 docker build --quiet --tag "floor:$number" "$folder/source" >/dev/null
rm -r "$folder"
docker run --detach --name "floor-$number" --publish "127.0.0.1:$port:9000" "floor:$number" >/dev/null
until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/"; do sleep 0.05; done
printf 'server { listen 80; server_name %s; location / { proxy_pass http://127.0.0.1:%s; } }\\n' "$host" "$port" \\
  > "/etc/nginx/conf.d/$host.conf"
flock /run/floor.lock sh -c 'nginx -t -q && nginx -s reload'
"""
FORGET = """
docker rm --force $(docker ps --all --quiet) >/dev/null 2>&1
docker images --format '{{.Repository}}:{{.Tag}}' | grep --extended-regexp '^(floor|bakery/)' \\
  | xargs --no-run-if-empty docker rmi --force >/dev/null
docker builder prune --all --force >/dev/null
"""


@dataclass(frozen=True)
class Side:
    """One of the two that are compared. `deploy` is told a number, and returns when it is asked for or done."""

    host: str
    deploy: Callable[[int], None]


def main(cold: int, warm: int) -> None:
    with temporary_folder() as folder, open_lab() as lab, an_oven(lab, folder) as oven:
        make_base_image(oven.node)
        make_repository(oven.node)
        make_app(oven)
        with by_hand(oven.node, folder) as hand:
            ours = Side(f"{APP}.{NAME}.localhost", lambda _: deploy(oven))
            sides = {"ours": ours, "by_hand": hand}
            seconds = measured(oven, sides, cold=cold, warm=warm)
    medians = {kind: {side: statistics.median(found) for side, found in of.items()} for kind, of in seconds.items()}
    factors = {kind: round(of["ours"] / of["by_hand"], 2) for kind, of in medians.items()}
    tell(
        what="from asking for a deployment to the first answer of the new version: medians, in turns",
        rounds={"cold": cold, "warm": warm},
        seconds={
            kind: {side: [round(one, 2) for one in all_] for side, all_ in of.items()} for kind, of in seconds.items()
        },
        factors=factors,
        most=MOST,
        holds=max(factors.values()) <= MOST,
    )


def measured(oven: Oven, sides: dict[str, Side], *, cold: int, warm: int) -> dict[str, dict[str, list[float]]]:
    """One deployment of each side before: the first one makes what stays, such as nginx's first site."""
    found: dict[str, dict[str, list[float]]] = {kind: {side: [] for side in sides} for kind in ("cold", "warm")}
    number = 0
    for kind, rounds in (("", 1), ("warm", warm), ("cold", cold)):
        for turn in range(rounds):
            for name in sorted(sides, reverse=turn % 2 == 1):
                number += 1
                commit(oven.node, f"v{number}")
                if kind == "cold":
                    oven.node.attempt("sh", "-c", FORGET)
                seconds = until_answered(oven.node, sides[name], number)
                if kind:
                    found[kind][name].append(seconds)
                settle(oven)
    return found


def until_answered(node: Node, side: Side, number: int) -> float:
    """Visits every few milliseconds, as somebody who waits for it."""
    began = time.perf_counter()
    side.deploy(number)
    address = f"http://127.0.0.1:{node.ports[HTTP]}/"
    with httpx.Client(trust_env=False, headers={"host": side.host, "connection": "close"}) as http:
        while http.get(address).text != f"v{number}":
            if time.perf_counter() - began > PATIENCE:
                raise TimeoutError(f"{side.host} did not answer v{number} within {PATIENCE:g} s")
            time.sleep(0.005)
    return time.perf_counter() - began


def deploy(oven: Oven) -> None:
    oven.http.post(f"/api/apps/{APP}/deployments", json={}).raise_for_status()


def settle(oven: Oven) -> None:
    """What goes on after the first answer is over before the other side has its turn."""
    began = time.perf_counter()
    while any(one["state"] in {"queued", "running"} for one in deployments(oven)):
        if time.perf_counter() - began > PATIENCE:
            raise TimeoutError("a deployment did not end")
        time.sleep(0.05)
    oven.node.attempt("sh", "-c", "docker ps --quiet --filter name=floor- | tail -n +2 | xargs -r docker rm --force")


def deployments(oven: Oven) -> list[dict[str, str]]:
    found: list[dict[str, str]] = oven.http.get(f"/api/apps/{APP}/deployments").raise_for_status().json()["items"]
    return found


def make_repository(node: Node) -> None:
    node.run("useradd", "--create-home", "--user-group", "--shell=/bin/sh", "git")
    node.run("su", "git", "-c", f"{MAKE_REPOSITORY}", "sh", BASE)
    node.put("/home/git/app.py", PROGRAM.encode())
    node.run("sh", "-c", "mkdir -p /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
    node.run("sh", "-c", "ssh-keyscan 127.0.0.1 2>/dev/null > /root/.ssh/known_hosts")
    node.run("install", "--directory", "--owner=git", "--group=git", "--mode=700", "/home/git/.ssh")
    node.run("sh", "-c", "cat /root/.ssh/id_ed25519.pub > /home/git/.ssh/authorized_keys")
    commit(node, "v0")


def commit(node: Node, version: str) -> None:
    node.run("su", "git", "-c", COMMIT, "sh", version)


def make_app(oven: Oven) -> None:
    wanted = {"slug": APP, "node": NAME, "runtime": "docker"}
    oven.http.post("/api/apps", json=wanted).raise_for_status()
    key = oven.http.post(f"/api/apps/{APP}/source/key").raise_for_status().json()["deploy_key"]
    oven.node.run("sh", "-c", 'printf "%s\\n" "$1" >> /home/git/.ssh/authorized_keys', "sh", key)
    source = {"url": "ssh://git@127.0.0.1/home/git/shop.git", "branch": "main", "accept_host_key": True}
    oven.http.put(f"/api/apps/{APP}/source", json=source).raise_for_status()


@contextmanager
def by_hand(node: Node, folder: Path) -> Iterator[Side]:
    """Over a connection that is open before."""
    host = f"{FLOOR_APP}.{NAME}.localhost"

    with control_master(node, folder) as ssh:

        def deploy_by_hand(number: int) -> None:
            argv = [*ssh, "sh", "-s", "--", str(number), str(18000 + number), host]
            subprocess.run(argv, input=BY_HAND.encode(), timeout=PATIENCE, check=True, capture_output=True)

        yield Side(host, deploy_by_hand)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="The overhead of a deployment.")
    asked.add_argument("--cold", type=int, default=5)
    asked.add_argument("--warm", type=int, default=10)
    chosen = asked.parse_args()
    main(chosen.cold, chosen.warm)
