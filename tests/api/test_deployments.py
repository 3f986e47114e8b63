import hashlib
import json

import httpx
import pytest

from bakery.delivery.history import show_deployment
from bakery.delivery.uploads import LARGEST_UPLOAD, UPLOADS
from bakery.model.actor import Actor
from bakery.store import logs
from tests.api.site import Site, packed
from tests.support.places import at

FOLDER = packed({"app.py": "print('hello')"})


@pytest.fixture
async def shop(admin: httpx.AsyncClient) -> httpx.AsyncClient:
    """An Admin's program, at the app `shop`."""
    await admin.post("/apps", json={"slug": "shop", "command": "python3 app.py"})
    admin.base_url = admin.base_url.join("apps/shop")
    return admin


async def a_source(shop: httpx.AsyncClient) -> str:
    return str((await shop.post("/sources", content=FOLDER)).json()["id"])


async def test_an_upload_becomes_a_deployment(shop: httpx.AsyncClient) -> None:
    uploaded = await shop.post("/sources", content=FOLDER, params={"title": "My work"})
    assert uploaded.status_code == 201
    assert uploaded.json()["version"] == hashlib.sha256(FOLDER).hexdigest()

    asked = await shop.post("/deployments", json={"source": uploaded.json()["id"]})

    assert asked.status_code == 201
    found = (await shop.get("/deployments/1")).json()
    assert {name: found[name] for name in ("app", "number", "state", "title", "trigger", "asked_by")} == {
        "app": "shop",
        "number": 1,
        "state": "queued",
        "title": "My work",
        "trigger": "api",
        "asked_by": "ada@example.com",
    }
    assert (found["live_number"], found["active_slot"]) == (None, None)
    assert (await shop.get("/deployments")).json()["items"] == [asked.json()]


async def test_a_request_that_is_repeated_makes_no_second_deployment(shop: httpx.AsyncClient) -> None:
    wanted = {"source": await a_source(shop)}
    key = {"idempotency-key": "once"}

    first = await shop.post("/deployments", json=wanted, headers=key)
    again = await shop.post("/deployments", json=wanted, headers=key)

    assert first.json() == again.json()
    assert len((await shop.get("/deployments")).json()["items"]) == 1


async def test_a_source_becomes_one_deployment(shop: httpx.AsyncClient) -> None:
    wanted = {"source": await a_source(shop)}
    assert (await shop.post("/deployments", json=wanted)).status_code == 201
    assert (await shop.post("/deployments", json=wanted)).status_code == 409


async def test_a_source_is_good_for_its_app_only(shop: httpx.AsyncClient) -> None:
    source = await a_source(shop)
    await shop.post("http://127.0.0.1:4100/api/apps", json={"slug": "other", "command": "true"})

    for app, text in (("other", source), ("shop", source[:-1]), ("shop", "x.y"), ("shop", "")):
        refused = await shop.post(f"http://127.0.0.1:4100/api/apps/{app}/deployments", json={"source": text})
        assert (refused.status_code, refused.json()["field"]) == (422, "source")


async def test_what_is_not_an_archive_leaves_nothing_behind(site: Site, shop: httpx.AsyncClient) -> None:
    for content in (b"", b"PK\x03\x04"):
        assert (await shop.post("/sources", content=content)).status_code == 422
    assert list((site.parts.settings.node_dir / UPLOADS).iterdir()) == []


async def test_an_upload_that_says_that_it_is_too_large_is_not_read(shop: httpx.AsyncClient) -> None:
    refused = await shop.post("/sources", content=b"\x1f\x8b", headers={"content-length": str(LARGEST_UPLOAD + 1)})
    assert refused.status_code == 413


async def test_a_deployment_waits_for_its_time_and_can_be_cancelled(shop: httpx.AsyncClient) -> None:
    wanted = {"source": await a_source(shop), "at": "2999-01-01T00:00:00Z"}
    assert (await shop.post("/deployments", json=wanted)).json()["state"] == "scheduled"

    cancelled = await shop.post("/cancel", json={"number": 1})

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (await shop.post("/cancel", json={"number": 1})).status_code == 409


async def test_a_time_without_its_zone_is_refused(shop: httpx.AsyncClient) -> None:
    refused = await shop.post("/deployments", json={"source": await a_source(shop), "at": "2999-01-01T00:00:00"})
    assert (refused.status_code, refused.json()["field"]) == (422, "at")


async def test_a_number_that_nobody_has_is_not_found(shop: httpx.AsyncClient) -> None:
    for number in ("7", "-1", str(10**30), "x"):
        assert (await shop.get(f"/deployments/{number}")).status_code == 404


async def test_a_log_is_read_as_text_whole_or_in_part(site: Site, shop: httpx.AsyncClient) -> None:
    await _deployed_with_log(site, shop, b"one\ntwo\n", cancel=False)

    assert (await shop.get("/deployments/1/log")).text == "one\ntwo\n"
    assert (await shop.get("/deployments/1/log", params={"from_byte": 4, "to_byte": 7})).text == "two"


async def test_a_log_that_has_ended_is_streamed_to_its_end(site: Site, shop: httpx.AsyncClient) -> None:
    await _deployed_with_log(site, shop, b"one\ntwo\n")

    streamed = await shop.get("/deployments/1/log", headers={"accept": "text/event-stream"})

    log, end = streamed.text.strip().split("\n\n")
    identifier, name, data = log.split("\n")
    assert (identifier, name) == ("id: 8", "event: log")
    assert json.loads(data.removeprefix("data: "))["text"] == "one\ntwo\n"
    assert end == "event: end\ndata: {}"


async def test_a_stream_goes_on_after_the_byte_that_was_known(site: Site, shop: httpx.AsyncClient) -> None:
    await _deployed_with_log(site, shop, b"one\ntwo\n")
    headers = {"accept": "text/event-stream"}

    rest = await shop.get("/deployments/1/log", headers={**headers, "last-event-id": "4"})
    nothing = await shop.get("/deployments/1/log", headers={**headers, "last-event-id": "8"})

    assert '"text": "two\\n"' in rest.text
    assert nothing.text == "event: end\ndata: {}\n\n"


async def _deployed_with_log(site: Site, shop: httpx.AsyncClient, text: bytes, *, cancel: bool = True) -> None:
    await shop.post("/deployments", json={"source": await a_source(shop)})
    found = await show_deployment(site.store, at("shop"), 1, actor=Actor.system())
    await logs.append(site.store, found.deployment.log_stream, text)
    if cancel:
        await shop.post("/cancel", json={"number": 1})
