"""A log to read in: its page, its lines by number, and what is found in it."""

import json
import re

import pytest

from bakery.store import logs
from bakery.store.log_levels import ERROR, LOOKED_AT, WARNING
from bakery.store.logs import Line
from bakery.web.assets import FOLDER
from bakery.web.presenters.log_pages import log_rows
from tests.api.site import Site
from tests.support.people import a_developer
from tests.web.browser import Browser, a_browser
from tests.web.goods import a_running_deployment, an_app
from tests.web.html_check import problems_of

PATH = "/apps/shop/deployments/1/log"
ODD = ("0", "-1", "x", "9" * 30, "1.5", "")


async def a_log(site: Site, log: bytes) -> int:
    """Two lines are there before."""
    await an_app(site)
    return (await a_running_deployment(site, log=log)).log_stream


def numbers_in(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'<div class="ln" id="L(\d+)">', html)]


async def test_the_page_begins_with_the_last_500_lines(site: Site, admin: Browser) -> None:
    stream = await a_log(site, b"".join(b"line %d\n" % number for number in range(3, 2001)))

    page = await admin.get(PATH)

    assert (page.status, page.heading) == (200, "Log of #1")
    assert numbers_in(page.html) == list(range(1501, 2001))
    assert f'data-log="{stream}"' in page.html
    assert 'data-lines="2000"' in page.html
    assert problems_of(page.html) == []
    assert f'href="{PATH}"' in (await admin.get("/apps/shop/deployments/1")).html


async def test_a_log_that_is_complete_is_not_followed(site: Site, admin: Browser) -> None:
    stream = await a_log(site, b"")
    async with site.store.transaction() as tx:
        await logs.close_stream(tx.connection, stream)

    page = await admin.get(PATH)
    lines = await admin.get(f"{PATH}/lines")

    assert "data-log=" not in page.html
    assert (lines.headers["x-log-growing"], lines.headers["x-log-lines"]) == ("0", "2")


async def test_lines_come_by_number_500_at_a_time(site: Site, admin: Browser) -> None:
    await a_log(site, b"".join(b"line %d\n" % number for number in range(3, 2001)))

    assert numbers_in((await admin.get(f"{PATH}/lines?from=701")).html) == list(range(701, 1201))
    assert numbers_in((await admin.get(f"{PATH}/lines?from=1999&count=9")).html) == [1999, 2000]
    assert (await admin.get(f"{PATH}/lines?from=2001")).html == ""
    assert (await admin.get(f"{PATH}/lines?from=5&count=1")).html == (
        '<div class="ln" id="L5"><a href="#L5" tabindex="-1">5</a><span>line 5</span></div>'
    )


async def test_odd_numbers_are_refused(site: Site, admin: Browser) -> None:
    await a_log(site, b"")

    assert [(await admin.get(f"{PATH}/lines?from={odd}")).status for odd in ODD] == [422] * len(ODD)
    assert (await admin.get(f"{PATH}/lines?count=501")).status == 422


async def test_a_search_gives_line_numbers(site: Site, admin: Browser) -> None:
    await a_log(site, b"Error: one\nfine\nan error\n")

    async def found(query: str) -> object:
        return json.loads((await admin.get(f"{PATH}/search?{query}")).html)["lines"]

    assert await found("q=error") == [3, 5]
    assert await found("q=error&case=1") == [5]
    assert await found("q=%5EE.*e%24&regex=1") == [3]
    assert await found("q=") == []
    assert await found("q=%00%EF%BF%BE") == []


async def test_lines_of_a_level_are_marked_and_found(site: Site, admin: Browser) -> None:
    await a_log(site, b"WARN slow\n\x1b[31merror\x1b[0m: <bad>\n")

    assert (await admin.get(f"{PATH}/lines?from=3")).html == (
        '<div class="ln lv-warning" id="L3"><a href="#L3" tabindex="-1">3</a><span>WARN slow</span></div>\n'
        '<div class="ln lv-error" id="L4"><a href="#L4" tabindex="-1">4</a>'
        '<span><span class="a1">error</span>: &lt;bad&gt;</span></div>'
    )
    assert json.loads((await admin.get(f"{PATH}/search?level=error")).html)["lines"] == [4]
    assert json.loads((await admin.get(f"{PATH}/search?level=warning&q=slow")).html)["lines"] == [3]
    assert (await admin.get(f"{PATH}/search?level=grave")).status == 422


