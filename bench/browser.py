"""What pages weigh and how quickly they answer in Chromium: HTML, styles, scripts, requests to others, layout shift,
clicks, events, first paint on a slow machine. `python -m bench.browser`

The pages are all there are, on a morning with apps in every state; what moves is an app that is deployed meanwhile.
"""

import argparse
import itertools
import logging
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import structlog
from anyio.from_thread import BlockingPortal, start_blocking_portal
from playwright.sync_api import Browser, Error, Locator, Page, expect
from psycopg.rows import TupleRow

from bakery.store import migrate
from bakery.store.logs import append_within
from bakery.store.transaction import CHANNEL
from bench.running import percentile, tell, temporary_folder
from tests.journeys.working import a_working_bakery
from tests.support.chromium import a_chromium, a_page, sign_in
from tests.support.morning import ADMIN, PAGES, a_morning
from tests.support.people import PASSWORD
from tests.support.postgres import new_database, running_server
from tests.support.terminal import a_terminal

LIMITS = {
    "html_kb": 60,
    "css_gzip_kb": 25,
    "js_gzip_kb": 60,
    "requests_to_others": 0,
    "layout_shift": 0.02,
    "click_to_change_p95_ms": 200,
    "event_to_screen_p95_ms": 300,
    "first_paint_ms": 1_000,
}
EXAMPLE = Path(__file__).parents[1] / "examples/hello"
WIDTHS = (1440, 390)
CLICKS, EVENTS, EVENTS_EVERY_MS = 10, 50, 300
SHOW_IT = ("/", "/apps/hello", "/apps/hello/deployments", "/tasks")
BURSTS, PAUSE_MS = 10, 100  # of one event about each topic of a page
VISITS = 3
PATIENCE, LOOK_EVERY_MS = 15.0, 10
SLOWER = 4
# What Chromium's own tools call fast 4G.
FAST_4G = {"offline": False, "latency": 165, "downloadThroughput": 8.1e6 / 8, "uploadThroughput": 1.35e6 / 8}
_WATCH = r"""
const now = () => performance.timeOrigin + performance.now();
const whenPainted = (then) => requestAnimationFrame(() => setTimeout(then));
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({type: "layout-shift", buffered: true});
window.shownAt = {};
new MutationObserver((changes) => {
  if (window.expected && document.querySelector(window.expected)) {
    window.expected = "";
    whenPainted(() => { sessionStorage.answered = now(); });
  }
  for (const { target, type } of changes) {
    if (type === "attributes" || target === document) continue;
    for (const [mark] of target.textContent.matchAll(/mark-\d+-end/g)) {
      if (mark in window.shownAt) continue;
      window.shownAt[mark] = 0;
      whenPainted(() => { window.shownAt[mark] = now(); });
    }
  }
}).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
addEventListener("click", () => { sessionStorage.clicked ||= now(); }, {capture: true});
"""
_SHIFT = "() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(() => then(window.shift))))"
_TOPICS = """
() => [...new Set([...document.querySelectorAll("[data-topics], [data-live]")].flatMap(
  ({dataset}) => `${dataset.topics ?? ""} ${dataset.live ?? ""}`.split(" ")))].filter((topic) => topic)
"""
_WEIGHT = """
(ending) => performance.getEntriesByType("resource").filter(({name}) => new URL(name).pathname.endsWith(ending))
  .filter(({name}) => !name.includes("/xterm")).reduce((sum, {encodedBodySize}) => sum + encodedBodySize, 0)
"""
_PAINTED = 'performance.getEntriesByName("first-contentful-paint")[0]?.startTime'
_NEXT_PAGE = f"""
performance.timeOrigin > Number(sessionStorage.clicked) && {_PAINTED} &&
  performance.timeOrigin + {_PAINTED} - Number(sessionStorage.clicked)
"""
_TELL = """
WITH fresh AS (INSERT INTO events (topic) SELECT unnest(%s::text[]) RETURNING id)
SELECT pg_notify(%s, max(id)::text) FROM fresh
"""


