"""A log of 100,000 lines in a real browser: only what is in view is in the page, and nothing is lost while it grows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from playwright.sync_api import Browser, Locator, Page, expect

from bakery.delivery.history import DeploymentSummary
from bakery.store import logs
from bakery.store.store import Store
from tests.api.site import a_site
from tests.journeys.accessibility import violations
from tests.support.chromium import a_page, sign_in
from tests.support.people import PASSWORD, an_admin
from tests.support.postgres import new_database, url_of
from tests.support.serving import Serving, serving
from tests.support.store import a_store
from tests.web.goods import a_failed_deployment, a_running_deployment, an_app

pytestmark = pytest.mark.browser
ADMIN = "ada@example.com"
LINES = 100_000
HUGE = 900_000  # more than an element of 20 px a line can be high
COLOURED = (
    b"\x1b[1;31mred\x1b[0m \x1b[38;5;208morange\x1b[39m \x1b[48;2;10;200;30mgreen\x1b[49m plain\n"
    b"see <https://example.com/a?b=1&c=2>, or (http://example.com/d).\n"
    b" 10 %\r 50 %\r\x1b[32m100 %\x1b[0m\r\n"
    b"\x1b[4mgoes on\nand\x1b[24m ends \"here\" & 'there'\x1b]0;title\x07\x1b[2K\n"
    b"\n"
    b"\x1b[7;93minverse\x1b[m \x1b[38;5;244mgrey\x1b[0m \x1b[90mdim\n\x1b[0m"
)
LEVELS = (
    b"2026-11-21 14:02:51 ERROR could not open <orders> & more\n"
    b"npm \x1b[33mwarn\x1b[0m deprecated left-pad\n"
    b"\x1b[31merror\x1b[0m: one test failed\n"
    b"no errors, and nothing to warn of\n"
)
MIXED = b"".join(
    b"WARN slow: %d ms\n" % number
    if number % 1000 == 0
    else b"ERROR request %d failed\n" % number
    if number % 1000 == 500
    else b"request %d\n" % number
    for number in range(3, 20_001)
)


@dataclass(frozen=True)
class Written:
    """A log that a test may write on, the address of its page, and the topic of its deployment."""

    store: Store
    portal: BlockingPortal
    stream: int
    path: str
    topic: str

    def append(self, data: bytes) -> None:
        self.portal.call(logs.append, self.store, self.stream, data)

    def end(self) -> None:
        self.portal.call(_end, self.store, self.stream, self.topic)


@dataclass(frozen=True)
class Logs:
    serving: Serving
    long: Written
    short: Written
    odd: Written
    ending: Written
    huge: Written
    mixed: Written


@pytest.fixture(scope="module")
def site_of_logs(
    database_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Logs]:
    folder = tmp_path_factory.mktemp("logs")
    with (
        new_database(database_server, template=migrated_template) as database,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(a_store(database)) as store,
        serving(folder, "--role", "web", DATABASE_URL=url_of(database)) as served,
    ):
        made = [
            Written(store, portal, deployment.log_stream, f"/apps/{deployment.app}/deployments/1/log", topic)
            for deployment in portal.call(_fill, store, folder)
            for topic in (f"deployment:{deployment.id}",)
        ]
        yield Logs(served, *made)


async def _fill(store: Store, folder: Path) -> list[DeploymentSummary]:
    site = await a_site(store, folder)
    await an_admin(store, ADMIN)
    for slug in ("long", "short", "odd", "ending", "huge", "mixed"):
        await an_app(site, slug)
    odd = await a_failed_deployment(site, "odd", log=COLOURED + b"x" * 300_000)
    await _end(store, odd.log_stream, f"deployment:{odd.id}")
    return [
        await a_running_deployment(site, "long", log=_lines(3, LINES)),
        await a_running_deployment(site, "short", log=_lines(3, 40)),
        odd,
        await a_running_deployment(site, "ending"),
        await a_running_deployment(site, "huge", log=b"".join(b"%d\n" % line for line in range(3, HUGE + 1))),
        await a_running_deployment(site, "mixed", log=MIXED),
    ]


async def _end(store: Store, stream: int, topic: str) -> None:
    async with store.transaction() as tx:
        await logs.close_stream(tx.connection, stream)
        tx.publish(topic)


def _lines(first: int, last: int) -> bytes:
    """Two lines are there before."""
    return b"".join(b"line %d of the log, with some words in it\n" % number for number in range(first, last + 1))


@pytest.fixture(scope="module")
def reader(browser: Browser, site_of_logs: Logs) -> Iterator[Page]:
    with a_page(browser, site_of_logs.serving.url) as opened:
        sign_in(opened, ADMIN, PASSWORD)
        yield opened


@contextmanager
def looking_at(page: Page, written: Written, hash_: str = "") -> Iterator[Locator]:
    """The pane, once the page listens. It is left for a page without a log."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{written.path}{hash_}")
    expect(page.locator("#live")).to_have_text("Live")
    yield page.locator("[data-pane]")
    page.goto("/account/profile")


