"""A person links their GitHub: from the settings to the account, against a double that is as strict as GitHub."""

from dataclasses import replace

import httpx
import pytest

from bakery.github import reaching
from bakery.github.links import begin_link, show_link, unlink
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, Conflict
from bakery.store.store import Store
from bakery.store.vault import Key, Vault
from bakery.web.moments import now
from tests.api.site import BASE, Site
from tests.github_double.server import GitHubDouble
from tests.github_double.world import AS_USUAL, OAuthClient
from tests.support.github_links import BACK, KEY, allowed, come_back, is_ending, known, link
from tests.support.people import a_viewer, signed_in
from tests.web.browser import Browser


@pytest.fixture
async def person(store: Store, ada: Actor) -> Actor:
    return await signed_in(store, ada)


async def test_an_admin_sets_it_up_and_links(
    site: Site, admin: Browser, github: GitHubDouble, client: OAuthClient
) -> None:
    assert "Set up GitHub" in (await admin.get("/account/github")).text
    assert BACK in (await admin.get("/settings/github")).text
    form = {"url": github.url, "client_id": client.client_id, "client_secret": client.client_secret}
    assert "Settings saved." in (await admin.send("/settings/github", form)).text
    assert "Link GitHub" in (await admin.get("/account/github")).text

    going = await admin.get("/account/github/link", follow=False)
    told = await allowed(github, going.headers["location"])
    page = await admin.get(f"/account/github/back?{httpx.QueryParams(told)}")

    assert "Your GitHub is linked." in page.text
    assert "Account ann Server" in page.text
    assert len(github.world.tokens) == 1

    assert "Your GitHub is no longer linked." in (await admin.send("/account/github/unlink")).text
    assert (github.world.tokens, github.world.refreshers) == ({}, {})


async def test_the_secret_is_kept_sealed_and_never_shown(
    site: Site, admin: Browser, github: GitHubDouble, client: OAuthClient, person: Actor
) -> None:
    await known(site.store, github, client, person)
    await link(site.store, github, person)
    (token,) = github.world.tokens
    async with site.store.connection() as connection:
        rows = await connection.execute(
            "SELECT (SELECT string_agg(c::text, '') FROM github_client c) || string_agg(l::text, '') "
            "|| (SELECT string_agg(a::text, '') FROM audit a) FROM github_links l"
        )
        (stored,) = await rows.fetchone() or ("",)
    for secret in (client.client_secret, token, next(iter(github.world.refreshers))):
        assert secret.encode().hex() not in stored
        assert secret not in stored
        assert secret not in (await admin.get("/settings/github")).html
        assert secret not in (await admin.get("/account/github")).html


async def test_a_form_without_the_secret_keeps_the_one_that_is_stored(
    site: Site, admin: Browser, github: GitHubDouble, client: OAuthClient, ada: Actor
) -> None:
    await known(site.store, github, client, ada)
    form = {"url": github.url, "client_id": client.client_id, "client_secret": ""}
    assert "Settings saved." in (await admin.send("/settings/github", form)).text
    other = await admin.send("/settings/github", {**form, "client_id": "Iv1.another"})
    assert (other.status, "Its client secret is needed too." in other.text) == (422, True)


async def test_it_is_saved_with_one_connection_to_the_database(
    migrated_database_url: str, github: GitHubDouble, client: OAuthClient, ada: Actor
) -> None:
    """Who needs a second one while the first is held waits for others that do the same."""
    async with Store(migrated_database_url, Vault([Key.mint()]), size=1, patience=1) as narrow:
        await known(narrow, github, client, ada)
        await known(narrow, github, client, ada)


async def test_another_oauth_app_ends_the_links(
    store: Store, github: GitHubDouble, client: OAuthClient, person: Actor
) -> None:
    await known(store, github, client, person)
    await link(store, github, person)
    await known(store, github, client, person)
    assert (await show_link(store, actor=person)).login == "ann"
    await known(store, github, github.world.oauth_client(BACK), person)
    assert (await show_link(store, actor=person)).login is None


async def test_nobody_is_linked_by_an_answer_that_another_session_asked_for(
    store: Store, github: GitHubDouble, client: OAuthClient, person: Actor
) -> None:
    await known(store, github, client, person)
    told = await allowed(github, await begin_link(store, KEY, callback=BACK, now=now(), actor=person))
    vic = await signed_in(store, await a_viewer(store))
    for somebody, state, later in (
        (vic, told["state"], 0), (person, told["state"], 601), (person, "", 0), (person, f"{told['state']}x", 0),
        (person, "\ud800", 0),
    ):  # fmt: skip
        with pytest.raises(BakeryError, match="belongs to another sign-in, or is too old"):
            await come_back(store, somebody, {**told, "state": state}, later=later)
    await come_back(store, person, told)
    with pytest.raises(Conflict, match="the code was used already"):
        await come_back(store, person, told)


