"""PostgreSQL is killed or restarted under a running Bakery: 503 meanwhile, and all goes on by itself."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.delivery.fleet import an_app
from tests.faults.outside import Outside
from tests.faults.site import (
    Viewer,
    answers,
    browser_at,
    deploy,
    make_app,
    program_at,
    token_of,
    wait_for_end,
    wait_for_step,
    without_traceback,
)
from tests.support.serving import Serving
from tests.support.waiting import wait_until

SLOW = an_app("one", before="time.sleep(4)")
BACK_WITHIN = 15.0
NO_LONGER_THAN = 10.0
# After 45 seconds the queue's worker gives up, and is started again.
SECONDS_AWAY = [5.0, 50.0] if os.environ.get("BAKERY_TEST_ALL") else [5.0]
PAGES = ["/", "/apps", "/team", "/activity", "/account/security", "/events?topics=apps"]
PATHS_OF_THE_API = ["/api/apps", "/api/users", "/api/activity", "/api/whoami"]


def kill_postgres(bakery: Serving) -> None:
    pid_file = bakery.settings.data_dir / "postgres/cluster/postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)


@contextmanager
def everyone(bakery: Serving, token: str) -> Iterator[tuple[httpx.Client, httpx.Client, Viewer]]:
    with browser_at(bakery) as browser, program_at(bakery, token) as program, Viewer(bakery, token, "apps") as viewer:
        yield browser, program, viewer


def test_an_embedded_server_that_is_killed_is_started_again(bakery: Serving) -> None:
    token = token_of(bakery)
    with everyone(bakery, token) as (browser, program, viewer):
        kill_postgres(bakery)
        wait_until(lambda: answers(browser, "/readyz") == 200, what="it is ready again", seconds=BACK_WITHIN)
        assert browser.get("/account/security").status_code == 200
        make_app(program, "shop")
        wait_until(lambda: "apps" in viewer.seen, what="the page hears of the new app", seconds=BACK_WITHIN)
        number = deploy(program, "shop", an_app("one"))
        assert wait_for_end(program, "shop", number)["state"] == "succeeded"
    assert "database_is_back" in bakery.said()
    assert without_traceback(bakery.said())


def test_a_deployment_goes_on_when_its_database_was_killed(bakery: Serving) -> None:
    with program_at(bakery, token_of(bakery)) as program:
        make_app(program, "shop")
        number = deploy(program, "shop", SLOW)
        wait_for_step(program, "shop", number, "check")
        kill_postgres(bakery)
        wait_until(lambda: answers(program, "/readyz") == 200, what="it is ready again", seconds=BACK_WITHIN)
        assert wait_for_end(program, "shop", number)["state"] == "succeeded"
    assert without_traceback(bakery.said())


@pytest.mark.parametrize("seconds", SECONDS_AWAY)
def test_an_outside_server_may_be_away_for_a_while(
    outside: Outside, new_bakery: Callable[..., Serving], seconds: float
) -> None:
    bakery = new_bakery(DATABASE_URL=outside.url)
    bakery.start()
    with everyone(bakery, token_of(bakery)) as (browser, program, viewer):
        make_app(program, "shop")
        wait_until(lambda: "apps" in viewer.seen, what="the page hears of the new app")
        number = deploy(program, "shop", SLOW)
        wait_for_step(program, "shop", number, "check")
        outside.stop()
        back_at = time.monotonic() + seconds
        assert browser.get("/healthz").status_code == 200
        assert browser.get("/readyz").status_code == 503
        with ThreadPoolExecutor(len(PAGES) + len(PATHS_OF_THE_API) + 1) as visitors:
            asked = [visitors.submit(browser.get, path) for path in PAGES]
            asked += [visitors.submit(program.get, path) for path in PATHS_OF_THE_API]
            asked += [visitors.submit(program.post, "/api/apps", json={"slug": "away", "command": "true"})]
            for answer in asked:
                expect_away(answer.result())
        wait_until(lambda: time.monotonic() > back_at, what="the server's return", seconds=seconds + 1)
        outside.start()
        viewer.seen.clear()
        wait_until(lambda: answers(browser, "/readyz") == 200, what="it is ready again", seconds=BACK_WITHIN)
        make_app(program, "another")
        wait_until(lambda: "apps" in viewer.seen, what="the page hears of the new app", seconds=BACK_WITHIN)
        assert wait_for_end(program, "shop", number)["state"] == "succeeded"
    assert without_traceback(bakery.said())


def test_an_outside_server_that_hangs_is_as_one_that_is_away(
    outside: Outside, new_bakery: Callable[..., Serving]
) -> None:
    bakery = new_bakery(DATABASE_URL=outside.url)
    bakery.start()
    with everyone(bakery, token_of(bakery)) as (browser, program, _):
        with outside.hanging(), ThreadPoolExecutor(len(PAGES) + 1) as visitors:
            began = time.monotonic()
            ready = visitors.submit(browser.get, "/readyz")
            for answer in [visitors.submit(browser.get, path) for path in PAGES]:
                expect_away(answer.result())
            assert ready.result().status_code == 503
            assert time.monotonic() - began < NO_LONGER_THAN
        wait_until(lambda: answers(browser, "/readyz") == 200, what="it is ready again", seconds=BACK_WITHIN)
        make_app(program, "shop")
    assert without_traceback(bakery.said())


def expect_away(answer: httpx.Response) -> None:
    assert answer.status_code == 503, f"{answer.request.url}: {answer.status_code}"
    assert int(answer.headers["retry-after"]) > 0
    assert "The database is not answering." in answer.text
