"""DNS providers over the API."""

import httpx

WANTED = {
    "name": "our-bind", "zones": ["example.com"], "server": "192.0.2.53", "key_name": "bakery-key",
    "secret": "bm90IHRoYXQga2V5",
}  # fmt: skip


async def test_a_provider_is_added_listed_changed_and_removed(admin: httpx.AsyncClient) -> None:
    added = await admin.post("/dns-providers", json=WANTED)
    assert added.status_code == 201
    shown = added.json()
    assert "bm90IHRoYXQga2V5" not in added.text
    assert (shown["port"], shown["algorithm"], shown["wait"], shown["apps"]) == (53, "HMAC-SHA256", 60, [])
    assert (await admin.get("/dns-providers")).json()["items"] == [shown]

    changed = await admin.patch("/dns-providers/our-bind", json={"wait": 5, "zones": ["example.com", "Shop.example."]})
    assert (changed.json()["wait"], changed.json()["zones"]) == (5, ["example.com", "shop.example"])
    spaced = await admin.patch("/dns-providers/%20our-bind%20", json={"wait": 6})
    assert (spaced.status_code, spaced.json()["wait"]) == (200, 6)
    elsewhere = await admin.patch("/dns-providers/our-bind", json={"server": "192.0.2.1"})
    assert (elsewhere.status_code, elsewhere.json()["field"]) == (422, "secret")
    assert (await admin.post("/dns-providers", json=WANTED)).status_code == 409

    assert (await admin.delete("/dns-providers/our-bind")).status_code == 204
    assert (await admin.delete("/dns-providers/our-bind")).status_code == 404
    assert (await admin.patch("/dns-providers/our-bind", json={"wait": 5})).status_code == 404
