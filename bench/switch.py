"""A switch of a site on this machine's nginx (render, test, swap, reload) against the bare commands that do the same by
hand: `cp`, `nginx -t`, `nginx -s reload`; alone, and with 500 sites beside it. `python -m bench.switch --here`

Ours returns when the new site answers. By hand the commands return before that, so there are two figures of them: the
bare commands, and until what they brought answers. Both work on the same nginx, an ordinary one of the node's own.
"""

import argparse
import asyncio
import statistics
import subprocess
import time
from pathlib import Path

import httpx

from bakery.model.names import HostName, Port, SiteName
from bakery.nodes.ingress import ProxySite
from bakery.nodes.node import Node
from bench.running import tell
from tests.support.machine import a_free_port, a_node

MANY = 500
MOST, MOST_SECONDS = 1.2, 1.0
HAND = "hand.example"
BY_HAND = 'set -e; cp "$1" "$2"; nginx -p "$3" -c "$3/nginx.conf" -t -q; nginx -p "$3" -c "$3/nginx.conf" -s reload'
SERVER = 'server {{ listen 127.0.0.1:{port}; server_name {host}; location / {{ return 200 "{text}"; }} }}\n'


async def main(rounds: int) -> None:
    port = Port(a_free_port())
    async with a_node(port) as node:
        assert node.ingress is not None
        await node.ingress.ensure_running()
        alone = await measure(node, port, rounds)
        for number in range(MANY):
            host = f"site-{number}.example"
            text = SERVER.format(port=port, host=host, text=number)
            (sites_of(node) / f"many-{number}.conf").write_text(text)
        among = await measure(node, port, rounds)
    factor = alone["ours"] / alone["bare"]
    tell(
        what=f"switches of a site, {rounds} in turns with the same by hand; medians in seconds",
        alone=alone,
        among_500=among,
        factor=round(factor, 2),
        factor_until_it_answers=round(alone["ours"] / alone["bare_until_it_answers"], 2),
        factor_among_500=round(among["ours"] / among["bare"], 2),
        most={"factor": MOST, "seconds_among_500": MOST_SECONDS},
        holds=factor <= MOST and among["ours_worst"] <= MOST_SECONDS,
    )


async def measure(node: Node, port: Port, rounds: int) -> dict[str, float]:
    ours, bare, until = [], [], []
    for number in range(1, rounds + 1):
        ours.append(await switch(node, number))
        seconds = await asyncio.to_thread(by_hand, node, port, number)
        bare.append(seconds[0])
        until.append(seconds[1])
    return {
        "ours": round(statistics.median(ours), 4),
        "ours_worst": round(max(ours), 4),
        "bare": round(statistics.median(bare), 4),
        "bare_until_it_answers": round(statistics.median(until), 4),
    }


async def switch(node: Node, number: int) -> float:
    assert node.ingress is not None
    site = ProxySite(SiteName("shop-production"), (HostName("shop.example"),), Port(20000 + number % 2))
    begun = time.monotonic()
    await node.ingress.apply_site(site)
    return time.monotonic() - begun


def by_hand(node: Node, port: Port, number: int) -> tuple[float, float]:
    home = Path(str(node.folders.nginx))
    text = f"{port}-{number}-{time.monotonic_ns()}"
    aside = home / "hand.conf.aside"
    aside.write_text(SERVER.format(port=port, host=HAND, text=text))
    begun = time.monotonic()
    subprocess.run(["sh", "-c", BY_HAND, "sh", aside, sites_of(node) / "hand.conf", home], check=True)
    returned = time.monotonic() - begun
    while httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": HAND}, trust_env=False).text != text:
        time.sleep(0.001)
    return returned, time.monotonic() - begun


def sites_of(node: Node) -> Path:
    return Path(str(node.folders.nginx)) / "bakery.d"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", action="store_true", required=True, help="on an nginx of this machine")
    parser.add_argument("--rounds", type=int, default=15)
    asyncio.run(main(parser.parse_args().rounds))
