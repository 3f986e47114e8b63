import httpx

from bakery.access.cli_login import confirm_cli_login
from bakery.model.permissions import Scope
from tests.api.site import Site
from tests.support.people import a_developer, an_admin, signed_in


async def test_a_token_says_whose_it_is(site: Site) -> None:
    async with site.as_(await a_developer(site.store, apps=frozenset()), Scope.READ) as client:
        assert (await client.get("/whoami")).json() == {
            "email": "dev@example.com",
            "role": "developer",
            "scope": "read",
            "sees_all_apps": False,
        }


async def test_without_a_good_token_nobody_gets_in(site: Site) -> None:
    for token in (None, "bky_wrong", ""):
        async with site.client(token) as stranger:
            refused = await stranger.get("/apps")
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"


async def test_a_token_is_shown_once_and_works_until_it_is_revoked(site: Site, admin: httpx.AsyncClient) -> None:
    made = (await admin.post("/tokens", json={"name": "for CI", "scope": "read", "expires": 7})).json()
    assert made["token"] not in (await admin.get("/tokens")).text

    async with site.client(made["token"]) as program:
        assert (await program.get("/apps")).status_code == 200
        assert (await admin.delete(f"/tokens/{made['details']['id']}")).status_code == 204
        assert (await program.get("/apps")).status_code == 401


async def test_a_mistake_names_the_field_as_it_was_sent(admin: httpx.AsyncClient) -> None:
    for field, value in (("expires", 0), ("name", ""), ("app", "shop"), ("scope", "all")):
        refused = await admin.post("/tokens", json={"name": "for CI", "scope": "read", field: value})
        assert (refused.status_code, refused.json()["field"]) == (422, field)


async def test_who_has_a_second_factor_gives_a_code_for_a_token(site: Site, admin: httpx.AsyncClient) -> None:
    async with site.store.transaction() as tx:
        await tx.connection.execute(r"UPDATE people SET totp_secret = '\x00', totp_confirmed_at = now()")

    refused = await admin.post("/tokens", json={"name": "for CI", "scope": "read"})

    assert (refused.status_code, refused.json()["field"]) == (422, "code")


async def test_a_token_that_deploys_makes_no_token(site: Site) -> None:
    async with site.as_(await a_developer(site.store), Scope.DEPLOY) as program:
        refused = await program.post("/tokens", json={"name": "more", "scope": "admin"})
    assert refused.status_code == 403


async def test_a_browser_lets_a_command_line_in(site: Site) -> None:
    person = await signed_in(site.store, await an_admin(site.store))
    async with site.client() as program:
        begun = (await program.post("/cli-logins", json={"machine": "ada@laptop"})).json()
        poll = {"poll_token": begun["poll_token"]}
        assert 500 < begun["expires_in"] <= 600
        assert (await program.post("/cli-logins/poll", json=poll)).json() == {"token": None}

        await confirm_cli_login(site.store, begun["code"], actor=person)

        token = (await program.post("/cli-logins/poll", json=poll)).json()["token"]
        assert (await program.post("/cli-logins/poll", json=poll)).status_code == 404
    async with site.client(token) as client:
        assert (await client.get("/whoami")).json()["email"] == "ada@example.com"


async def test_another_site_begins_no_sign_in(site: Site) -> None:
    async with site.client() as program:
        refused = await program.post("/cli-logins", json={"machine": "x"}, headers={"origin": "https://evil.example"})
    assert refused.status_code == 403
