"""Below a path of a host that an nginx with its default settings serves."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import a_page, sign_in
from tests.support.machine import a_free_port
from tests.support.morning import ADMIN, PAGES, Morning
from tests.support.people import PASSWORD
from tests.support.serving import Serving, serving
from tests.support.terminal import a_terminal
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser
PREFIX = "/bakery"
ADDRESSES = re.compile(r'\b(?:href|src|action|hx-get|data-source|data-events)="([^"#][^"]*)"')
NGINX = """
daemon off;
pid nginx.pid;
error_log error.log;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        location {prefix}/ {{ proxy_pass {upstream}; }}
        location / {{ return 404 "Somebody else's\\n"; }}
    }}
}}
"""


@pytest.fixture(params=["kept", "stripped"])
def proxied(request: pytest.FixtureRequest, morning: Morning, tmp_path: Path) -> Iterator[tuple[str, Serving]]:
    """The address that people use, and the Bakery behind it. The proxy passes the prefix on, or takes it off."""
    port = a_free_port()
    base_url = f"http://127.0.0.1:{port}{PREFIX}"
    environ = {name: morning.serving.environ[name] for name in ("DATABASE_URL", "BAKERY_DATA_DIR", "BAKERY_NODE_DIR")}
    with serving(tmp_path, "--role", "web", BAKERY_BASE_URL=base_url, **environ) as bakery:
        upstream = bakery.url if request.param == "kept" else f"{bakery.url}/"
        with an_nginx(tmp_path, NGINX.format(port=port, prefix=PREFIX, upstream=upstream)):
            yield base_url, bakery


@contextmanager
def an_nginx(folder: Path, settings: str) -> Iterator[None]:
    (folder / "nginx.conf").write_text(settings)
    process = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
    try:
        wait_until((folder / "nginx.pid").exists, what="nginx runs")
        yield
    finally:
        process.terminate()
        process.wait(10)


def test_all_addresses_stay_below_the_path_and_changes_arrive(browser: Browser, proxied: tuple[str, Serving]) -> None:
    base_url, bakery = proxied
    with a_page(browser, f"{base_url}/") as page:
        sign_in(page, ADMIN, PASSWORD)
        seen = crawl(page, base_url)
        assert {f"{base_url}{path}" for path in PAGES.values() if "?" not in path and "nothing" not in path} <= {
            *seen,
            f"{base_url}/team/roles",
            f"{base_url}/cli",
            f"{base_url}/apps/new/github",  # offered to whoever has linked an account
        }

        page.goto("apps")
        expect(page.locator("#live")).to_have_text("Live")
        slug = f"new-{urlsplit(base_url).port}"
        a_terminal(bakery, ADMIN).run("apps", "create", slug, "--command", "python3 app.py")
        expect(page.locator(f"#side-app-{slug}")).to_be_visible()


def crawl(page: Page, base_url: str) -> set[str]:
    """Every page and file that links lead to. It exists, and all that it names is below the base URL."""
    seen: set[str] = set()
    waiting = {f"{base_url}/"}
    while waiting:
        url = waiting.pop()
        seen.add(url)
        answer = page.request.get(url)
        assert answer.status == 200, url
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        for address in ADDRESSES.findall(answer.text()):
            found = urljoin(url, address.replace("&amp;", "&"))
            is_an_app = urlsplit(found).hostname != "127.0.0.1"
            assert is_an_app or found.startswith(f"{base_url}/"), (url, address)
        links = re.findall(r'<(?:a|link)\b[^>]*\bhref="([^"#?]+)[^"]*"', answer.text())
        pages = {urljoin(url, link) for link in links}
        waiting |= {found for found in pages if found.startswith(f"{base_url}/")} - seen
    return seen
