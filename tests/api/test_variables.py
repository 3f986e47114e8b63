import httpx
import pytest

from bakery.model.permissions import Scope
from tests.api.site import Site
from tests.support.people import a_developer, a_viewer, an_admin
from tests.web.goods import a_live_app, an_app

NAME = "ünï\ncödé $HOME 'single' \"double\" \\ # \t`id`"


@pytest.fixture
async def shop(site: Site) -> None:
    await an_app(site, "shop")


async def text_of(client: httpx.AsyncClient) -> str:
    return str((await client.post("/apps/shop/env/export")).json()["text"])


@pytest.mark.usefixtures("shop")
async def test_a_variable_is_set_listed_without_its_value_and_revealed(admin: httpx.AsyncClient) -> None:
    saved = await admin.put("/apps/shop/env/KEY", json={"value": NAME})
    assert saved.json() == {"version": 1, "added": ["KEY"], "changed": [], "removed": []}

    listed = await admin.get("/apps/shop/env")
    assert (listed.headers["etag"], listed.headers["cache-control"]) == ('W/"1"', "no-store")
    found = listed.json()
    assert found["items"][0].pop("changed_at")
    assert found == {
        "items": [
            {
                "name": "KEY",
                "value": None,
                "scope": "run",
                "is_secret": True,
                "is_live": True,
                "changed_by": "ada@example.com",
            }
        ],
        "next": None,
        "version": 1,
        "not_live": None,
    }
    revealed = await admin.post("/apps/shop/env/reveal", json={"names": ["KEY"]})
    assert (revealed.json(), revealed.headers["cache-control"]) == ({"values": {"KEY": NAME}}, "no-store")


@pytest.mark.usefixtures("shop")
async def test_what_is_left_out_stays(admin: httpx.AsyncClient) -> None:
    await admin.put("/apps/shop/env/KEY", json={"value": "1", "scope": "both", "is_secret": False})
    await admin.put("/apps/shop/env/KEY", json={"value": "2"})
    (found,) = (await admin.get("/apps/shop/env")).json()["items"]
    assert (found["value"], found["scope"], found["is_secret"]) == ("2", "both", False)


@pytest.mark.usefixtures("shop")
async def test_what_was_changed_meanwhile_is_not_overwritten(admin: httpx.AsyncClient) -> None:
    await admin.put("/apps/shop/env/KEY", json={"value": "1"})
    seen = {"if-match": (await admin.get("/apps/shop/env")).headers["etag"]}
    await admin.put("/apps/shop/env/KEY", json={"value": "theirs"})
    for method, path, body in (
        ("PUT", "/KEY", {"value": "mine"}),
        ("PATCH", "", {"text": "KEY=mine"}),
        ("POST", "/restore", {"version": 1}),
        ("DELETE", "/KEY", None),
    ):
        refused = await admin.request(method, f"/apps/shop/env{path}", json=body, headers=seen)
        assert (refused.status_code, refused.json()["title"]) == (412, "This was changed meanwhile")
    assert await text_of(admin) == "KEY=theirs\n"


@pytest.mark.usefixtures("shop")
async def test_a_text_is_taken_whole_or_refused_by_line(admin: httpx.AsyncClient) -> None:
    refused = await admin.patch("/apps/shop/env", json={"text": "A=1\nPORT=2\n"})
    assert (refused.status_code, refused.json()["field"]) == (422, "text")
    assert refused.json()["detail"] == "Line 2: Bakery sets PORT itself."
    assert await text_of(admin) == ""

    await admin.patch("/apps/shop/env", json={"text": "A=1\nB=2\nC=3\n"})
    await admin.patch("/apps/shop/env", json={"text": "B=4\n", "unset": ["A"]})
    assert await text_of(admin) == "B=4\nC=3\n"
    await admin.patch("/apps/shop/env", json={"text": "C=••••\n", "replace": True})
    assert await text_of(admin) == "C=3\n"