def main(only: Sequence[str]) -> None:
    with temporary_folder() as folder, running_server(folder / "postgres") as server, a_chromium() as browser:
        pages = {name: path for name, path in PAGES.items() if not only or name in only}
        with new_database(server) as database:
            migrate.upgrade(database)
            with (
                a_morning(database, folder) as morning,
                psycopg.connect(database, autocommit=True) as connection,
                a_page(browser, morning.serving.url) as guest,
                a_page(browser, morning.serving.url) as ada,
            ):
                gates = {name: path for name, path in morning.gates.items() if not only or name in only}
                sign_in(ada, ADMIN, PASSWORD)
                paints = paint(guest, gates) | paint(ada, pages)
                with watched(guest) as seen_by_guest, watched(ada) as seen_by_ada:
                    weights = weigh(seen_by_guest, gates, connection) | weigh(seen_by_ada, pages, connection)
                    clicks = click(seen_by_ada)
                    events = {
                        "a name": time_names(seen_by_ada, connection),
                        "a line of a log": time_lines(seen_by_ada, database),
                    }
        shifts, more_clicks = watch_a_deployment(browser, folder / "working")
    clicks |= more_clicks
    seen = {
        "html_kb": max(one["html_kb"] for one in weights.values()),
        "css_gzip_kb": max(one["css_gzip_kb"] for one in weights.values()),
        "js_gzip_kb": max(one["js_gzip_kb"] for one in weights.values()),
        "requests_to_others": sum(one["requests_to_others"] for one in weights.values()),
        "layout_shift": max(one["layout_shift"] for one in weights.values()),
        "click_to_change_p95_ms": round(percentile([ms for times in clicks.values() for ms in times], 0.95)),
        "event_to_screen_p95_ms": round(percentile([ms for times in events.values() for ms in times], 0.95)),
        "first_paint_ms": max(one["cold"] for one in paints.values()),
    }
    tell(
        what=f"{len(weights)} pages in Chromium: sizes, shift while events arrive, clicks, events, first paint slowed",
        load=os.getloadavg(),
        seen=seen,
        heaviest=largest({name: one["html_kb"] for name, one in weights.items()}),
        shifting_most=largest({name: one["layout_shift"] for name, one in weights.items()}),
        shift_while_deployed=shifts,
        clicks_ms={name: told(times) for name, times in clicks.items()},
        events_ms={name: told(times) for name, times in events.items()},
        painted_last_cold_ms=largest({name: one["cold"] for name, one in paints.items()}),
        painted_last_warm_ms=largest({name: one["warm"] for name, one in paints.items()}),
        limits=LIMITS,
        holds=all(seen[name] <= limit for name, limit in LIMITS.items()),
    )


@contextmanager
def watched(other: Page) -> Iterator[Page]:
    """Another tab of the same person's."""
    page = other.context.new_page()
    page.add_init_script(_WATCH)
    yield page
    page.close()


def weigh(page: Page, paths: dict[str, str], connection: psycopg.Connection[TupleRow]) -> dict[str, dict[str, float]]:
    return {name: weigh_one(page, path, connection) for name, path in paths.items()}


def weigh_one(page: Page, path: str, connection: psycopg.Connection[TupleRow]) -> dict[str, float]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shift = 0.0
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        answer = page.goto(path, wait_until="load")
        assert answer is not None
        size = len(answer.body())
        topics = page.evaluate(_TOPICS)
        if topics:
            expect(page.locator("#live")).to_have_attribute("data-state", "live")
        for _ in range(BURSTS if topics else 0):
            connection.execute(_TELL, (topics, CHANNEL))
            page.wait_for_timeout(PAUSE_MS)
        shift = max(shift, page.evaluate(_SHIFT))
    home = re.match(r"\w+://[^/]+/", page.url)
    assert home is not None
    return {
        "html_kb": kb(size),
        "css_gzip_kb": kb(page.evaluate(_WEIGHT, ".css")),
        "js_gzip_kb": kb(page.evaluate(_WEIGHT, ".js")),
        "requests_to_others": sum(not url.startswith((home[0], "data:")) for url in asked),
        "layout_shift": round(shift, 4),
    }


