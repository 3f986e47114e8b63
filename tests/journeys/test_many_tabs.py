"""More tabs than a browser keeps connections to one host over HTTP/1.1, which are six."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.test_deploy import deploy_counting, has_each_line_once, stay, stayed
from tests.support.chromium import a_page, sign_in
from tests.support.morning import ADMIN
from tests.support.people import PASSWORD
from tests.support.serving import Serving
from tests.support.terminal import a_terminal
from tests.support.waiting import wait_until

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


def test_a_deployment_that_goes_on_behind_another_tab_is_whole_when_it_is_seen_again(
    context: BrowserContext, bakery: Serving, tmp_path: Path
) -> None:
    """A hundred lines while it is seen, as many behind a tab that took its stream, and the last when it is back."""
    with tempfile.TemporaryDirectory() as name:
        anybodys = Path(name)  # a build has an account of its own
        anybodys.chmod(0o777)
        doors = [anybodys / "hidden", anybodys / "seen"]
        deploy_counting(a_terminal(bakery, ADMIN), "behind", tmp_path / "behind", doors)
        tab = a_tab(context)
        tab.goto("/apps/behind/deployments/1")
        log = tab.get_by_role("region", name="Log of Build")
        expect(log).to_contain_text("line 100")
        stay(tab)

        hide(tab)
        is_live_at(a_tab(context), "/activity")
        assert tab.evaluate(_OPEN) == 0
        doors[0].touch()
        wait_until(lambda: Path(f"{doors[0]}.passed").exists(), what="the build goes on")
        show(tab)
        expect(log).to_contain_text("line 200")
        doors[1].touch()
        expect(tab.locator("h1 + .badge")).to_have_text("Succeeded", timeout=30_000)

    tab.locator("#step-build summary").click()
    expect(log).to_contain_text("line 300")
    has_each_line_once(log)
    stayed(tab)


def test_a_deployment_that_ended_behind_another_tab_says_so_when_it_is_seen_again(
    context: BrowserContext, bakery: Serving, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory() as name:
        anybodys = Path(name)
        anybodys.chmod(0o777)
        door = anybodys / "hidden"
        deploy_counting(a_terminal(bakery, ADMIN), "unseen", tmp_path / "unseen", [door, door])
        tab = a_tab(context)
        tab.goto("/apps/unseen/deployments/1")
        log = tab.get_by_role("region", name="Log of Build")
        expect(log).to_contain_text("line 100")
        stay(tab)

        hide(tab)
        other = a_tab(context)
        is_live_at(other, "/apps/unseen/deployments/1")
        door.touch()
        expect(other.locator("h1 + .badge")).to_have_text("Succeeded", timeout=30_000)
        expect(tab.locator("h1 + .badge")).to_have_text("Running")
        hide(other)
        show(tab)
        expect(tab.locator("h1 + .badge")).to_have_text("Succeeded")

    tab.locator("#step-build summary").click()
    expect(log).to_contain_text("line 300")
    has_each_line_once(log)
    stayed(tab)


def is_live_at(tab: Page, path: str) -> None:
    tab.goto(path)
    is_live(tab)
