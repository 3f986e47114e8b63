"""Requests leave nothing behind."""

from collections.abc import Callable

from bench.running import pss_mb
from tests.faults.site import PASSWORD, browser_at, program_at, token_of
from tests.support.serving import Serving

PAGES = ("/", "/apps", "/nodes", "/team", "/activity", "/settings/general", "/account/security", "/no-such-page")
OF_THE_API = ("/api/apps", "/api/users", "/api/activity", "/api/nodes", "/api/tokens")
REQUESTS = 500
GROWS_AT_MOST = 6.0  # MB


def test_five_hundred_requests_do_not_grow_it(
    bakery: Serving, record_testsuite_property: Callable[[str, object], None]
) -> None:
    bakery.command("admin", "create", "bo@example.com", "--password-stdin", stdin=PASSWORD)
    with browser_at(bakery, "bo@example.com") as browser, program_at(bakery, token_of(bakery)) as program:

        def ask(times: int) -> None:
            for number in range(times):
                browser.get(PAGES[number % len(PAGES)])
                program.get(OF_THE_API[number % len(OF_THE_API)])

        assert {browser.get(page).status_code for page in PAGES} == {200, 404}
        ask(50)  # templates are compiled, caches are filled
        before = pss_mb(bakery.process.pid)
        ask(REQUESTS // 2)
        grown = pss_mb(bakery.process.pid) - before
    record_testsuite_property("grown_by_500_requests_mb", round(grown, 2))
    assert grown < GROWS_AT_MOST
