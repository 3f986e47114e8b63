"""How an app's site treats its visitors."""

import httpx

from tests.api.site import Site
from tests.web.goods import a_live_app


async def test_what_is_chosen_for_a_site_is_kept_told_to_its_node_and_traced(
    site: Site, admin: httpx.AsyncClient
) -> None:
    await a_live_app(site)
    usual = (await admin.get("/apps/shop/site")).json()
    assert (usual["upload_mb"], usual["gzip"], usual["users"], usual["trouble"]) == (100, True, [], "")
    wanted = {"redirects": ["/old /new", "/blog/* https://blog.example/ 302"], "headers": ["X-A: b"], "rate": 5}
    answer = await admin.patch("/apps/shop/site", json={**wanted, "gzip": False, "upload_mb": "7"})
    assert answer.status_code == 200
    chosen = {**wanted, "redirects": ["/old /new 301", "/blog/* https://blog.example/ 302"]}
    assert answer.json() == {**usual, **chosen, "gzip": False, "upload_mb": 7}
    async with site.store.transaction() as tx:
        assert await site.parts.queue.has(tx, "refresh-site", 1)
    assert (await admin.patch("/apps/shop/site", json={"rate": None})).json()["rate"] == 0
    async with site.store.connection() as connection:
        cursor = await connection.execute("SELECT before, after FROM audit WHERE action = 'site.changed' ORDER BY id")
        assert (await cursor.fetchall())[-1] == ({"rate": "5"}, {"rate": "0"})
    refused = await admin.patch("/apps/shop/site", json={"headers": ["Server: x"]})
    assert (refused.status_code, refused.json()["field"]) == (422, "headers")


async def test_a_password_of_a_site_is_kept_as_a_hash_and_traced_without_it(
    site: Site, admin: httpx.AsyncClient
) -> None:
    await a_live_app(site)
    told = await admin.put("/apps/shop/site/users/ann", json={"password": "open sesame"})
    assert (told.status_code, told.json()["users"]) == (200, ["ann"])
    async with site.store.connection() as connection:
        cursor = await connection.execute("SELECT options->'users'->>'ann' FROM site_options")
        assert await cursor.fetchall() != [("open sesame",)]
        cursor = await connection.execute("SELECT before, after FROM audit WHERE action = 'site.password_set'")
        assert await cursor.fetchall() == [(None, {"user": "ann"})]
    for user, password in (("ann", "short"), ("ann", "x" * 73), ("a:b", "open sesame")):
        assert (await admin.put(f"/apps/shop/site/users/{user}", json={"password": password})).status_code == 422
    assert (await admin.delete("/apps/shop/site/users/ann")).status_code == 204
    assert (await admin.delete("/apps/shop/site/users/ann")).status_code == 422
    assert (await admin.get("/apps/shop/site")).json()["users"] == []
