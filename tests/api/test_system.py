from dataclasses import replace

import httpx

from tests.api.site import Site
from tests.support.people import a_viewer


async def test_settings_are_read_and_changed(site: Site, admin: httpx.AsyncClient) -> None:
    wanted = {"base_url": None, "public_ip": "192.0.2.7", "apps_domain": "apps.example.com"}

    changed = await admin.put("/system/settings", json=wanted)

    assert changed.json() == {**wanted, "fixed": []}
    assert (await admin.get("/system/settings")).json() == changed.json()
    assert site.parts.general.apps_domain == "apps.example.com"


async def test_settings_that_somebody_else_changed_meanwhile_are_not_overwritten(admin: httpx.AsyncClient) -> None:
    seen = (await admin.get("/system/settings")).headers["etag"]
    theirs = {"base_url": None, "public_ip": "192.0.2.7", "apps_domain": "localhost"}
    mine = {"base_url": None, "public_ip": "192.0.2.8", "apps_domain": "localhost"}
    assert (await admin.put("/system/settings", json=theirs, headers={"if-match": seen})).status_code == 200

    refused = await admin.put("/system/settings", json=mine, headers={"if-match": seen})

    assert (refused.status_code, refused.json()["title"]) == (412, "This was changed meanwhile")
    now = await admin.get("/system/settings")
    assert now.json()["public_ip"] == "192.0.2.7"
    for tag in (f'"something", {now.headers["etag"]}', "*"):
        assert (await admin.put("/system/settings", json=mine, headers={"if-match": tag})).status_code == 200


async def test_a_setting_that_makes_no_sense_names_its_field(admin: httpx.AsyncClient) -> None:
    wanted = {"base_url": "ftp://x", "public_ip": None, "apps_domain": "localhost"}
    refused = await admin.put("/system/settings", json=wanted)
    assert (refused.status_code, refused.json()["field"]) == (422, "base_url")


async def test_admins_are_told_what_a_node_can_do_and_others_that_it_is_there(
    site: Site, admin: httpx.AsyncClient
) -> None:
    node = (await admin.get("/nodes/local")).json()
    assert node["facts"]["units"] == "supervisor"
    async with site.as_(await a_viewer(site.store)) as viewer:
        assert (await viewer.get("/nodes")).json()["items"] == [
            {
                "slug": "local",
                "name": node["name"],
                "state": "online",
                "is_watched": False,
                "is_draining": False,
            }
        ]
        assert (await viewer.get("/nodes/elsewhere")).status_code == 404


async def test_the_defaults_of_apps_hold_where_nobody_says_it_of_the_app(admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json={"slug": "shop", "name": "Shop", "runtime": "process", "command": "true"})
    changed = await admin.patch("/system/defaults", json={"memory": "1G", "drain": 10, "auto_rollback": False})
    assert changed.status_code == 200
    assert (await admin.get("/system/defaults")).json() == changed.json()

    terms = {term["key"]: term for term in (await admin.get("/apps/shop")).json()["terms"]}
    assert [(terms[key]["value"], terms[key]["origin"]) for key in ("memory", "drain", "auto_rollback", "warm")] == [
        (2**30, "the installation's"), (10.0, "the installation's"), (False, "the installation's"), (600.0, "usual"),
    ]  # fmt: skip
    refused = await admin.patch("/system/defaults", json={"drain": "soon"})
    assert (refused.status_code, refused.json()["field"]) == (422, "drain")


async def test_bakerys_own_site_is_turned_on_and_off(site: Site, admin: httpx.AsyncClient) -> None:
    refused = await admin.put("/system/own-site", json={"is_wanted": True})
    assert (refused.status_code, refused.json()["field"]) == (422, "is_wanted")
    site.parts.general = replace(site.parts.general, base_url="http://bakery.example.com")
    at_home = {"host": "bakery.example.com"}

    chosen = await admin.put("/system/own-site", json={"is_wanted": True}, headers=at_home)

    assert chosen.json() == {
        "is_wanted": True, "is_settled": False, "host": None, "trouble": "", "secure_until": None, "insecure": "",
    }  # fmt: skip
    assert site.parts.has_own_site
    assert (await admin.put("/system/own-site", json={"is_wanted": False}, headers=at_home)).status_code == 200
    found = (await admin.get("/system/own-site", headers=at_home)).json()
    assert (found["is_wanted"], found["is_settled"], site.parts.has_own_site) == (False, True, False)
