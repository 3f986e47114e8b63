"""More tabs than a browser keeps connections to one host over HTTP/1.1, which are six."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.chromium import a_page, sign_in
from tests.support.morning import ADMIN
from tests.support.people import PASSWORD
from tests.support.serving import Serving

pytestmark = pytest.mark.browser
TABS = ("/", "/apps", "/nodes", "/tasks", "/activity", "/team", "/team/invites", "/account/tokens")
# Headless, every tab counts as seen; and nothing else tells whether a stream is open.
_TOLD = """
const hidden = {hidden};
Object.defineProperty(document, "hidden", {get: () => window.isHidden ?? hidden});
window.streams = [];
window.EventSource = class extends EventSource {
  constructor(url) { super(url); window.streams.push(this); }
};
"""
_CHANGE = "window.isHidden = {hidden}; document.dispatchEvent(new Event('visibilitychange'));"
_OPEN = "window.streams.filter((it) => it.readyState !== EventSource.CLOSED).length"


@pytest.fixture
def context(browser: Browser, bakery: Serving) -> Iterator[BrowserContext]:
    with a_page(browser, bakery.url) as first:
        sign_in(first, ADMIN, PASSWORD)
        yield first.context


def a_tab(context: BrowserContext, *, hidden: bool = False) -> Page:
    tab = context.new_page()
    tab.add_init_script(_TOLD.replace("{hidden}", str(hidden).lower()))
    return tab


def hide(tab: Page) -> None:
    tab.evaluate(_CHANGE.replace("{hidden}", "true"))


def show(tab: Page) -> None:
    tab.evaluate(_CHANGE.replace("{hidden}", "false"))


def is_live(tab: Page) -> None:
    expect(tab.locator("#live")).to_have_attribute("data-state", "live")


def test_the_eighth_tab_loads_and_changes_by_itself_and_so_does_the_first(
    context: BrowserContext, bakery: Serving
) -> None:
    tabs: list[Page] = []
    for path in TABS:
        for tab in tabs[-1:]:
            hide(tab)
        tabs.append(a_tab(context))
        tabs[-1].goto(path)
        is_live(tabs[-1])
    first, eighth = tabs[0], tabs[-1]
    assert [tab.evaluate(_OPEN) for tab in tabs] == [0] * 7 + [1]

    eighth.goto("/team")
    is_live(eighth)
    bakery.command("admin", "create", "eighth.tab@example.com")
    expect(eighth.get_by_role("main").get_by_text("eighth.tab@example.com")).to_be_visible()

    hide(eighth)
    show(first)
    expect(first.get_by_role("main").get_by_text("eighth.tab@example.com").first).to_be_visible()
    assert eighth.evaluate(_OPEN) == 0


def test_a_tab_that_was_hidden_for_thirty_seconds_gives_its_stream_back(
    context: BrowserContext, bakery: Serving
) -> None:
    tab = a_tab(context)
    tab.clock.install()
    tab.goto("/team")
    is_live(tab)

    hide(tab)
    tab.clock.run_for(29_000)
    assert tab.evaluate(_OPEN) == 1
    tab.clock.run_for(1_000)
    assert tab.evaluate(_OPEN) == 0

    bakery.command("admin", "create", "meanwhile@example.com")
    show(tab)
    tab.clock.resume()
    expect(tab.get_by_role("main").get_by_text("meanwhile@example.com")).to_be_visible()


def test_a_tab_that_opens_behind_another_has_no_stream_until_it_is_seen(
    context: BrowserContext, bakery: Serving
) -> None:
    tab = a_tab(context, hidden=True)
    tab.goto("/team")
    bakery.command("admin", "create", "behind@example.com")
    assert tab.evaluate("window.streams.length") == 0

    show(tab)
    is_live(tab)
    expect(tab.get_by_role("main").get_by_text("behind@example.com")).to_be_visible()
