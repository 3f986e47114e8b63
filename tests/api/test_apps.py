import httpx

from bakery.model.app_changes import KNOWN
from bakery.model.permissions import Scope
from tests.api.site import Site
from tests.support.people import a_developer, a_viewer

SHOP = {"slug": "shop", "name": "The shop", "command": "python3 app.py", "health": "/health"}


async def test_a_new_app_is_found_where_its_name_says(admin: httpx.AsyncClient) -> None:
    made = await admin.post("/apps", json=SHOP)

    assert made.status_code == 201
    found = (await admin.get("/apps/shop")).json()
    assert found == made.json()
    assert found.pop("created_at")
    drain = {"key": "drain", "title": "Longest drain", "said": "", "shown": "30s", "origin": "usual", "value": 30.0}
    assert drain in found.pop("terms")
    assert found == {
        "slug": "shop",
        "name": "The shop",
        "runtime": "process",
        "status": "never_deployed",
        "node": "local",
        "address": None,
        "live_number": None,
        "live_since": None,
        "title": None,
        "version": None,
        "health": None,
        "health_note": None,
        "environment": "production",
        "command": ["python3", "app.py"],
        "health_path": "/health",
        "strategy": None,
        "volumes": {},
        "warning": "",
        "memory_bytes": None,
        "cpus": None,
        "interrupts": True,
        "is_stopped": False,
        "colour": None,
        "node_state": "online",
    }


async def test_a_list_goes_on_at_the_cursor_that_it_gave(admin: httpx.AsyncClient) -> None:
    slugs = [f"app-{number:02}" for number in range(51)]
    for slug in slugs:
        await admin.post("/apps", json={**SHOP, "slug": slug})

    first = (await admin.get("/apps")).json()
    second = (await admin.get("/apps", params={"after": first["next"]})).json()

    assert [app["slug"] for app in first["items"] + second["items"]] == slugs
    assert second["next"] is None


async def test_a_cursor_that_we_did_not_make_is_refused(admin: httpx.AsyncClient) -> None:
    for cursor in ("é", "A", "AAAA", "%00"):
        refused = await admin.get("/apps", params={"after": cursor})
        assert (refused.status_code, refused.json()["field"]) == (422, "after")


async def test_an_answer_that_a_program_has_is_not_sent_again(admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json=SHOP)
    tag = (await admin.get("/apps/shop")).headers["etag"]

    again = await admin.get("/apps/shop", headers={"if-none-match": f'"another", {tag}'})

    assert (again.status_code, again.content) == (304, b"")


async def test_a_mistake_names_its_field(admin: httpx.AsyncClient) -> None:
    refused = await admin.post("/apps", json={**SHOP, "slug": "My Shop"})

    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json().pop("instance")
    assert {**refused.json(), "instance": ""} == {
        "type": "about:blank",
        "title": "Something in it is not right",
        "status": 422,
        "detail": "Use up to 40 lower-case letters, digits and hyphens, and begin with a letter.",
        "hint": "“My Shop” could be “my-shop”.",
        "field": "slug",
        "instance": "",
    }


async def test_a_name_is_taken_once(admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json=SHOP)
    assert (await admin.post("/apps", json=SHOP)).status_code == 409


async def test_what_is_outside_the_grants_looks_like_what_is_not_there(site: Site, admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json=SHOP)
    async with site.as_(await a_developer(site.store, apps=frozenset())) as other:
        for method, below in (
            ("GET", ""),
            ("GET", "/deployments"),
            ("GET", "/deployments/1"),
            ("GET", "/deployments/1/log"),
            ("POST", "/restart"),
            ("POST", "/sources"),
        ):
            foreign = await other.request(method, f"/apps/shop{below}")
            unknown = await other.request(method, f"/apps/nothing{below}")
            assert (foreign.status_code, unknown.status_code) == (404, 404)
            assert foreign.json()["detail"] == unknown.json()["detail"] == "There is no such app."
        assert (await other.get("/apps")).json() == {"items": [], "next": None}


async def test_every_app_has_production_and_no_other_environment(admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json=SHOP)
    answers = [await admin.get("/apps/shop", params={"env": env}) for env in ("production", "staging")]
    assert [answer.status_code for answer in answers] == [200, 404]


