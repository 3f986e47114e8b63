import httpx

from bakery.access.seals import seal_waiting
from tests.api.site import Site
from tests.support.people import a_developer


async def test_the_activity_says_who_did_what(site: Site, admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json={"slug": "shop", "command": "true"})

    newest = (await admin.get("/activity")).json()["items"][0]

    assert {name: newest[name] for name in ("who", "action", "target_label", "app")} == {
        "who": "ada",
        "action": "app.created",
        "target_label": "shop",
        "app": "shop",
    }


async def test_the_activity_of_a_person_and_of_a_time(site: Site, admin: httpx.AsyncClient) -> None:
    dev = await a_developer(site.store)
    async with site.as_(dev) as developer:
        await developer.post("/apps", json={"slug": "blog", "command": "true"})
    await admin.post("/apps", json={"slug": "shop", "command": "true"})

    async def told(**filters: str | int) -> list[str]:
        items = (await admin.get("/activity", params={"action": "app.", **filters})).json()["items"]
        return [item["target_label"] for item in items]

    assert dev.person_id is not None
    assert await told(person=dev.person_id) == ["blog"]
    assert await told(since="2020-01-01T00:00:00Z") == ["shop", "blog"]
    assert await told(until="2020-01-01T00:00:00Z") == []
    refused = await admin.get("/activity", params={"since": "2020-01-01T00:00:00"})
    assert (refused.status_code, refused.json()["field"]) == (422, "since")


async def test_the_audit_says_from_where_and_what_changed(admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json={"slug": "shop", "command": "true"})

    newest = (await admin.get("/audit", params={"action": "app."})).json()["items"][0]

    assert (newest["source"], newest["address"]) == ("api", "127.0.0.1")
    assert newest["after"] == {"name": "shop", "runtime": "process", "command": ["true"], "node": "local"}


async def test_the_list_goes_on_at_its_cursor(admin: httpx.AsyncClient) -> None:
    for number in range(60):
        await admin.post("/apps", json={"slug": f"app-{number}", "command": "true"})

    first = (await admin.get("/audit")).json()
    second = (await admin.get("/audit", params={"after": first["next"]})).json()

    ids = [row["id"] for row in first["items"] + second["items"]]
    assert ids == sorted(set(ids), reverse=True)
    assert second["next"] is None


async def test_the_audit_is_for_admins(site: Site) -> None:
    async with site.as_(await a_developer(site.store)) as developer:
        assert (await developer.get("/audit")).status_code == 403
        assert (await developer.get("/audit/seal")).status_code == 403


async def test_the_newest_seal_can_be_kept_elsewhere(site: Site, admin: httpx.AsyncClient) -> None:
    assert (await admin.get("/audit/seal")).status_code == 404

    sealed = await seal_waiting(site.store)

    seal = (await admin.get("/audit/seal")).json()
    assert (seal["position"], len(seal["hash"])) == (sealed, 64)