def click(page: Page) -> dict[str, list[float]]:
    page.set_viewport_size({"width": 1440, "height": 900})
    found: dict[str, list[float]] = {"a link of the sidebar": [], "the palette": [], "the theme": [], "a form": []}
    for number in range(CLICKS):
        page.goto("/account/profile")
        found["the palette"].append(answer_of(page, page.get_by_text("Search or go to…"), "#palette[open]"))
        page.keyboard.press("Escape")
        theme = page.get_by_role("button", name="Switch between light and dark")
        page.evaluate("document.documentElement.dataset.theme = 'light'")
        found["the theme"].append(answer_of(page, theme, "html[data-theme=dark]"))
        page.get_by_label("Name").fill(f"Ada the {number + 1}th")
        found["a form"].append(answer_of(page, page.get_by_role("button", name="Save"), "[data-words]"))
        expect(page.get_by_role("region", name="Messages")).to_contain_text("saved")
        for name in ("Dashboard", "Nodes", "Activity"):
            link = page.get_by_role("navigation", name="Main").get_by_role("link", name=name)
            found["a link of the sidebar"].append(next_page(page, link))
    return found


def answer_of(page: Page, thing: Locator, expected: str) -> float:
    """Until what it does is painted, be it a change of this page or the next one."""
    prepare(page, expected)
    thing.click()
    return told_by(page, f"sessionStorage.answered ? sessionStorage.answered - sessionStorage.clicked : {_NEXT_PAGE}")


def next_page(page: Page, link: Locator) -> float:
    prepare(page)
    link.click()
    return told_by(page, _NEXT_PAGE)


def told_by(page: Page, expression: str) -> float:
    """Once it is more than nothing. Playwright's own way to wait needs eval(), which our pages forbid."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(Error):  # the page is being left
            if found := page.evaluate(expression):
                return float(found)
        page.wait_for_timeout(LOOK_EVERY_MS)
    raise TimeoutError(expression)


def prepare(page: Page, expected: str = "") -> None:
    page.evaluate(
        "(it) => { delete sessionStorage.clicked; delete sessionStorage.answered; window.expected = it; }", expected
    )


def time_names(page: Page, connection: psycopg.Connection[TupleRow]) -> list[float]:
    """From the moment before a commit until the page shows the new name of an app."""
    page.goto("/apps/docs")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    found = []
    for number in range(EVENTS):
        mark, began = f"mark-{number}-end", time.time()
        with connection.transaction():
            connection.execute("UPDATE apps SET name = %s WHERE slug = 'docs'", (mark,))
            connection.execute(_TELL, (["app:docs", "apps"], CHANNEL))
        found.append(shown(page, mark) - began * 1000)
        page.wait_for_timeout(EVENTS_EVERY_MS)  # the page may still be about the last one: its sidebar shows it too
    connection.execute("UPDATE apps SET name = 'Documentation' WHERE slug = 'docs'")
    return found


def time_lines(page: Page, database: str) -> list[float]:
    """Likewise of a line in the log of a deployment that runs."""
    page.goto(PAGES["deployment-running"])
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    stream = int(page.locator("[data-log]").last.get_attribute("data-log") or 0)
    found = []
    with start_blocking_portal() as portal, connected(portal, database) as connection:
        for number in range(EVENTS):
            mark, began = f"mark-{1000 + number}-end", time.time()
            portal.call(append_line, connection, stream, mark)
            found.append(shown(page, mark) - began * 1000)
    return found


@contextmanager
def connected(portal: BlockingPortal, database: str) -> Iterator[psycopg.AsyncConnection[TupleRow]]:
    with portal.wrap_async_context_manager(portal.call(connect, database)) as connection:
        yield connection


async def connect(database: str) -> psycopg.AsyncConnection[TupleRow]:
    return await psycopg.AsyncConnection.connect(database)


async def append_line(connection: psycopg.AsyncConnection[TupleRow], stream: int, mark: str) -> None:
    await append_within(connection, stream, f"GET /health: {mark}\n".encode())
    await connection.commit()


def shown(page: Page, mark: str) -> float:
    return told_by(page, f"window.shownAt['{mark}']")


def paint(page: Page, paths: dict[str, str]) -> dict[str, dict[str, int]]:
    """Of a browser that has nothing of Bakery's yet, and of one that has its styles and scripts."""
    chrome = page.context.new_cdp_session(page)
    chrome.send("Network.enable")
    chrome.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    chrome.send("Network.emulateNetworkConditions", FAST_4G)
    found = {}
    for name, path in paths.items():
        times: dict[str, list[float]] = {"cold": [], "warm": []}
        for kind, _ in itertools.product(times, range(VISITS)):
            chrome.send("Network.setCacheDisabled", {"cacheDisabled": kind == "cold"})
            page.goto("about:blank")
            page.goto(path, wait_until="commit")
            times[kind].append(told_by(page, _PAINTED))
        found[name] = {kind: round(statistics.median(of)) for kind, of in times.items()}
    return found


