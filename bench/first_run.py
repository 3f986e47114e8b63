"""A newcomer's first hour, done by a script: from the end of `scripts/up` on a fresh machine of the lab to an app of
their own that is live from a Git URL, with clicks and typed fields counted. `python -m bench.first_run`, as root

Bakery is reached as `scripts/up` says, through a tunnel of SSH. The repository is on another machine, over HTTP.
"""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from bench.running import tell
from tests.journeys.hand import Hand
from tests.lab.clone import Clone
from tests.lab.lab import open_lab
from tests.lab.nodes import HTTP, Node
from tests.lab.ports import free_port
from tests.support.chromium import a_chromium, a_page
from tests.support.git_server import a_git_server
from tests.support.waiting import wait_until

BAKERYS = 4100  # its port, unless somebody chooses another
LIMITS = {"clicks": 10, "typed_fields": 3}
EXAMPLE = Path(__file__).parents[1] / "examples/hello"


def main() -> None:
    with open_lab() as lab, lab.node() as node, a_git_server() as git, a_chromium() as browser:
        files = {path.name: path.read_text() for path in EXAMPLE.iterdir() if path.is_file()}
        git.repository("Crumbs").commit("Bake", {**files, "Procfile": "web: python3 app.py\n"})
        clone = Clone(node)
        clone.unpack()
        began = time.perf_counter()
        ran = clone.up_well()
        up = time.perf_counter() - began
        link = re.search(r"/reset/\S+", ran.said)
        assert link is not None, ran.said
        with tunnels(node, git.port) as url, a_page(browser, url) as page:
            began = time.perf_counter()
            page.goto(link[0])
            hand = bring_an_app_live(page, git.url("Crumbs"))
            site = page.get_by_role("link", name="Open site").get_attribute("href") or ""
            assert answers(node, site), site
            seconds = time.perf_counter() - began
    seen = {"clicks": hand.clicks, "typed_fields": hand.typed}
    tell(
        what="from the link that scripts/up printed to an app that is live from a Git URL, without the time to think",
        seen=seen,
        seconds={"scripts/up": round(up, 1), "in the browser": round(seconds, 1)},
        limits=LIMITS,
        holds=all(seen[name] <= limit for name, limit in LIMITS.items()),
    )


def bring_an_app_live(page: Page, address: str) -> Hand:
    hand = Hand(page)
    hand.type_in("New password", "an oven that is mine")
    hand.click("Change password")
    hand.click("New app", is_link=True)
    hand.type_in("Address of the repository", address)
    hand.click("Continue")
    expect(page.get_by_text("main@")).to_contain_text("Bake")
    hand.choose("Process")
    hand.click("Continue")
    expect(page.get_by_label("Name", exact=True)).to_have_value("crumbs")
    hand.click("Continue")
    hand.click("Continue")
    hand.click("Create and deploy")
    expect(page.locator("h1 + .badge")).to_have_text("Succeeded", timeout=120_000)
    return hand


@contextmanager
def tunnels(node: Node, repositories: int) -> Iterator[str]:
    """To Bakery on the node, and from there to the repositories, which have the same address on both sides."""
    port = free_port()
    there, back = f"{port}:127.0.0.1:{BAKERYS}", f"{repositories}:127.0.0.1:{repositories}"
    *ssh, place = node.ssh()
    argv = [*ssh, "-o", "ExitOnForwardFailure=yes", "-N", "-L", there, "-R", back, place]
    with subprocess.Popen(argv) as running:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: answers_at(f"{url}/login"), what="the tunnel is there")
            yield url
        finally:
            running.terminate()


def answers(node: Node, site: str) -> bool:
    host = httpx.URL(site).host
    return answers_at(f"http://127.0.0.1:{node.ports[HTTP]}/", host=host)


def answers_at(url: str, **headers: str) -> bool:
    try:
        return httpx.get(url, headers=headers, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
