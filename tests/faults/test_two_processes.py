"""Several processes share one database: what one does, the others know."""

from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.delivery.fleet import an_app, packed
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


def test_a_web_server_on_another_machine_takes_no_uploads(
    outside: Outside, worker: Serving, new_bakery: NewBakery, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    away = new_bakery("--role", "web", DATABASE_URL=outside.url, BAKERY_NODE_DIR=str(tmp_path / "elsewhere"))
    away.start()
    with program_at(away, token_of(away)) as program:
        make_app(program, "shop")
        refused = program.post("/api/apps/shop/sources", content=packed(an_app("one")))
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "This part of Bakery runs on another machine than the apps, so it takes no uploads.",
    )
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert without_traceback(away.said())


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


def with_a_folder_of_its_own(folder: Path, outside: Outside) -> dict[str, str]:
    """What makes a second process another machine's, but for the node: the key is all that they share."""
    key = (folder / "control/encryption.key").read_text().strip()
    return {"DATABASE_URL": outside.url, "BAKERY_DATA_DIR": f"{folder}/other", "ENCRYPTION_KEY": key}


def test_what_one_signed_the_other_accepts(tmp_path: Path, outside: Outside, new_bakery: NewBakery) -> None:
    one = new_bakery("--role", "web", DATABASE_URL=outside.url)
    other = new_bakery("--role", "web", **with_a_folder_of_its_own(tmp_path, outside))
    one.start()
    other.start()
    token = token_of(one)
    with program_at(one, token) as program:
        make_app(program, "shop")
        source = program.post("/api/apps/shop/sources", content=packed(an_app("one"))).raise_for_status().json()
    with program_at(other, token) as program:
        asked = program.post("/api/apps/shop/deployments", json={"source": source["id"]})
    assert asked.status_code == 201, asked.text


def test_another_session_secret_than_that_of_a_process_that_runs_is_refused(
    outside: Outside, new_bakery: NewBakery
) -> None:
    new_bakery("--role", "web", DATABASE_URL=outside.url).start()
    other = new_bakery("--role", "web", DATABASE_URL=outside.url, SESSION_SECRET="another secret of many characters!")
    other.launch()
    assert other.process.wait(40) not in {0, -9}
    assert "Another process on this database signs with another SESSION_SECRET." in other.said()
    assert without_traceback(other.said())


def test_the_node_moves_when_its_holder_is_killed(outside: Outside, new_bakery: NewBakery) -> None:
    one, other = new_bakery(DATABASE_URL=outside.url), new_bakery(DATABASE_URL=outside.url)
    one.start()
    wait_until(lambda: lease_holder(outside) is not None, what="one has the node", seconds=30)
    first = lease_holder(outside)
    other.start()
    one.kill()
    wait_until(lambda: lease_holder(outside) not in {None, first}, what="the other has the node", seconds=30)
    wait_until((other.settings.node_dir / "nginx/nginx.pid").exists, what="nginx runs, whoever began to start it")
    assert without_traceback(other.said())
