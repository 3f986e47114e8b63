"""What was live, and going back to it."""

import httpx

from tests.api.site import Site
from tests.web.goods import a_live_app, a_live_deployment


async def two_releases(site: Site) -> None:
    await a_live_app(site)
    await a_live_deployment(site, "shop")


async def test_releases_say_what_was_built_and_where_it_is(site: Site, admin: httpx.AsyncClient) -> None:
    await two_releases(site)
    found = (await admin.get("/apps/shop/releases")).json()
    assert found["next"] is None
    told = ("number", "title", "is_live", "is_kept", "slot", "files_of")
    assert [{name: one[name] for name in told} for one in found["items"]] == [
        {
            "number": 2,
            "title": "Fix the cart total",
            "is_live": True,
            "is_kept": True,
            "slot": "blue",
            "files_of": None,
        },
        {"number": 1, "title": "Fix the cart total", "is_live": False, "is_kept": True, "slot": None, "files_of": None},
    ]
    assert found["items"][1]["live_at"] < found["items"][0]["live_at"]


async def test_going_back_is_a_deployment(site: Site, admin: httpx.AsyncClient) -> None:
    await two_releases(site)
    asked = await admin.post("/apps/shop/rollback", json={})
    assert asked.status_code == 202
    told = ("number", "state", "release", "goes_back", "back_to", "applies")
    assert {name: asked.json()[name] for name in told} == {
        "number": 3, "state": "queued", "release": 1, "goes_back": True, "back_to": 1, "applies": False,
    }  # fmt: skip
    first = (await admin.get("/apps/shop/deployments/1")).json()
    assert (first["release"], first["goes_back"], first["back_to"], first["applies"]) == (1, False, None, False)


async def test_going_back_takes_todays_variables_when_they_are_asked_for(site: Site, admin: httpx.AsyncClient) -> None:
    await two_releases(site)
    await admin.put("/apps/shop/env/KEY", json={"value": "1"})
    asked = (await admin.post("/apps/shop/rollback", json={"release": 1, "variables": "today"})).json()
    assert (asked["release"], asked["goes_back"], asked["back_to"], asked["applies"]) == (3, True, 1, False)


async def test_what_cannot_be_is_refused(site: Site, admin: httpx.AsyncClient) -> None:
    await two_releases(site)
    for wanted, status, told in (
        ({"release": 2}, 409, "Release #2 of shop is live already."),
        ({"release": 9}, 404, "shop has no release #9."),
    ):
        refused = await admin.post("/apps/shop/rollback", json=wanted)
        assert (refused.status_code, refused.json()["detail"]) == (status, told)
    for unreadable, field in (({"release": "0"}, "release"), ({"variables": "tomorrow"}, "variables")):
        refused = await admin.post("/apps/shop/rollback", json=unreadable)
        assert (refused.status_code, refused.json()["field"]) == (422, field)
