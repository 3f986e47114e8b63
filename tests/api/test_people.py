import httpx

from tests.api.site import Site
from tests.support.people import a_developer, an_admin, an_app


async def test_admins_see_all_of_people_and_others_their_names(site: Site, admin: httpx.AsyncClient) -> None:
    developer = await a_developer(site.store)

    everything = (await admin.get("/users")).json()["items"]
    async with site.as_(developer) as other:
        names = (await other.get("/users")).json()["items"]

    assert [person["email"] for person in everything] == ["ada@example.com", "dev@example.com"]
    assert [sorted(person) for person in names] == [["id", "name", "role"]] * 2


async def test_no_secret_is_among_what_admins_see(site: Site, admin: httpx.AsyncClient) -> None:
    person = (await admin.get("/users")).json()["items"][0]
    assert sorted(person) == [
        "all_apps",
        "apps",
        "created_at",
        "email",
        "has_second_factor",
        "id",
        "last_seen_at",
        "name",
        "role",
        "suspended_at",
    ]


async def test_a_role_and_grants_are_changed(site: Site, admin: httpx.AsyncClient) -> None:
    person = (await a_developer(site.store)).person_id
    await an_app(site.store, "shop")

    assert (await admin.put(f"/users/{person}/role", json={"role": "viewer"})).json()["role"] == "viewer"
    granted = (await admin.put(f"/users/{person}/grants", json={"apps": ["shop"]})).json()
    assert (granted["all_apps"], granted["apps"]) == (False, ["shop"])
    granted = (await admin.put(f"/users/{person}/grants", json={"apps": None})).json()
    assert granted["all_apps"] is True


async def test_a_role_and_grants_are_changed_together_or_not_at_all(site: Site, admin: httpx.AsyncClient) -> None:
    person = (await a_developer(site.store)).person_id
    await an_app(site.store, "shop")

    changed = (await admin.put(f"/users/{person}/access", json={"role": "viewer", "apps": ["shop"]})).json()
    assert (changed["role"], changed["all_apps"], changed["apps"]) == ("viewer", False, ["shop"])
    refused = await admin.put(f"/users/{person}/access", json={"role": "developer", "apps": ["gone"]})
    assert (refused.status_code, refused.json()["field"]) == (422, "apps")
    assert (await admin.get(f"/users/{person}")).json() == changed
    part = (await admin.put(f"/users/{person}/access", json={"role": "developer"})).json()
    assert (part["role"], part["apps"]) == ("developer", ["shop"])


async def test_the_last_admin_stays(site: Site, admin: httpx.AsyncClient) -> None:
    me = (await admin.get("/users")).json()["items"][0]["id"]
    for refused in (
        await admin.put(f"/users/{me}/role", json={"role": "viewer"}),
        await admin.post(f"/users/{me}/suspend"),
        await admin.delete(f"/users/{me}"),
    ):
        assert refused.status_code == 409


async def test_who_is_suspended_has_no_tokens_left(site: Site, admin: httpx.AsyncClient) -> None:
    developer = await a_developer(site.store)
    async with site.as_(developer) as other:
        suspended = (await admin.post(f"/users/{developer.person_id}/suspend")).json()
        assert suspended["suspended_at"] is not None
        assert (await other.get("/whoami")).status_code == 401
    assert (await admin.post(f"/users/{developer.person_id}/unsuspend")).json()["suspended_at"] is None


async def test_who_is_removed_is_gone(site: Site, admin: httpx.AsyncClient) -> None:
    person = (await a_developer(site.store)).person_id
    assert (await admin.delete(f"/users/{person}")).status_code == 204
    assert (await admin.get(f"/users/{person}")).status_code == 404


async def test_a_developer_neither_invites_nor_promotes(site: Site) -> None:
    other = await an_admin(site.store)
    async with site.as_(await a_developer(site.store)) as developer:
        for refused in (
            await developer.post("/invites", json={"email": "eve@example.com", "role": "viewer"}),
            await developer.put(f"/users/{other.person_id}/role", json={"role": "viewer"}),
            await developer.post(f"/users/{other.person_id}/reset", json={}),
            await developer.get("/invites"),
        ):
            assert refused.status_code == 403


async def test_an_invitation_is_a_link_that_is_shown_once(admin: httpx.AsyncClient) -> None:
    made = (await admin.post("/invites", json={"email": "eve@example.com", "role": "viewer"})).json()

    assert made["url"].startswith("http://127.0.0.1:4100/invite/")
    listed = await admin.get("/invites")
    assert listed.json()["items"] == [made["invite"]]
    assert made["url"].rpartition("/")[2] not in listed.text


async def test_a_revoked_invitation_is_revoked_once(admin: httpx.AsyncClient) -> None:
    made = (await admin.post("/invites", json={"email": "eve@example.com", "role": "viewer"})).json()["invite"]
    assert (await admin.delete(f"/invites/{made['id']}")).status_code == 204
    assert (await admin.delete(f"/invites/{made['id']}")).status_code == 409


async def test_an_admin_makes_a_link_for_a_new_password(site: Site, admin: httpx.AsyncClient) -> None:
    person = (await a_developer(site.store)).person_id
    made = (await admin.post(f"/users/{person}/reset", json={"clears_second_factor": True})).json()
    assert made["url"].startswith("http://127.0.0.1:4100/reset/")
