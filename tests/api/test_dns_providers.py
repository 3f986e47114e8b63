"""DNS providers over the API."""

import httpx

WANTED = {
    "name": "our-bind", "zones": ["example.com"],
    "fields": {"server": "192.0.2.53", "port": 53, "key_name": "bakery-key", "secret": "bm90IHRoYXQga2V5"},
}  # fmt: skip


async def test_a_provider_is_added_listed_changed_and_removed(admin: httpx.AsyncClient) -> None:
    added = await admin.post("/dns-providers", json=WANTED)
    assert added.status_code == 201
    shown = added.json()
    assert "bm90IHRoYXQga2V5" not in added.text
    assert (shown["plugin"], shown["fields"], shown["wait"], shown["apps"]) == (
        "rfc2136",
        {"server": "192.0.2.53", "port": "53", "key_name": "bakery-key", "algorithm": "HMAC-SHA256"},
        60,
        [],
    )
    assert (await admin.get("/dns-providers")).json()["items"] == [shown]

    changed = await admin.patch("/dns-providers/our-bind", json={"wait": 5, "zones": ["example.com", "Shop.example."]})
    assert (changed.json()["wait"], changed.json()["zones"]) == (5, ["example.com", "shop.example"])
    spaced = await admin.patch("/dns-providers/%20our-bind%20", json={"wait": 6})
    assert (spaced.status_code, spaced.json()["wait"]) == (200, 6)
    elsewhere = await admin.patch("/dns-providers/our-bind", json={"fields": {"server": "192.0.2.1"}})
    assert (elsewhere.status_code, elsewhere.json()["field"]) == (422, "secret")
    assert (await admin.post("/dns-providers", json=WANTED)).status_code == 409

    assert (await admin.delete("/dns-providers/our-bind")).status_code == 204
    assert (await admin.delete("/dns-providers/our-bind")).status_code == 404
    assert (await admin.patch("/dns-providers/our-bind", json={"wait": 5})).status_code == 404


async def test_each_kind_has_fields_of_its_own(admin: httpx.AsyncClient) -> None:
    wanted = {"name": "at-cloudflare", "plugin": "cloudflare", "zones": ["example.org"]}
    lacking = await admin.post("/dns-providers", json={**wanted, "fields": {}})
    assert (lacking.status_code, lacking.json()["field"]) == (422, "api_token")
    odd = await admin.post("/dns-providers", json={**wanted, "fields": {"secret": "bm90IHRoYXQga2V5"}})
    assert (odd.status_code, odd.json()["field"]) == (422, "fields")
    none = await admin.post("/dns-providers", json={**wanted, "plugin": "route53", "fields": {}})
    assert (none.status_code, none.json()["field"]) == (422, "plugin")
    added = await admin.post("/dns-providers", json={**wanted, "fields": {"api_token": "a-token-of-ours"}})
    assert (added.status_code, added.json()["plugin"], added.json()["fields"]) == (201, "cloudflare", {})
    assert "a-token-of-ours" not in added.text
    changed = await admin.patch("/dns-providers/at-cloudflare", json={"fields": {"api_token": "another-token"}})
    assert (changed.status_code, changed.json()["wait"]) == (200, 10)