async def test_the_way_there_changes_nothing_and_a_program_does_not_go_it(
    site: Site, github: GitHubDouble, client: OAuthClient, ada: Actor
) -> None:
    await known(site.store, github, client, ada)
    async with site.as_(ada) as program:
        refused = await program.get(f"{BASE}/account/github/link", headers={"accept": "text/html"})
    assert (refused.status_code, "GitHub is linked in a browser." in refused.text) == (409, True)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("nobody is signed in", "You did not allow it at GitHub"),
        ("another callback", "GitHub does not know this Bakery's callback URL."),
        ("another secret", "the client ID or the client secret under Settings → GitHub is wrong."),
        ("down", "has a fault of its own: it answered 502."),
        ("no GitHub", "answered 404 where it gives tokens."),
        ("slow down", "GitHub asks us to wait 30 seconds."),
        ("limited", "GitHub's rate limit for the link of this account is used up until"),
        ("revoked", "GitHub does not take the link of this account any more: it was revoked, or ended."),
        ("gone", "cannot be reached from here: ConnectError."),
    ],
)
async def test_what_goes_wrong_is_a_sentence(
    site: Site, admin: Browser, github: GitHubDouble, client: OAuthClient, ada: Actor, state: str, said: str
) -> None:
    await known(site.store, github, client, ada)
    if state == "another callback":
        github.world.clients[client.client_id] = OAuthClient(client.client_id, client.client_secret, (f"{BACK}/other",))
    if state == "nobody is signed in":
        github.world.signed_in = ""
    going = await admin.get("/account/github/link", follow=False)
    told = await allowed(github, going.headers["location"])
    match state:
        case "another secret":
            github.world.clients[client.client_id] = OAuthClient(client.client_id, "other", client.callbacks)
        case "no GitHub":
            github.world.faults = [(404, {})]
        case "down":
            github.world.faults = [AS_USUAL, (502, {})]
        case "slow down":
            github.world.faults = [AS_USUAL, (429, {"retry-after": "30"})]
        case "revoked":
            github.world.faults = [AS_USUAL, (401, {})]
        case "limited":
            github.world.remaining = 0
        case "gone":
            await known(site.store, replace(github, url="http://127.0.0.1:9"), client, ada)
    page = await admin.get(f"/account/github/back?{httpx.QueryParams(told)}")
    assert said in page.text
    assert "Link GitHub" in page.text
    assert page.status in {409, 429, 503}


async def test_a_server_that_does_not_answer_is_told(
    site: Site, admin: Browser, github: GitHubDouble, client: OAuthClient, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known(site.store, github, client, ada)
    told = await allowed(github, (await admin.get("/account/github/link", follow=False)).headers["location"])
    monkeypatch.setattr(reaching, "_SILENCE", 0.2)
    github.world.answers.clear()
    page = await admin.get(f"/account/github/back?{httpx.QueryParams(told)}")
    assert (page.status, "did not answer within 0 seconds" in page.text) == (503, True)


async def test_a_link_is_ended_here_even_when_github_is_away(
    store: Store, github: GitHubDouble, client: OAuthClient, person: Actor
) -> None:
    await known(store, github, client, person)
    await link(store, github, person)
    github.world.faults = [(500, {})]

    ended = await unlink(store, actor=person)

    assert ended.left == (
        f"{github.url} answered 500 when it was asked to revoke the link. "
        f"Take Bakery's access back yourself, at {github.url}/settings/applications"
    )
    assert (await show_link(store, actor=person)).login is None
    assert (await unlink(store, actor=person)).left == ""


async def test_a_token_that_has_ended_is_renewed_to_be_revoked(
    store: Store, github: GitHubDouble, client: OAuthClient, person: Actor
) -> None:
    await known(store, github, client, person)
    await link(store, github, person)
    (old,) = github.world.tokens
    github.world.later = 9 * 3600

    await is_ending(store)
    ended = await unlink(store, actor=person)

    assert ended.left == ""
    assert set(github.world.tokens) <= {old}
    assert github.world.refreshers == {}


async def test_the_api_shows_and_sets_it(site: Site, github: GitHubDouble, client: OAuthClient, ada: Actor) -> None:
    wanted = {"url": github.url, "client_id": client.client_id, "client_secret": client.client_secret}
    async with site.as_(ada) as api:
        assert (await api.get("/github")).json() == {
            "server": None, "login": None, "linked_at": None, "link_url": f"{BASE}/account/github",
            "app_accounts": [],
        }  # fmt: skip
        made = (await api.put("/system/github", json=wanted)).json()
        assert (made["url"], made["client_id"], made["callback_url"], made["links"]) == (
            github.url, client.client_id, BACK, 0,
        )  # fmt: skip
        assert (await api.get("/system/github")).json() == made
        await link(site.store, github, await signed_in(site.store, ada))
        assert (await api.get("/github")).json()["login"] == "ann"
        assert (await api.post("/github/unlink")).json() == {"left": ""}
        wrong = await api.put("/system/github", json={**wanted, "url": "http://git.example.com"})
        assert (wrong.status_code, wrong.json()["field"]) == (422, "url")
        assert (await api.delete("/system/github")).status_code == 204
        assert (await api.get("/system/github")).json()["url"] is None
