"""The processes of an app, and how many of each run."""

import httpx

from tests.api.site import Site
from tests.web.goods import a_live_app, a_worker


async def test_processes_are_listed_and_counted_with_a_trace(site: Site, admin: httpx.AsyncClient) -> None:
    await a_live_app(site)
    await a_worker(site, "shop")
    web, worker = (await admin.get("/apps/shop/processes")).json()["items"]
    assert (web["process"], web["command"], web["can_scale"]) == ("web", ["python3", "app.py"], False)
    assert worker == {
        "process": "worker",
        "command": ["node", "worker.js"],
        "count": 1,
        "can_scale": True,
        "instances": [
            {
                "name": "bakery-shop-production-blue-worker-1",
                "is_running": True,
                "restarts": 2,
                "last_exit": "ended with status 1",
            }
        ],
    }
    answer = await admin.put("/apps/shop/processes", json={"counts": {"worker": 3, "web": 1}})
    assert answer.status_code == 202
    assert [process["count"] for process in answer.json()["items"]] == [1, 3]
    async with site.store.transaction() as tx:
        assert await site.parts.queue.has(tx, "scale", 1)
    assert (await admin.put("/apps/shop/processes", json={"counts": {"worker": 3}})).status_code == 202
    async with site.store.connection() as connection:
        cursor = await connection.execute("SELECT before, after FROM audit WHERE action = 'app.scaled'")
        assert await cursor.fetchall() == [({"worker": 1}, {"worker": 3})]


async def test_what_cannot_be_counted_is_refused_in_a_sentence(site: Site, admin: httpx.AsyncClient) -> None:
    await a_live_app(site)
    await a_worker(site, "shop")
    for counts, said in (
        ({"web": 2}, "An app has one web process."),
        ({"mail": 1}, "The live release of shop has no process mail."),
        ({"worker": 21}, "Of worker there can be 0 to 20."),
        ({"Worker!": 1}, "Use up to 16 lower-case letters and digits"),
    ):
        answer = await admin.put("/apps/shop/processes", json={"counts": counts})
        assert answer.status_code == 422
        assert said in answer.text


async def test_an_app_that_was_never_deployed_has_no_processes(site: Site, admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json={"slug": "fresh", "runtime": "process"})
    assert (await admin.get("/apps/fresh/processes")).json() == {"items": []}
    assert (await admin.put("/apps/fresh/processes", json={"counts": {"worker": 1}})).status_code == 409
