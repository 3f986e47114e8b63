"""Going back to what is still warm on a node, from asking for it to the first answer of the old version, against the
same switch by hand in one command over an open OpenSSH connection: a line of nginx's file, `nginx -t`, and a reload.
`python -m bench.rollback`, as root
"""

import argparse
import statistics
import subprocess
import time
from collections.abc import Callable

import httpx

from bench.running import control_master, tell, temporary_folder
from tests.delivery.fleet import an_app
from tests.faults.site import deploy, wait_for_end
from tests.lab.lab import open_lab
from tests.lab.nodes import HTTP, Node
from tests.lab.oven import NAME, Oven, an_oven

APP, BY_HAND = "trivial", "floor.localhost"
MOST, MOST_SECONDS = 1.5, 1.0
PATIENCE = 30.0
# The other of the two ports that both versions listen on.
SWITCH = """
set -e
printf 'server { listen 80; server_name %s; location / { proxy_pass http://127.0.0.1:%s; } }\\n' "$1" "$2" \\
  > /etc/nginx/conf.d/floor.conf
nginx -t -q
nginx -s reload
"""


def main(rounds: int) -> None:
    with temporary_folder() as folder, open_lab() as lab, an_oven(lab, folder, WARM="3600") as oven:
        oven.http.post("/api/apps", json={"slug": APP, "node": NAME, "command": "python3 app.py"}).raise_for_status()
        for version in ("one", "two"):
            ended = wait_for_end(oven.http, APP, deploy(oven.http, APP, an_app(version)))
            assert ended["state"] == "succeeded", ended["failure"]
        with control_master(oven.node, folder) as ssh:
            ours, by_hand = [], []
            for turn in range(rounds):
                ours.append(go_back(oven, turn))
                by_hand.append(switch_by_hand(oven.node, ssh, turn))
    factor = statistics.median(ours) / statistics.median(by_hand)
    tell(
        what=f"going back to a warm release, {rounds} times in turns with the same switch by hand",
        seconds={"ours": [round(one, 3) for one in ours], "by_hand": [round(one, 3) for one in by_hand]},
        medians={"ours": round(statistics.median(ours), 3), "by_hand": round(statistics.median(by_hand), 3)},
        factor=round(factor, 2),
        most={"factor": MOST, "seconds": MOST_SECONDS},
        holds=factor <= MOST and max(ours) <= MOST_SECONDS,
    )


def go_back(oven: Oven, turn: int) -> float:
    """To the one that is not live; the old slot is drained before the next turn."""
    release, text = ((1, "one"), (2, "two"))[turn % 2]
    asked: list[int] = []

    def ask() -> None:
        said = oven.http.post(f"/api/apps/{APP}/rollback", json={"release": release}).raise_for_status().json()
        asked.append(int(said["number"]))

    seconds = until_answered(oven.node, f"{APP}.{NAME}.localhost", text, ask)
    assert wait_for_end(oven.http, APP, asked[0], seconds=60)["state"] == "succeeded"
    return seconds


def switch_by_hand(node: Node, ssh: list[str], turn: int) -> float:
    """Between the two that Bakery keeps running."""
    port, text = ((20000, "one"), (20001, "two"))[turn % 2]

    def switch() -> None:
        argv = [*ssh, "sh", "-s", "--", BY_HAND, str(port)]
        subprocess.run(argv, input=SWITCH.encode(), timeout=PATIENCE, check=True, capture_output=True)

    return until_answered(node, BY_HAND, text, switch)


def until_answered(node: Node, host: str, text: str, act: Callable[[], None]) -> float:
    address = f"http://127.0.0.1:{node.ports[HTTP]}/"
    began = time.perf_counter()
    act()
    with httpx.Client(trust_env=False, headers={"host": host, "connection": "close"}) as http:
        while http.get(address).text != text:
            if time.perf_counter() - began > PATIENCE:
                raise TimeoutError(f"{host} did not answer “{text}” within {PATIENCE:g} s")
            time.sleep(0.002)
    return time.perf_counter() - began


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Going back to a warm release.")
    asked.add_argument("--rounds", type=int, default=20)
    main(asked.parse_args().rounds)