def numbers(page: Page) -> list[int]:
    return list(
        page.locator(".log-rows .ln > a").evaluate_all("links => links.map((link) => Number(link.textContent))")
    )


def texts(page: Page) -> list[str]:
    """Of the rows in view, once all of them are there."""
    expect(page.locator(".log-rows .ln > span:empty")).to_have_count(0)
    return list(page.locator(".log-rows .ln > span").all_inner_texts())


def gap_to_end(pane: Locator) -> float:
    return float(pane.evaluate("pane => pane.scrollHeight - pane.scrollTop - pane.clientHeight"))


def test_the_end_of_a_long_log_is_seen_at_once_and_little_of_it_is_in_the_page(
    reader: Page, site_of_logs: Logs
) -> None:
    with looking_at(reader, site_of_logs.long) as pane:
        expect(reader.locator(f"#L{LINES}")).to_be_visible()

        assert gap_to_end(pane) < 2
        assert len(numbers(reader)) <= 200
        assert reader.evaluate("document.querySelectorAll('*').length") <= 2000
        assert reader.evaluate("scrollY") == 0


def test_the_middle_shows_its_own_lines(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.long) as pane:
        for line in (50_000, 1, 77_777, 30_123):
            pane.evaluate("(pane, line) => { pane.scrollTop = (line - 1) * 20; }", line)
            expect(reader.locator(f"#L{line} > span")).to_have_text(_words(line))
            shown = numbers(reader)
            assert shown == list(range(shown[0], shown[0] + len(shown)))
            assert texts(reader) == [_words(number) for number in shown]
            assert len(shown) <= 200


def test_a_log_higher_than_an_element_can_be_is_reached_everywhere(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.huge) as pane:
        expect(reader.locator(f"#L{HUGE}")).to_be_in_viewport()
        pane.evaluate("pane => { pane.scrollTop = (pane.scrollHeight - pane.clientHeight) / 2; }")
        expect(reader.locator("#L450000 > span")).to_have_text("450000")
        shown = numbers(reader)
        assert shown == list(range(shown[0], shown[0] + len(shown)))
        expect(reader.locator("#L450000")).to_be_in_viewport()
        pane.evaluate("pane => { pane.scrollTop = 0; }")
        expect(reader.locator("#L1")).to_be_in_viewport()
    with looking_at(reader, site_of_logs.huge, "#L700001"):
        expect(reader.locator("#L700001 > span")).to_have_text("700001")
        expect(reader.locator("#L700001")).to_be_in_viewport()


