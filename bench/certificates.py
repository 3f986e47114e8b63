"""Many domains attached at once, and a certificate for each from pebble, which does not take one nonce of twenty.
`python -m bench.certificates`

Apps that are live on this machine, each with several names of its own, so that there are as many orders as apps. While
they are asked for, the certbots that run are watched: a name must never be in two orders at a time.
"""

import argparse
import collections
import itertools
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.running import tell
from tests.delivery.fleet import an_app
from tests.faults.site import a_bakery, deploy, end, make_app, program_at, site_port, token_of, wait_for_end
from tests.support.authority import running_pebble
from tests.support.dns_server import a_little_dns

MOST_SECONDS = 20 * 60.0
AT_ONCE = 20
LOOK_EVERY = 0.02


def main(domains: int, each: int) -> None:
    slugs = [f"app-{number}" for number in range(domains // each)]
    names = {slug: [f"name-{number}.{slug}.example.com" for number in range(each)] for slug in slugs}
    with tempfile.TemporaryDirectory(prefix="bakery-bench-") as name, a_little_dns() as dns:
        folder = Path(name)
        folder.chmod(0o711)  # nginx's workers pass through
        bakery = a_bakery(folder)
        dns.a_zone("example.com")
        for host in (host for of_one in names.values() for host in of_one):
            dns.records[host, "A"] = ("127.0.0.1",)
        with running_pebble(site_port(bakery)) as pebble:
            (folder / "ca.pem").write_text(pebble.trusted)
            bakery.environ |= {
                "BAKERY_ACME_DIRECTORY": pebble.directory,
                "BAKERY_ACME_CA": str(folder / "ca.pem"),
                "BAKERY_DNS_RESOLVERS": f"127.0.0.1:{dns.port}",
                "BAKERY_PUBLIC_IP": "127.0.0.1",
            }
            bakery.start()
            try:
                with program_at(bakery, token_of(bakery)) as program:
                    for slug in slugs:
                        make_app(program, slug)
                        ended = wait_for_end(program, slug, deploy(program, slug, an_app("one")))
                        assert ended["state"] == "succeeded", ended["failure"]
                    with orders_watched(folder) as seen:
                        seconds, states = attach_all(program, names)
            finally:
                end(bakery)
    tell(
        what=f"{domains} domains of {len(slugs)} apps attached at once: a certificate for each",
        load=os.getloadavg(),
        seconds=round(seconds, 1),
        states=states,
        orders_seen=len(seen.orders),
        most_at_once=seen.most,
        names_in_two_orders=sorted(seen.doubled),
        most_seconds=MOST_SECONDS,
        holds=states == {"valid": len(slugs)} and seconds <= MOST_SECONDS and not seen.doubled,
    )


def attach_all(program: httpx.Client, names: dict[str, list[str]]) -> tuple[float, dict[str, int]]:
    """How long until all are valid, or until nobody waits any longer."""

    def attach(slug: str) -> None:
        for host in names[slug]:
            program.post(f"/api/apps/{slug}/domains", json={"host": host}).raise_for_status()

    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as at_once:
        list(at_once.map(attach, names))
    while True:
        states = collections.Counter(state_of(program, slug, hosts) for slug, hosts in names.items())
        took = time.monotonic() - began
        if set(states) == {"valid"} or took > MOST_SECONDS:
            return took, dict(states)
        time.sleep(1)


def state_of(program: httpx.Client, slug: str, hosts: list[str]) -> str:
    """One that lacks a name is not done yet."""
    found = program.get(f"/api/apps/{slug}/certificates").raise_for_status().json()["items"]
    whole = [one["state"] for one in found if set(one["names"]) == set(hosts)]
    return str(whole[0]) if whole else "waiting"


class Orders:
    """Seen from outside: the certbots of this Bakery, by what they ask for."""

    def __init__(self) -> None:
        self.orders: set[int] = set()
        self.doubled: set[str] = set()
        self.most = 0

    def look(self, folder: bytes) -> None:
        found = {pid: words for pid, words in certbots() if folder in b" ".join(words)}
        running = list(found.values())
        self.orders |= set(found)
        asked = collections.Counter(name.decode() for words in running for name in names_in(words))
        self.doubled |= {name for name, count in asked.items() if count > 1}
        self.most = max(self.most, len(running))


def certbots() -> Iterator[tuple[int, list[bytes]]]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"certonly" in words:
            yield int(entry.name), words


def names_in(words: list[bytes]) -> list[bytes]:
    return [name for flag, name in itertools.pairwise(words) if flag == b"--domain"]


@contextmanager
def orders_watched(folder: Path) -> Iterator[Orders]:
    seen, is_over = Orders(), threading.Event()

    def watch() -> None:
        while not is_over.wait(LOOK_EVERY):
            seen.look(str(folder).encode())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        is_over.set()
        watching.join()


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Many certificates at once.")
    asked.add_argument("--domains", type=int, default=200)
    asked.add_argument("--each", type=int, default=5, help="names of one app, which share a certificate")
    chosen = asked.parse_args()
    main(chosen.domains, chosen.each)
