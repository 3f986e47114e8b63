"""What the scripts do in a real browser, under the real content security policy."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.waiting import wait_until
from tests.web import samples
from tests.web.stage import Stage

pytestmark = pytest.mark.browser
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage().open() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own. What a script throws, and what the policy refuses, fails the test."""
    opened = browser.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    opened.context.close()
    assert complaints == []


def test_the_stream_asks_for_the_topics_of_the_page_from_where_it_was_rendered(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/apps/shop", "app"))

    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    assert stage.asked == [{"topics": ["app:shop,apps,metrics"], "after": ["e=120"]}]


def test_a_change_refreshes_the_element_that_follows_it(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/apps/shop", "app"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    stage.show("/apps/shop", "app-stopped")

    stage.send("changed", "e=121", topic="app:shop")

    expect(page.locator("h1 + .badge")).to_have_text("Stopped")


def test_what_changes_without_an_event_is_fetched_again_while_the_server_is_heard(stage: Stage, page: Page) -> None:
    page.clock.install()
    page.goto(stage.show("/nodes", "nodes"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    stage.pages["/nodes"] = stage.pages["/nodes"].replace("Online", "Offline")

    page.clock.fast_forward(15_000)
    expect(page.locator("#node-oven-1 .badge")).to_have_text("Online")
    stage.send("beat", "e=120")

    expect(page.locator("#node-oven-1 .badge")).to_have_text("Offline")


def test_a_change_waits_while_somebody_has_the_fields_in_hand(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/apps/shop", "app"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.evaluate("document.querySelector('#app').insertAdjacentHTML('beforeend', '<input id=mine>')")
    page.locator("#mine").fill("unsaved")
    stage.show("/apps/shop", "app-stopped")

    stage.send("changed", "e=121", topic="app:shop")
    stage.send("changed", "e=122", topic="apps")
    page.wait_for_timeout(600)

    expect(page.locator("#mine")).to_have_value("unsaved")
    expect(page.locator("h1 + .badge")).to_have_text("Healthy")
    page.locator("#mine").blur()
    expect(page.locator("h1 + .badge")).to_have_text("Stopped")


def test_the_figures_of_machines_follow_them_by_themselves(stage: Stage, page: Page) -> None:
    """What changes every few seconds is a small part, and the rest of the dashboard is not asked for."""
    page.goto(stage.show("/", "dashboard"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    stage.pages["/fleet"] = stage.pages["/"].replace("34 %", "99 %")
    del stage.pages["/"]

    stage.send("changed", "e=121", topic="metrics")

    expect(page.locator("#machine-oven-1")).to_contain_text("99 %")
    assert stage.asked[-1]["topics"] == ["activity,apps,metrics,nodes"]


def test_all_charts_say_what_is_pointed_at(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/nodes/oven-1", "node-day"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    said = page.locator("[data-said]")
    expect(said).to_have_text(["", "", "", ""])

    page.locator("[data-plot]").first.hover(position={"x": 2, "y": 40})
    expect(said.last).to_have_text(re.compile(r"11-20 14:(07|12): 1\.\d"))

    page.locator("[data-plot]").last.focus()
    page.keyboard.press("End")
    expect(said.first).to_have_text(re.compile(r"11-21 14:02: \d+ %"))
    for _ in range(100):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-here]").first).to_be_visible()
    page.keyboard.press("Home")
    stage.send("changed", "e=121", topic="metrics")
    expect(said.first).to_have_text(re.compile(r"11-20 14:07: \d+ %"))
    expect(page.locator("[data-plot]").last).to_be_focused()


@pytest.mark.parametrize(("path", "sample"), [("/nodes/oven-1", "node-day"), ("/apps/shop", "app")])
def test_charts_stay_while_clocks_run(stage: Stage, page: Page, path: str, sample: str) -> None:
    page.clock.install()
    page.goto(stage.show(path, sample))
    drawn = page.locator("[data-plot]").count()
    assert drawn > 0
    page.clock.run_for(2_000)
    expect(page.locator("[data-plot]")).to_have_count(drawn)


def test_a_lost_stream_says_so_and_goes_on_where_it_was(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/apps/shop", "app"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    stage.send("changed", "e=130", topic="nothing")

    stage.cut()

    expect(page.locator("#live")).to_contain_text("Reconnecting…")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    assert [query["after"] for query in stage.asked] == [["e=120"], ["e=130"]]


def test_a_stream_that_was_lost_while_nobody_looked_is_back_when_somebody_does(stage: Stage, page: Page) -> None:
    page.clock.install()
    page.goto(stage.show("/apps/shop", "app"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")

    show(page, hidden=True)
    stage.cut()
    expect(page.locator("#live")).to_contain_text("Reconnecting…")
    page.clock.fast_forward(60_000)
    show(page, hidden=False)

    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    stage.show("/apps/shop", "app-stopped")
    stage.send("changed", "e=131", topic="app:shop")
    expect(page.locator("h1 + .badge")).to_have_text("Stopped")


def show(page: Page, *, hidden: bool) -> None:
    """As when its tab is left, and come back to."""
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_a_log_goes_on_without_gap_or_repetition(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/apps/shop/deployments/44", "deployment"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    assert stage.asked[-1]["after"] == ["e=120&17=4096"]

    for event_id, start, end, text in (
        ("1", 4096, 4100, "one "),
        ("2", 4100, 4104, "two\n"),
        ("1", 4096, 4100, "one "),
    ):
        stage.send("log", f"e={event_id}", topic="log:17", line=28, text=text, **{"from": start, "to": end})
    stage.send("log", "e=3", topic="log:17", line=29, text="<b>three</b>\n", **{"from": 4104, "to": 4117})

    expect(page.locator("#test-L29 span")).to_have_text("one two")
    expect(page.locator("#test-L30 span")).to_have_text("<b>three</b>")
    assert page.locator("#test").evaluate("pane => pane.scrollHeight - pane.scrollTop - pane.clientHeight") < 2


def test_a_step_that_a_person_folded_stays_folded(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/apps/shop/deployments/44", "deployment"))
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.locator("#step-test > summary").click()
    stage.show("/apps/shop/deployments/44", "deployment-failed")

    stage.send("changed", "e=121", topic="deployment:100")

    expect(page.locator("h1 + .badge")).to_have_text("Failed in Test")
    expect(page.locator("#step-test")).not_to_have_attribute("open", "")


def test_the_palette_finds_and_goes(stage: Stage, page: Page) -> None:
    results = samples.environment().get_template("_palette_results.html")
    stage.pages["/palette"] = results.render(groups=samples.palette(), query="")
    stage.show("/activity", "activity")
    page.goto(stage.show("/", "dashboard"))

    page.keyboard.press("Control+k")
    expect(page.locator("#palette-0")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("combobox")).to_have_attribute("aria-activedescendant", "palette-1")
    page.keyboard.press("Enter")

    page.wait_for_url("**/activity")


def test_keys_go_places_but_not_while_typing(stage: Stage, page: Page) -> None:
    stage.show("/nodes", "nodes")
    page.goto(stage.show("/", "dashboard"))

    page.get_by_label("Filter apps").press_sequentially("gn?")
    expect(page.get_by_label("Filter apps")).to_have_value("gn?")
    page.get_by_label("Filter apps").blur()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("n")

    page.wait_for_url("**/nodes")


def test_the_theme_is_kept_on_this_device(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/", "dashboard"))
    page.locator("[data-theme-next]").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_loss_waits_for_the_name(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/team/members/2", "member"))
    opener = page.get_by_role("button", name="Remove…")
    opener.click()
    go = page.get_by_role("button", name="Remove dev@example.com")

    expect(go).to_be_disabled()
    page.get_by_label("Type dev@example.com to continue").fill("dev@example.com")
    expect(go).to_be_enabled()
    assert page.url.endswith("#remove")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_a_save_bar_wakes_up_with_the_first_change(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/settings/general", "settings"))
    save = page.get_by_role("button", name="Save settings")

    expect(save).to_be_disabled()
    page.get_by_label("Apps domain").fill("apps.example.com")
    expect(save).to_be_enabled()
    page.get_by_role("button", name="Discard").click()
    expect(save).to_be_disabled()


def test_what_was_typed_beside_what_is_stored_now_can_be_saved_at_once(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/settings/general", "settings-clash"))
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    expect(page.get_by_role("button", name="Take theirs")).to_be_enabled()

    page.get_by_label("Apps domain").press("Enter")

    wait_until(lambda: bool(stage.posted), what="the form to be posted")
    assert stage.posted == [{"csrf_token": ["a-token"], "version": ["0"], "apps_domain": ["mine.example.com"]}]


def test_a_button_that_was_pressed_says_so_and_posts_once(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/account/sessions", "sessions"))

    page.get_by_role("button", name="Sign out everywhere else").click()

    expect(page.get_by_role("button", name="Signing out…")).to_be_disabled()
    wait_until(lambda: bool(stage.posted), what="the form to be posted")
    assert stage.posted == [{"csrf_token": ["a-token"]}]


def test_copying_works_without_the_clipboard_api(stage: Stage, page: Page) -> None:
    page.add_init_script("delete Navigator.prototype.clipboard")
    page.goto(stage.show("/account/tokens", "tokens"))

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()


def test_the_current_tab_is_in_view_on_a_phone(stage: Stage, page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(stage.show("/nodes/oven-1/disk", "node-disk"))
    expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("cell", name="No release that is kept needs it.")).to_be_visible()


def test_a_draft_is_not_kept_again_once_its_form_is_sent(stage: Stage, page: Page) -> None:
    page.goto(stage.show("/apps/new", "app-new"))
    page.get_by_label("Address of the repository").fill("https://example.com/shop.git")
    page.get_by_role("button", name="Continue").click()
    wait_until(lambda: len(stage.posted) == 1, what="the form is sent")
    assert stage.posted[0]["do"] == ["next"]


def test_the_menu_opens_as_a_drawer_on_a_phone(stage: Stage, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(stage.show("/", "dashboard"))
    opener = page.get_by_label("Open menu")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()

    opener.click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(opener).to_be_focused()


@pytest.mark.parametrize("sample", samples.shell_pages())
def test_no_page_scrolls_sideways(stage: Stage, page: Page, sample: str) -> None:
    page.goto(stage.show("/", sample), wait_until="domcontentloaded")

    for width in (1440, 768, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