def watch_a_deployment(browser: Browser, folder: Path) -> tuple[dict[str, float], dict[str, list[float]]]:
    """The shift of the pages that show one, until it is over; then clicks that ask for work."""
    folder.mkdir()
    with a_working_bakery(folder) as bakery, a_page(browser, bakery.url) as ada, ExitStack() as stack:
        bakery.command("admin", "create", ADMIN, "--password-stdin", stdin=PASSWORD.reveal())
        sign_in(ada, ADMIN, PASSWORD)
        terminal = a_terminal(bakery, ADMIN)
        terminal.run("apps", "create", "hello", "--name", "Hello", "--command", "python3 app.py", "--health", "/health")
        terminal.run("deploy", "hello", "--dir", str(EXAMPLE), "--wait")
        ada.goto("about:blank")  # a stream less: a browser has six connections to one host
        tabs = {path: stack.enter_context(watched(ada)) for path in SHOW_IT}
        for path, tab in tabs.items():
            tab.goto(path)
            expect(tab.locator("#live")).to_have_attribute("data-state", "live")
        terminal.run("deploy", "hello", "--dir", str(EXAMPLE))
        with watched(ada) as last:
            last.goto("/apps/hello/deployments/2")
            expect(last.locator("h1 + .badge")).to_have_text("Succeeded", timeout=60_000)
            last.wait_for_timeout(1_000)  # what the others show of its end
            shifts = {path: tab.evaluate(_SHIFT) for path, tab in {**tabs, "/apps/hello/deployments/2": last}.items()}
        stack.close()
        with watched(ada) as page:
            clicks = stop_and_start(page)
    return {path: round(shift, 4) for path, shift in shifts.items()}, clicks


def stop_and_start(page: Page) -> dict[str, list[float]]:
    clicks: dict[str, list[float]] = {"a dialog": [], "its button": [], "a button": []}
    for _ in range(CLICKS):
        page.goto("/apps/hello")
        clicks["a dialog"].append(answer_of(page, page.get_by_role("button", name="Stop…"), "#stop[open]"))
        clicks["its button"].append(answer_of(page, page.get_by_role("button", name="Stop Hello"), "[data-words]"))
        expect(page.locator("h1 + .badge")).to_have_text("Stopped", timeout=60_000)
        clicks["a button"].append(answer_of(page, page.get_by_role("button", name="Start", exact=True), "[data-words]"))
        expect(page.locator("h1 + .badge")).to_have_text("Healthy", timeout=60_000)
    return clicks


def kb(size: float) -> float:
    return round(size / 1024, 1)


def largest(numbers: dict[str, float] | dict[str, int]) -> dict[str, float]:
    return dict(sorted(numbers.items(), key=lambda one: -one[1])[:5])


def told(times: list[float]) -> dict[str, int]:
    return {"p50": round(percentile(times, 0.5)), "p95": round(percentile(times, 0.95)), "worst": round(max(times))}


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--only", nargs="*", default=(), help="names of pages")
    chosen = options.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    main(chosen.only)