@pytest.mark.usefixtures("shop")
async def test_the_history_tells_names_and_an_earlier_version_comes_back(admin: httpx.AsyncClient) -> None:
    await admin.put("/apps/shop/env/KEY", json={"value": "1"})
    assert (await admin.delete("/apps/shop/env/KEY")).status_code == 204
    assert (await admin.delete("/apps/shop/env/KEY")).status_code == 404
    restored = await admin.post("/apps/shop/env/restore", json={"version": 1})
    assert restored.json()["version"] == 3
    history = (await admin.get("/apps/shop/env/history")).json()["items"]
    assert [(one["number"], one["added"], one["removed"], one["restores"]) for one in history] == [
        (3, ["KEY"], [], 1),
        (2, [], ["KEY"], None),
        (1, ["KEY"], [], None),
    ]
    assert await text_of(admin) == "KEY=1\n"


async def test_what_is_not_live_is_told_and_applied_without_a_build(site: Site, admin: httpx.AsyncClient) -> None:
    await a_live_app(site, "shop")
    nothing = await admin.post("/apps/shop/apply")
    assert (nothing.status_code, nothing.json()["detail"]) == (
        409,
        "The live release of shop has today's variables already.",
    )
    await admin.put("/apps/shop/env/KEY", json={"value": "1"})
    found = (await admin.get("/apps/shop/env")).json()
    assert found["items"][0]["is_live"] is False
    assert found["not_live"] == {
        "live_number": 1,
        "added": ["KEY"],
        "changed": [],
        "removed": [],
        "to_build": [],
        "can_apply": True,
    }
    applied = await admin.post("/apps/shop/apply")
    assert (applied.status_code, applied.json()["number"], applied.json()["state"]) == (202, 2, "queued")
    again = await admin.post("/apps/shop/apply")
    assert (again.status_code, again.json()["detail"]) == (409, "shop is being deployed.")


async def test_what_only_a_build_uses_is_not_applied(site: Site, admin: httpx.AsyncClient) -> None:
    await a_live_app(site, "shop")
    await admin.put("/apps/shop/env/KEY", json={"value": "1", "scope": "build"})
    refused = await admin.post("/apps/shop/apply")
    assert (refused.status_code, refused.json()["hint"]) == (409, "Deploy it again from its source.")


async def test_an_app_that_was_never_deployed_has_nothing_to_apply(site: Site, admin: httpx.AsyncClient) -> None:
    await an_app(site, "shop")
    await admin.put("/apps/shop/env/KEY", json={"value": "1"})
    assert (await admin.post("/apps/shop/apply")).json()["detail"] == "shop was never deployed."
    assert (await admin.get("/apps/shop/env")).json()["not_live"] is None


async def test_who_may_not_see_values_sees_names(site: Site, admin: httpx.AsyncClient) -> None:
    await an_app(site, "shop")
    await admin.put("/apps/shop/env/OPEN", json={"value": "info", "is_secret": False})
    developer = await a_developer(site.store)
    for who, scope, value, status in (
        (await a_viewer(site.store), Scope.ADMIN, None, 403),
        (developer, Scope.READ, None, 403),
        (developer, Scope.DEPLOY, None, 403),
        (developer, Scope.ADMIN, "info", 200),
        (await an_admin(site.store, "eve@example.com"), Scope.ADMIN, "info", 200),
    ):
        async with site.as_(who, scope) as client:
            (found,) = (await client.get("/apps/shop/env")).json()["items"]
            assert (found["name"], found["value"]) == ("OPEN", value)
            assert (await client.post("/apps/shop/env/reveal", json={"names": ["OPEN"]})).status_code == status
            assert (await client.post("/apps/shop/env/export")).status_code == status


@pytest.mark.usefixtures("shop")
async def test_outside_the_grants_there_is_nothing(site: Site) -> None:
    async with site.as_(await a_developer(site.store, apps=frozenset())) as other:
        for method, path in (
            ("GET", "/env"),
            ("PATCH", "/env"),
            ("PUT", "/env/A"),
            ("DELETE", "/env/A"),
            ("POST", "/env/reveal"),
            ("POST", "/env/export"),
            ("GET", "/env/history"),
            ("POST", "/env/restore"),
            ("POST", "/apply"),
        ):
            body = {"value": "1", "names": ["A"], "version": 1}
            answer = await other.request(method, f"/apps/shop{path}", json=None if method == "GET" else body)
            assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such app."), path