def test_the_viewer_recognises_levels_as_the_server_does() -> None:
    script = (FOLDER / "js/viewer.js").read_text()

    assert f"const ERROR = /{ERROR.pattern}/;" in script
    assert f"const WARNING = /{WARNING.pattern}/;" in script
    assert f"const LOOKED_AT = {LOOKED_AT};" in script


async def test_lines_tell_when_they_came(site: Site, admin: Browser) -> None:
    stream = await a_log(site, b"")
    await logs.append(site.store, stream, b"later\n")

    told = json.loads((await admin.get(f"{PATH}/times?from=1&count=500")).html)

    assert [line for line, _ in told["times"]] == [1, 3]
    assert told["began"] == told["times"][0][1] <= told["times"][1][1]
    assert [(await admin.get(f"{PATH}/times?from={odd}")).status for odd in ODD] == [422] * len(ODD)


async def test_a_bad_search_is_a_sentence(site: Site, admin: Browser) -> None:
    await a_log(site, b"")

    refused = await admin.get(f"{PATH}/search?q=%28&regex=1")

    assert (refused.status, "This is not a regular expression" in refused.text) == (422, True)
    assert (await admin.get(f"{PATH}/search?q={'x' * 600}")).status == 422


async def test_the_log_of_an_app_that_is_not_granted_does_not_exist(site: Site) -> None:
    await a_log(site, b"of nobody's concern\n")
    mine = await an_app(site, "mine")

    async with a_browser(site, await a_developer(site.store, apps=frozenset({mine}))) as browser:
        for path in (PATH, f"{PATH}/lines", f"{PATH}/times", f"{PATH}/search?q=nobody"):
            page = await browser.get(path)
            assert (page.status, "concern" in page.html) == (404, False)


async def test_a_log_with_endless_lines_makes_a_small_page(site: Site, admin: Browser) -> None:
    await a_log(site, b"x" * 10_000_000 + b"\n" + b"y" * 3_000_000)

    page = await admin.get(PATH)

    assert len(page.html) < 200_000
    assert numbers_in(page.html)[-1] == 4
    assert "this line is longer" in page.text
    assert numbers_in((await admin.get(f"{PATH}/lines?from=3")).html) == [3]
    assert numbers_in((await admin.get(f"{PATH}/lines?from=4")).html) == [4]


@pytest.mark.parametrize(
    ("line", "html"),
    [
        (b"plain", "plain"),
        (b"\x1b[31mred\x1b[0m <b>", '<span class="a1">red</span> &lt;b&gt;'),
        (b" 10 %\r 50 %\r100 %\r", "100 %"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        (
            b"(see https://a.example/x?b=1&c=2).",
            (
                '(see <a href="https://a.example/x?b=1&amp;c=2" rel="noreferrer" target="_blank">'
                "https://a.example/x?b=1&amp;c=2</a>)."
            ),
        ),
        (b"javascript://x ftp://a data:text/html,x", "javascript://x ftp://a data:text/html,x"),
        (
            b'https://a.example/"onclick="x',
            ('<a href="https://a.example/" rel="noreferrer" target="_blank">https://a.example/</a>&#34;onclick=&#34;x'),
        ),
    ],
)
def test_a_line_is_shown_as_safe_html(line: bytes, html: str) -> None:
    assert log_rows([Line(7, line)], "/raw") == (
        f'<div class="ln" id="L7"><a href="#L7" tabindex="-1">7</a><span>{html}</span></div>'
    )


def test_of_a_long_line_the_last_state_counts_and_what_is_too_long_is_cut() -> None:
    progress = b"".join(b"%d %%\r" % step for step in range(100_000))
    cut = log_rows([Line(1, "é".encode() * 15_000)], "/raw")

    assert ">99999 %<" in log_rows([Line(1, progress)], "/raw")
    assert cut.count("é") == 10_000
    assert "\ufffd" not in cut
    assert '<a href="/raw">the raw log</a>' in cut
    assert numbers_in(log_rows([Line(1, b""), Line(2, b"x" * 20_000 + b"\r" * 9), Line(3, b"")], "/raw")) == [1, 2, 3]