async def test_a_viewer_changes_nothing(site: Site, admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json=SHOP)
    async with site.as_(await a_viewer(site.store)) as viewer:
        for verb in ("restart", "stop", "start", "cancel", "sources", "deployments"):
            assert (await viewer.post(f"/apps/shop/{verb}", json={})).status_code == 403
        assert (await viewer.delete("/apps/shop")).status_code == 403
        assert (await viewer.patch("/apps/shop", json={"memory": 9})).status_code == 403
        assert (await viewer.post("/apps", json={**SHOP, "slug": "mine"})).status_code == 403


async def test_a_token_that_reads_does_no_more_for_an_admin(site: Site) -> None:
    async with site.as_(await a_developer(site.store), Scope.READ) as reader:
        refused = await reader.post("/apps", json=SHOP)
    assert refused.status_code == 403
    assert refused.json()["detail"] == "This token's scope is “read”, which does not allow this."


async def test_what_was_never_deployed_cannot_be_restarted(admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json=SHOP)
    refused = await admin.post("/apps/shop/restart")
    assert (refused.status_code, refused.json()["detail"]) == (409, "shop was never deployed.")


async def test_a_deleted_app_is_gone_at_once(admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json=SHOP)
    assert (await admin.delete("/apps/shop")).status_code == 204
    assert (await admin.get("/apps/shop")).status_code == 404


async def test_an_app_is_changed_by_what_is_named(admin: httpx.AsyncClient) -> None:
    made = (await admin.post("/apps", json=SHOP)).json()

    wanted = {"memory": 512, "cpus": 1.5, "health": "", "name": "Shop", "drain": 90, "health_kind": "tcp"}
    changed = await admin.patch("/apps/shop", json=wanted)

    assert changed.status_code == 200
    terms = {term["key"]: (term["shown"], term["origin"]) for term in changed.json()["terms"]}
    assert (terms["drain"], terms["health_kind"]) == (("90s", "set here"), ("tcp", "set here"))
    assert (changed.status_code, {**changed.json(), "terms": made["terms"]}) == (
        200,
        {**made, "memory_bytes": 512 * 1024**2, "cpus": 1.5, "health_path": None, "name": "Shop"},
    )
    again = (await admin.patch("/apps/shop", json={"memory": None, "strategy": "recreate"})).json()
    assert (again["memory_bytes"], again["cpus"], again["strategy"]) == (None, 1.5, "recreate")


async def test_a_field_that_nobody_knows_is_refused_with_those_that_are_known(admin: httpx.AsyncClient) -> None:
    refused = await admin.post("/apps", json={**SHOP, "comand": "true"})
    assert (refused.status_code, refused.json()["field"], refused.json()["detail"], refused.json()["hint"]) == (
        422,
        "comand",
        "There is no field “comand” here.",
        (
            "Known are: slug, name, runtime, command, health, node, repo, branch, base, image, port, username, token, "
            "github, github_app."
        ),
    )
    assert (await admin.get("/apps/shop")).status_code == 404

    await admin.post("/apps", json=SHOP)
    runtime = (await admin.patch("/apps/shop", json={"runtime": "docker"})).json()
    assert (runtime["detail"], runtime["hint"]) == (
        "There is no field “runtime” here.",
        f"Known are: {', '.join(KNOWN).replace('volumes', 'volumes, volumes_also')}.",
    )


async def test_volumes_are_set_by_name_and_listed(
    admin: httpx.AsyncClient,
) -> None:
    await admin.post("/apps", json=SHOP)
    set_ = (await admin.patch("/apps/shop", json={"volumes": {"data": "data"}})).json()
    assert (set_["volumes"], set_["strategy"], set_["interrupts"], set_["warning"]) == (
        {"data": "data"},
        None,
        True,
        "",
    )
    listed = (await admin.get("/apps/shop/volumes")).json()["items"]
    assert listed == [{"name": "data", "path": "data", "named_by": "settings", "is_made": False}]

    refused = (await admin.patch("/apps/shop", json={"volumes": {"data": "/var/data"}})).json()
    assert (refused["field"], refused["hint"]) == (
        "volumes",
        "Name a path below the app, like data:data, or run the app in Docker.",
    )
    kept = (await admin.delete("/apps/shop?volumes=nothing")).json()
    assert kept["detail"] == "There is no volume nothing of this app."