def test_a_link_to_lines_opens_there_and_does_not_follow(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.long, "#L60200-L60203") as pane:
        expect(reader.locator("#L60200 > span")).to_have_text(_words(60_200))
        in_pane = reader.locator("#L60200").evaluate(
            "row => row.offsetTop + row.offsetParent.offsetTop"
        ) - pane.evaluate("pane => pane.scrollTop")
        assert abs(in_pane - pane.evaluate("pane => pane.clientHeight / 2")) < 40
        assert numbers_of(reader.locator(".ln.sel > a")) == [60_200, 60_201, 60_202, 60_203]
        assert reader.evaluate("scrollY") == 0

        site_of_logs.long.append(b"")
        expect(reader.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")


def test_lines_are_chosen_and_their_link_and_text_copied(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.short):
        reader.locator("#L10 > a").click()
        reader.locator("#L12 > a").click(modifiers=["Shift"])

        assert reader.url.endswith(f"{site_of_logs.short.path}#L10-L12")
        group = reader.get_by_role("group", name="Chosen lines")
        expect(group).to_contain_text("Lines 10–12")
        link, text = group.get_by_role("button", name="Copy link"), group.get_by_role("button", name="Copy text")
        expect(link).to_have_attribute("data-copy", reader.url)
        expect(text).to_have_attribute("data-copy", "\n".join(_words(number) for number in (10, 11, 12)))
        link.click()
        expect(group.get_by_role("button", name="Copied")).to_be_visible()


def test_the_pane_is_used_by_keyboard(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.long) as pane:
        pane.focus()
        reader.keyboard.press("Home")
        expect(reader.locator("#L1")).to_be_in_viewport()
        reader.keyboard.press("ArrowDown")
        reader.keyboard.press("ArrowDown")
        reader.keyboard.press("Shift+ArrowDown")
        assert reader.url.endswith("#L2-L3")
        reader.keyboard.press("/")
        expect(reader.get_by_role("searchbox", name="Search the log")).to_be_focused()
        reader.keyboard.press("Escape")
        expect(pane).to_be_focused()
        reader.keyboard.press("End")
        expect(reader.locator(f"#L{LINES}")).to_be_in_viewport()
        assert reader.locator(".ln a:not([tabindex='-1'])").count() == 0


def test_a_search_goes_from_match_to_match(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.long, "#L1") as pane:
        search = reader.get_by_role("searchbox", name="Search the log")
        hits = reader.locator("[data-hits]")
        search.fill("LINE 9999")
        expect(hits).to_have_text("1 of 11")
        expect(reader.locator("#L9999 mark")).to_have_text("line 9999")
        search.press("Enter")
        expect(hits).to_have_text("2 of 11")
        expect(reader.locator(".ln.now > a")).to_have_text("99990")
        search.press("Shift+Enter")
        search.press("Shift+Enter")
        expect(hits).to_have_text("11 of 11")

        reader.get_by_role("button", name="Match case").click()
        expect(hits).to_have_text("No match")
        reader.get_by_role("button", name="Regular expression").click()
        search.fill(r"^line \d{3}7 ")
        expect(hits).to_have_text("1 of 900")
        expect(reader.locator("#L1007")).to_be_in_viewport()
        search.fill("[a")
        expect(reader.get_by_role("alert").filter(has_text="This is not a regular expression")).to_be_visible()
        search.press("Escape")
        expect(reader.locator("mark")).to_have_count(0)
        expect(pane).to_be_focused()
        reader.get_by_role("button", name="Regular expression").click()


def test_new_lines_are_followed_until_somebody_reads(reader: Page, site_of_logs: Logs) -> None:
    written = site_of_logs.short
    with looking_at(reader, written) as pane:
        follow = reader.get_by_role("button", name="Follow")
        expect(follow).to_have_attribute("aria-pressed", "true")
        for number in range(41, 200):
            written.append(_lines(number, number))
        expect(reader.locator("#L199 > span")).to_have_text(_words(199))
        assert gap_to_end(pane) < 2

        pane.hover()
        reader.mouse.wheel(0, -300)
        expect(follow).to_have_attribute("aria-pressed", "false")
        place = pane.evaluate("pane => pane.scrollTop")
        written.append(_lines(200, 413))
        news = reader.get_by_role("button", name="214 new lines")
        expect(news).to_be_visible()
        assert pane.evaluate("pane => pane.scrollTop") <= place
        news.click()
        expect(reader.locator("#L413")).to_be_in_viewport()
        expect(news).to_be_hidden()
        expect(follow).to_have_attribute("aria-pressed", "true")


def test_what_arrives_in_any_pieces_has_no_gap_and_nothing_twice(reader: Page, site_of_logs: Logs) -> None:
    written = site_of_logs.long
    with looking_at(reader, written) as pane:
        data = _lines(LINES + 1, LINES + 3_000)
        for start in range(0, len(data), 3_001):  # ends within lines
            written.append(data[start : start + 3_001])
        expect(reader.locator(f"#L{LINES + 3_000} > span")).to_have_text(_words(LINES + 3_000))
        for line in (LINES + 1, LINES + 1_500, LINES + 3_000):
            pane.evaluate("(pane, line) => { pane.scrollTop = (line - 1) * 20; }", line)
            expect(reader.locator(f"#L{line} > span")).to_have_text(_words(line))
            shown = numbers(reader)
            assert shown == list(range(shown[0], shown[0] + len(shown)))
            assert texts(reader) == [_words(number) for number in shown]


def test_live_rows_are_the_rows_of_the_server(reader: Page, site_of_logs: Logs) -> None:
    written = site_of_logs.short
    with looking_at(reader, written):
        written.append(b"begins here\n" + LEVELS + COLOURED)
        expect(reader.locator(".log-rows .ln > span").filter(has_text="grey")).to_be_visible()
        made = reader.locator(".log-rows .ln").evaluate_all(
            "rows => rows.slice(-12).map((row) => { row.classList.remove('hit', 'now', 'sel'); return row.outerHTML; })"
        )
        first = numbers(reader)[-12]
        answer = reader.request.get(f"{written.path}/lines?from={first}").text().replace("&#34;", '"')
        assert "\n".join(made).replace("&quot;", '"') == answer.replace("&#39;", "'")


def test_only_matches_are_shown_with_three_lines_around_each(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.long, "#L50000") as pane:  # it is searched from there
        pane.focus()
        reader.keyboard.press("Escape")
        reader.get_by_role("searchbox", name="Search the log").fill("line 9999")
        expect(reader.locator("[data-hits]")).to_have_text("2 of 11")
        only = reader.get_by_role("button", name="Only matches")
        only.click()
        expect(reader.locator(".after-gap")).to_have_count(1)
        around = [*range(9_996, 10_003), *range(99_987, 100_003)]
        assert numbers(reader) == [line for line in around if line <= numbers(reader)[-1]]
        assert texts(reader)[:7] == [_words(line) for line in range(9_996, 10_003)]
        expect(reader.locator(".after-gap > a")).to_have_text("99987")
        assert reader.url.endswith("?q=line+9999&only")

        reader.reload()
        expect(reader.locator(".after-gap > a")).to_have_text("99987")
        pane.focus()
        reader.keyboard.press("Home")
        reader.keyboard.press("ArrowDown")
        reader.keyboard.press("Shift+ArrowDown")
        assert reader.url.endswith("#L9996-L9997")
        only.click()
        expect(reader.locator("#L10010")).to_be_visible()
        reader.keyboard.press("Escape")
        reader.get_by_role("searchbox", name="Search the log").fill("")
        expect(reader.locator("mark")).to_have_count(0)


def test_lines_of_a_level_are_marked_and_found(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.mixed, "#L1000"):
        expect(reader.locator("#L1000")).to_have_class("ln lv-warning sel")
        level = reader.get_by_label("Lines of which level")
        level.select_option("Errors")
        expect(reader.locator("[data-hits]")).to_have_text("2 of 20")
        expect(reader.get_by_role("button", name="Only matches")).to_have_attribute("aria-pressed", "true")
        expect(reader.locator("#L500 > span")).to_have_text("ERROR request 500 failed")
        expect(reader.locator("#L1000")).to_have_count(0)
        level.select_option("Warnings, errors")
        expect(reader.locator("[data-hits]")).to_have_text("2 of 40")
        expect(reader.locator("#L1000")).to_be_in_viewport()
        reader.get_by_role("searchbox", name="Search the log").fill("slow: 9000")
        expect(reader.locator("[data-hits]")).to_have_text("1 of 1")
        expect(reader.locator(".log-rows .ln")).to_have_count(7)
        reader.get_by_role("searchbox", name="Search the log").fill("fast")
        expect(reader.get_by_text("No line matches.")).to_be_visible()
        level.select_option("All levels")
        reader.get_by_role("searchbox", name="Search the log").fill("")
        expect(reader.locator("#L1003")).to_be_visible()


def test_lines_tell_when_they_came(reader: Page, site_of_logs: Logs) -> None:
    written = site_of_logs.short
    with looking_at(reader, written):
        times = reader.get_by_label("Times of lines")
        times.select_option("Elapsed")
        reader.locator("[data-pane]").focus()
        reader.keyboard.press("Home")
        expect(reader.locator("#L1 > time")).to_have_text("+0:00.0")
        times.select_option("Time (UTC)")
        expect(reader.locator("#L1 > time")).to_have_text(re.compile(r"\d\d:\d\d:\d\d\.\d"))
        reader.get_by_role("button", name="Follow").click()
        written.append(b"this has just come\n")
        row = reader.locator(".log-rows .ln").last
        expect(row.locator("span")).to_have_text("this has just come")
        expect(row.locator("time")).to_have_text(re.compile(r"\d\d:\d\d:\d\d\.\d"))
        assert "times=clock" in reader.url
        times.select_option("No times")
        expect(reader.locator(".ln > time")).to_have_count(0)


def test_a_log_fills_the_screen(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.long):
        full = reader.get_by_role("button", name="Full screen")
        full.click()
        expect(full).to_have_attribute("aria-pressed", "true")
        expect(reader.locator(".log-rows .ln").last).to_be_in_viewport()
        assert reader.locator("#log").evaluate(
            "log => log.offsetHeight >= innerHeight && log.offsetWidth >= innerWidth"
        )
        full.click()
        expect(full).to_have_attribute("aria-pressed", "false")


def test_a_log_that_ends_says_so_and_is_not_followed_any_more(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.ending):
        expect(reader.get_by_role("button", name="Follow")).to_be_visible()
        site_of_logs.ending.append(b"the end\n")
        expect(reader.locator("#L3")).to_be_visible()
        site_of_logs.ending.end()
        expect(reader.get_by_role("status").filter(has_text="The log is complete: 3 lines.")).to_be_attached()
        expect(reader.get_by_role("button", name="Follow")).to_be_hidden()


def test_a_line_without_end_is_cut_and_addresses_are_links(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.odd):
        expect(reader.locator(".log-rows")).to_contain_text("this line is longer: the raw log has all of it")
        expect(reader.get_by_role("link", name="http://example.com/d")).to_have_attribute(
            "href", "http://example.com/d"
        )
        expect(reader.get_by_role("button", name="Follow")).to_be_hidden()


def test_wrapped_lines_keep_their_place(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.short, "#L20"):
        reader.set_viewport_size({"width": 390, "height": 844})
        reader.reload()
        expect(reader.get_by_role("button", name="Wrap")).to_have_attribute("aria-pressed", "true")
        expect(reader.locator("#L20")).to_be_in_viewport()
        assert reader.locator("#L20").evaluate("row => row.offsetHeight") > 20
        assert reader.evaluate("document.documentElement.scrollWidth") <= 390
    with looking_at(reader, site_of_logs.long):
        reader.get_by_role("button", name="Wrap").click()
        expect(reader.get_by_role("button", name="Wrap")).to_have_attribute("aria-pressed", "false")


def test_the_viewer_is_accessible_in_both_themes(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.odd, "#L3-L5"):
        search = reader.get_by_role("searchbox", name="Search the log")
        search.fill("red")
        expect(reader.locator("[data-hits]")).to_have_text("1 of 1")
        for width in (1440, 390):
            reader.set_viewport_size({"width": width, "height": 900})
            assert violations(reader) == [], f"{width} px"
        for width in (1024, 768, 320):
            reader.set_viewport_size({"width": width, "height": 800})
            assert reader.evaluate("document.documentElement.scrollWidth") <= width


def test_levels_times_and_matches_alone_are_accessible_too(reader: Page, site_of_logs: Logs) -> None:
    with looking_at(reader, site_of_logs.mixed, "?level=warning&only&times=clock#L1000"):
        expect(reader.locator("#L1000 > time")).not_to_be_empty()
        for width in (1440, 390):
            reader.set_viewport_size({"width": width, "height": 900})
            assert violations(reader) == [], f"{width} px"
        for width in (1024, 768, 320):
            reader.set_viewport_size({"width": width, "height": 800})
            assert reader.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_the_last_lines_and_the_raw_text_are_there(browser: Browser, site_of_logs: Logs) -> None:
    with a_page(browser, site_of_logs.serving.url, scripts=False) as plain:
        sign_in(plain, ADMIN, PASSWORD)
        plain.goto(site_of_logs.long.path)
        expect(plain.locator(".ln[id]")).to_have_count(500)
        expect(plain.locator(".ln.note")).to_have_text("Earlier lines are in the raw log.")
        expect(plain.locator(".ln[id]").first).to_be_visible()
        expect(plain.get_by_role("link", name="Raw log of long #1")).to_be_visible()


def numbers_of(links: Locator) -> list[int]:
    return [int(text) for text in links.all_inner_texts()]


def _words(line: int) -> str:
    return {1: "unpacked", 2: "started"}.get(line, f"line {line} of the log, with some words in it")
