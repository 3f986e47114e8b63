"""Several processes share one database: what one does, the others know."""

from collections.abc import Callable

import httpx
import psycopg
import pytest

from tests.delivery.fleet import an_app
from tests.faults.outside import Outside
from tests.faults.site import (
    Viewer,
    deploy,
    make_app,
    program_at,
    token_of,
    wait_for_end,
    without_traceback,
)
from tests.support.serving import Serving
from tests.support.waiting import wait_until

NewBakery = Callable[..., Serving]


def lease_holder(outside: Outside) -> str | None:
    with psycopg.connect(outside.url) as connection:
        row = connection.execute(
            "SELECT holder::text FROM leases WHERE name = 'node:local' AND until > now()"
        ).fetchone()
    return row[0] if row else None


@pytest.fixture
def web(outside: Outside, new_bakery: NewBakery) -> Serving:
    running = new_bakery("--role", "web", DATABASE_URL=outside.url)
    running.start()
    return running


@pytest.fixture
def worker(outside: Outside, new_bakery: NewBakery) -> Serving:
    running = new_bakery("--role", "worker", DATABASE_URL=outside.url)
    running.launch()
    wait_until(lambda: lease_holder(outside) is not None, what="the worker has the node", seconds=30)
    return running


def test_what_is_asked_for_in_the_web_is_done_by_the_worker(web: Serving, worker: Serving) -> None:
    token = token_of(web)
    with program_at(web, token) as program, Viewer(web, token, "apps") as viewer:
        make_app(program, "shop")
        number = deploy(program, "shop", an_app("one"))
        viewer.seen.clear()
        assert wait_for_end(program, "shop", number)["state"] == "succeeded"
        wait_until(lambda: "apps" in viewer.seen, what="the page hears what the worker did")
    for process in (web, worker):
        process.stop()
        assert process.process.returncode == 0
        assert without_traceback(process.said())


def test_what_is_set_in_one_counts_in_the_other(outside: Outside, new_bakery: NewBakery) -> None:
    one, other = new_bakery(DATABASE_URL=outside.url), new_bakery(DATABASE_URL=outside.url)
    one.start()
    other.start()
    token = token_of(one)
    with program_at(one, token) as program, Viewer(other, token, "apps") as viewer:
        make_app(program, "shop")
        wait_until(lambda: "apps" in viewer.seen, what="a page of the other hears of it")
    host = {"host": "bakery.example.com"}
    assert httpx.get(f"{other.url}/login", headers=host, trust_env=False).status_code == 421
    with program_at(one, token) as program:
        wanted = {"base_url": "http://bakery.example.com", "public_ip": None, "apps_domain": "localhost"}
        program.put("/api/system/settings", json=wanted).raise_for_status()
    for bakery in (one, other):
        wait_until(
            lambda url=bakery.url: httpx.get(f"{url}/login", headers=host, trust_env=False).status_code == 200,  # type: ignore[misc]  # a lambda's default has no type
            what="both answer to the new name",
        )


def test_the_node_moves_when_its_holder_is_killed(outside: Outside, new_bakery: NewBakery) -> None:
    one, other = new_bakery(DATABASE_URL=outside.url), new_bakery(DATABASE_URL=outside.url)
    one.start()
    wait_until(lambda: lease_holder(outside) is not None, what="one has the node", seconds=30)
    first = lease_holder(outside)
    other.start()
    one.kill()
    wait_until(lambda: lease_holder(outside) not in {None, first}, what="the other has the node", seconds=30)
    assert without_traceback(other.said())
