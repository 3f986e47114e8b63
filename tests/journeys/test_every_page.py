"""What is true of every page, on a morning with apps in every state."""

import re
from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from bakery.web import pages
from bakery.web.manual import PARTS
from tests.journeys.accessibility import violations
from tests.support.chromium import a_page
from tests.support.morning import PAGES, Morning

pytestmark = pytest.mark.browser
LARGEST_PAGE = 60 * 1024
_DEPLOYMENT, _JOB = "/apps/{slug:str}/deployments/{number:int}", "/nodes/{node:str}/jobs/{number:int}"
_OF_A_LOG = (".txt", "/lines", "/times", "/search")
PARTS_OF_LOGS = {f"{owner}/log{part}" for owner in (_DEPLOYMENT, _JOB) for part in _OF_A_LOG}
PARTS_OF_PAGES = {
    "/sidebar",
    "/apps/{slug:str}/slots",
    "/apps/{slug:str}/logs.txt",
    *(f"/apps/{{slug:str}}/logs/{{number:int}}{part}" for part in ("/lines", "/times", "/search")),
    "/apps/{slug:str}/processes",
    "/fleet",
    "/palette",
    "/account",
    "/account/github/link",  # they lead to GitHub, and back
    "/account/github/back",
    "/settings/github/app/back",
    "/settings/github/app/installed",
    "/activity.csv",
    "/bootstrap/{token:str}/install-node.sh",
    *PARTS_OF_LOGS,
}
_SHIFT = """
() => new Promise((resolve) => {
  let shift = 0;
  const seen = new PerformanceObserver((list) => list.getEntries().forEach((entry) => { shift += entry.value; }));
  seen.observe({type: "layout-shift", buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(shift)));
})
"""


_TIME_TO_CHANGE = """
const button = document.querySelector("main form button[type=submit]");
let clicked;
button.addEventListener("click", () => { clicked = performance.now(); }, {capture: true});
new MutationObserver(() => {
  sessionStorage.said ??= button.textContent;
  sessionStorage.after ??= performance.now() - clicked;
}).observe(button, {childList: true, characterData: true, subtree: true});
"""


@pytest.fixture(scope="module")
def guest(browser: Browser, morning: Morning) -> Iterator[Page]:
    """Nobody is signed in."""
    with a_page(browser, morning.serving.url) as opened:
        yield opened


def test_no_page_is_forgotten_here(morning: Morning) -> None:
    shown = [path.partition("?")[0] for path in (*PAGES.values(), *morning.gates.values())]
    templates = {path for route in pages.ROUTES if "GET" in route.http_methods for path in route.paths}

    forgotten = {path for path in templates if not any(re.fullmatch(_pattern(path), seen) for seen in shown)}

    assert forgotten == PARTS_OF_PAGES | {"/setup"}  # which test_first_day looks at


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_within_budget_and_at_home_on_every_screen(
    morning_page: Page, morning: Morning, name: str
) -> None:
    _check(morning_page, PAGES[name], morning.serving.url)


@pytest.mark.parametrize("name", ["login", "forgot", "invite", "reset"])
def test_a_page_before_signing_in_is_too(guest: Page, morning: Morning, name: str) -> None:
    _check(guest, morning.gates[name], morning.serving.url)


def _check(page: Page, path: str, home: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 1440, "height": 900})
    answer = page.goto(path)
    assert answer is not None
    assert len(answer.body()) <= LARGEST_PAGE
    assert page.evaluate(_SHIFT) <= 0.02
    assert [url for url in asked if not url.startswith((home, "data:"))] == []
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == [], f"{width} px"
    for width in (1024, 768, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_with_thirty_apps_in_its_sidebar_is_within_budget(morning_page: Page, morning: Morning) -> None:
    with psycopg.connect(morning.serving.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            """
            WITH made AS (INSERT INTO apps (slug, name) SELECT 'app-' || n, 'One of many ' || n
                          FROM generate_series(1, 40) n RETURNING id)
            INSERT INTO environments (app_id, name, node_id, runtime, command)
            SELECT made.id, 'production', nodes.id, 'process', '{python3}' FROM made, nodes WHERE slug = 'local'
            """
        )
        try:
            answer = morning_page.goto("/apps")
            expect(morning_page.locator("#side-apps li[id]")).to_have_count(30)
        finally:
            connection.execute("DELETE FROM apps WHERE slug LIKE 'app-%'")

    assert answer is not None
    assert len(answer.body()) <= LARGEST_PAGE


@pytest.mark.parametrize("key", [key for part in PARTS for key in part.keys])
def test_a_chapter_of_the_manual_is_within_budget(morning_page: Page, key: str) -> None:
    answer = morning_page.request.get(f"/help/{key}")

    assert answer.ok
    assert len(answer.body()) <= LARGEST_PAGE


def test_a_click_is_answered_at_once(morning_page: Page) -> None:
    morning_page.goto("/account/profile")
    morning_page.get_by_label("Name").fill("Ada of the oven")
    morning_page.evaluate(_TIME_TO_CHANGE)

    morning_page.get_by_role("button", name="Save").click()
    expect(morning_page.get_by_role("region", name="Messages")).to_contain_text("saved")

    said, after = morning_page.evaluate("[sessionStorage.said, Number(sessionStorage.after)]")
    assert said == "Saving…"
    assert after <= 200


def test_forced_colours_leave_every_status_its_shape_and_word(morning_page: Page) -> None:
    morning_page.emulate_media(forced_colors="active")
    morning_page.goto("/apps")

    for word in ("Healthy", "Down", "Stopped", "Deploying"):
        status = morning_page.get_by_role("main").locator(".status").filter(has_text=word).first
        expect(status).to_be_visible()
        expect(status.locator("svg")).to_be_visible()
    morning_page.emulate_media(forced_colors="null")


def test_nothing_moves_where_people_asked_for_stillness(morning_page: Page) -> None:
    morning_page.emulate_media(reduced_motion="reduce")
    morning_page.goto(PAGES["deployment-running"])
    expect(morning_page.get_by_text("Running").first).to_be_visible()

    assert morning_page.evaluate("document.getAnimations().filter((it) => it.playState === 'running').length") == 0
    morning_page.emulate_media(reduced_motion="null")


def _pattern(path: str) -> str:
    return re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))
