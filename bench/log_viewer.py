"""100,000 lines of a log in Chromium: first rows, longest task while it grows, elements. `python -m bench.log_viewer`

The times are of a browser that starts cold, on the machine that also serves and writes.
"""

import argparse
import asyncio
import statistics
import time
from contextlib import AsyncExitStack

from playwright.async_api import Page, async_playwright

from bakery.app import database
from bakery.store import logs
from bakery.store.store import Store
from bakery.store.vault import Key, Vault
from bench.events import a_stream
from bench.running import Running, running, signed_in, tell, temporary_folder

LINES, RATE, BATCH_S, VISITS = 100_000, 1_000, 0.05, 5
PATH = "/apps/bench/deployments/1/log"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
LIMITS = {"first_rows_ms": 300, "longest_task_ms": 100, "elements": 2_000}
_WATCH = """
window.tasks = [];
new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((task) => task.duration)))
  .observe({type: "longtask", buffered: true});
const seen = new MutationObserver(() => {
  if (!document.querySelector(".log-rows .ln > span:not(:empty)")) return;
  seen.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.shownAfter = performance.now(); }));
});
seen.observe(document, {childList: true, subtree: true});
"""


async def measure(bakery: Running, seconds: float) -> None:
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(database(bakery.settings))
        store = await stack.enter_async_context(Store(dsn, Vault([Key.mint()])))
        http = await stack.enter_async_context(signed_in(bakery))
        stream = await a_stream(store)
        await logs.append(store, stream, _lines(1, LINES))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        stack.push_async_callback(browser.close)
        context = await browser.new_context(base_url=bakery.url, viewport={"width": 1440, "height": 900})
        await context.add_init_script(_WATCH)
        await context.add_cookies(
            [{"name": name, "value": value, "url": bakery.url} for name, value in http.cookies.items()]
        )
        page = await context.new_page()
        first_rows = [await _first_rows(page) for _ in range(VISITS)]
        await page.locator("#live", has_text="Live").wait_for()
        await page.evaluate("window.tasks.length = 0")
        written = await _write(store, stream, seconds)
        await page.locator(f"#L{LINES + written}").wait_for(timeout=10_000)
        tasks = await page.evaluate("window.tasks")
        elements = await page.evaluate("document.querySelectorAll('*').length")
        rows = await page.locator(".log-rows .ln").count()
    seen = {
        "first_rows_ms": round(statistics.median(first_rows)),
        "longest_task_ms": round(max(tasks, default=0)),  # below 50 ms it is not counted as long
        "elements": elements,
    }
    tell(
        what=f"a log of {LINES} lines: its page, then {RATE} lines a second for {seconds:.0f} s while it is followed",
        seen=seen,
        worst_first_rows_ms=round(max(first_rows)),
        long_tasks=len(tasks),
        rows=rows,
        lines_followed=written,
        limits=LIMITS,
        holds=all(seen[name] <= limit for name, limit in LIMITS.items()),
    )


async def _first_rows(page: Page) -> float:
    """From the beginning of the navigation until the last line is painted."""
    await page.goto("about:blank")
    await page.goto(PATH)
    await page.wait_for_function("window.shownAfter")
    await page.locator(f"#L{LINES}").wait_for()
    return float(await page.evaluate("window.shownAfter"))


async def _write(store: Store, stream: int, seconds: float) -> int:
    number = 0
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        due = int((passed + BATCH_S) * RATE)
        await logs.append(store, stream, _lines(LINES + number + 1, LINES + due))
        number = due
        await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
    return number


def _lines(first: int, last: int) -> bytes:
    return b"".join(
        b"\x1b[32mok\x1b[0m %d \x1b[2mtest/\x1b[0mcart.test.js adds the same item twice \x1b[33m%d ms\x1b[0m\n"
        % (number, number % 97)
        for number in range(first, last + 1)
    )


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=30)
    chosen = options.parse_args()
    with temporary_folder() as bench_folder, running(bench_folder) as served:
        asyncio.run(measure(served, chosen.seconds))
