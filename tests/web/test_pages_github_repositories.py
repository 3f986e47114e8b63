"""Repositories and branches of GitHub are chosen for an app, and its code is fetched by the link."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bakery.delivery.git_rows import StoredSource, credentials_of, read_source, source_secrets, write_source
from bakery.delivery.sources import forget_token, set_source, show_source
from bakery.github.left_hooks import drop_hook
from bakery.github.links import unlink, usable_link
from bakery.hooks.rows import find_hook_of
from bakery.model.actor import Actor
from bakery.model.errors import Conflict
from bakery.model.secret import Secret
from bakery.model.sources import Branch, GitUrl, parse_new_source
from bakery.store.rows import only
from bakery.store.store import Store
from tests.api.site import BASE, Site
from tests.github_double.deliveries import of_repository
from tests.github_double.server import GitHubDouble
from tests.github_double.world import OAuthClient
from tests.support.git_server import GitServer, a_git_server
from tests.support.github_links import is_ending, known, link
from tests.support.people import a_developer, an_admin, signed_in
from tests.support.places import at
from tests.web.browser import Browser, a_browser


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        yield server


async def test_link_is_offered_only_while_there_is_none(
    admin: Browser, store: Store, ada: Actor, github: GitHubDouble, client: OAuthClient
) -> None:
    assert "GitHub" not in _offers((await admin.get("/apps/new")).html)
    person = await signed_in(store, ada)
    await known(store, github, client, person)
    assert _offers((await admin.get("/apps/new")).html) == "Link GitHub"
    await link(store, github, person)
    assert _offers((await admin.get("/apps/new")).html) == "Choose from GitHub"


def _offers(html: str) -> str:
    return next((words for words in ("Link GitHub", "Choose from GitHub") if f"{words}</a>" in html), "")


async def test_a_repository_and_its_branch_are_chosen(admin: Browser, linked: Actor, github: GitHubDouble) -> None:
    github.world.repository("acme/shop", main="a" * 40, trunk="b" * 40)
    github.world.repository("acme/hidden", readers=())
    github.world.repository("ann/blog", private=False)

    page = await admin.get("/apps/new/github")
    assert ("acme/shop" in page.text, "ann/blog" in page.text, "acme/hidden" in page.text) == (True, True, False)
    assert "GitHub answers 4,998 of 5,000 questions of your link" in page.text
    assert "acme/shop" not in (await admin.get("/apps/new/github?q=BLOG")).text
    assert "Nothing matches" in (await admin.get("/apps/new/github?q=nothing")).text

    assert "trunk" in (await admin.get("/apps/new/github?repository=acme/shop")).text
    chosen = await admin.send("/apps/new/github", {"repository": "acme/shop", "branch": "trunk"})

    assert f'value="{github.url}/acme/shop.git"' in chosen.html
    assert 'value="trunk"' in chosen.html
    assert "Your link opens it, as ann." in chosen.text


async def test_a_list_that_has_not_changed_costs_nothing(admin: Browser, linked: Actor, github: GitHubDouble) -> None:
    for number in range(230):
        github.world.repository(f"acme/repo-{number:03}")
    first = await admin.get("/apps/new/github?q=repo-229")
    remaining = github.world.remaining
    again = await admin.get("/apps/new/github?q=repo-229")
    assert ("acme/repo-229" in first.text, "acme/repo-229" in again.text) == (True, True)
    assert github.world.remaining == remaining
    assert [status for _, path, status in github.world.asked if path.endswith("/user/repos")] == [200] * 3 + [304] * 3


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (401, {}, "GitHub does not take the link of ann any more"),
        (403, {}, "GitHub does not allow this to the link of ann"),
        (404, {}, "GitHub shows no such thing to the link of ann."),
        (422, {}, "GitHub refused this: Server Error"),
        (301, {}, "It has moved at GitHub: it was renamed or transferred."),
        (500, {}, "has a fault of its own: it answered 500."),
        (429, {"retry-after": "7"}, "GitHub asks us to wait 7 seconds."),
    ],
)
async def test_what_github_does_not_answer_is_told(
    admin: Browser, linked: Actor, github: GitHubDouble, status: int, headers: dict[str, str], said: str
) -> None:
    github.world.faults = [(status, headers)] * 2
    page = await admin.get("/apps/new/github")
    assert said in page.text
    page = await admin.get("/apps/new/github?repository=acme/shop")
    assert said in page.text
    assert page.status in {404, 409, 429, 503}


async def test_an_app_is_made_and_fetched_by_the_link(
    site: Site, linked: Actor, github: GitHubDouble, server: GitServer
) -> None:
    await _an_app(site, linked, server)
    shown = await show_source(site.store, at("shop"), actor=linked)
    assert (shown.has_github_link, shown.has_token) == (True, False)

    token = await _token(site.store)
    assert token in github.world.tokens
    assert await source_secrets(site.store, await _environment(site.store)) == [Secret(token)]


async def test_a_token_near_its_end_is_renewed(store: Store, linked: Actor, github: GitHubDouble) -> None:
    person = linked.person_id or 0
    before = (await usable_link(store, person)).token
    await is_ending(store)
    renewed = (await usable_link(store, person)).token
    assert (before == renewed, renewed.reveal() in github.world.tokens) == (False, True)
    assert (await usable_link(store, person)).token == renewed

    await is_ending(store)
    github.world.refreshers.clear()
    with pytest.raises(Conflict, match="it was revoked, or not used for half a year"):
        await usable_link(store, person)


async def test_nobody_else_points_a_link_at_another_repository(
    site: Site, linked: Actor, github: GitHubDouble, server: GitServer
) -> None:
    await _an_app(site, linked, server)
    server.repository("other").commit("Other", {"index.html": "other"})
    dev = await a_developer(site.store)
    same = await set_source(
        site.store, site.parts.links, at("shop"), parse_new_source(url=server.url("shop")), actor=dev
    )
    assert same.has_github_link
    other = parse_new_source(url=server.url("other"))
    assert (await set_source(site.store, site.parts.links, at("shop"), other, actor=dev)).has_github_link is False


async def test_a_link_opens_nothing_on_another_server(site: Site, linked: Actor, server: GitServer) -> None:
    server.repository("shop").commit("Shop", {"index.html": "shop"})
    async with site.as_(linked) as api:
        refused = await api.post("/apps", json={"slug": "shop", "repo": server.url("shop"), "github": True})
    assert (refused.status_code, "this repository lies elsewhere" in refused.text) == (409, True)


async def test_who_unlinked_is_named_as_the_cause(site: Site, linked: Actor, server: GitServer) -> None:
    await _an_app(site, linked, server)
    await unlink(site.store, actor=linked)
    with pytest.raises(Conflict, match="This GitHub account is not linked"):
        await _token(site.store)
    assert await source_secrets(site.store, await _environment(site.store)) == []


async def test_the_api_lists_repositories_and_branches(site: Site, linked: Actor, github: GitHubDouble) -> None:
    github.world.repository("acme/shop", trunk="a" * 40, main="b" * 40)
    async with site.as_(linked) as api:
        found = (await api.get("/github/repositories", params={"containing": "shop"})).json()
        assert found["items"] == [
            {
                "full_name": "acme/shop", "private": True, "default_branch": "trunk",
                "clone_url": f"{github.url}/acme/shop.git",
            }
        ]  # fmt: skip
        branches = (await api.get("/github/branches", params={"repository": "acme/shop"})).json()
        assert (branches["items"], branches["is_cut"]) == (["trunk", "main"], False)
        for wrong in ("shop", "acme/..", "acme/shop/x", "acme/sh op", ""):
            refused = await api.get("/github/branches", params={"repository": wrong})
            assert (refused.status_code, refused.json()["field"]) == (422, "repository")


async def an_app_at_github(site: Site, person: Actor, github: GitHubDouble) -> None:
    github.world.repository("acme/shop")
    async with site.as_(person) as api:
        made = await api.post("/apps", json={"slug": "shop", "command": "true"})
        assert made.status_code == 201, made.text
    async with site.store.transaction() as tx:
        found = await tx.connection.execute("SELECT id FROM environments")
        url = GitUrl(f"{github.url}/acme/shop.git")
        source = StoredSource(int((await only(found))[0]), url, Branch("main"), github_person=person.person_id)
        await write_source(tx.connection, source)
    site.parts.general = replace(site.parts.general, base_url=BASE)


async def test_a_webhook_is_added_at_github_put_right_and_taken_away(
    site: Site, admin: Browser, linked: Actor, github: GitHubDouble
) -> None:
    await an_app_at_github(site, linked, github)
    assert "Add at GitHub" in (await admin.get("/apps/shop/deliveries")).text

    added = await admin.send("/apps/shop/deliveries/github")

    assert "The webhook is at GitHub now." in added.text
    hooks = github.world.repositories["acme/shop"].hooks
    (hook,) = hooks.values()
    config = hook["config"]
    found = await find_hook_of(site.store, at("shop"))
    assert isinstance(config, dict)
    assert found is not None
    assert (hook["active"], hook["events"], config["content_type"]) == (True, ["push"], "json")
    assert config["url"].startswith(f"{BASE}/hooks/github/")
    assert config["secret"] == found.open_secret(site.store.vault).reveal()

    hook["active"] = False
    async with site.as_(linked) as api:
        assert (await api.post("/apps/shop/webhook/github")).json() == {"repository": "acme/shop"}
        assert [each["active"] for each in hooks.values()] == [True]
        hooks.clear()
        assert (await api.post("/apps/shop/webhook/github")).status_code == 200
        assert len(hooks) == 1

    environment = await _environment(site.store)
    await drop_hook(site.store, environment)
    assert hooks == {}
    await drop_hook(site.store, environment)


async def test_a_push_that_github_signs_with_that_secret_is_taken(
    site: Site, linked: Actor, github: GitHubDouble
) -> None:
    await an_app_at_github(site, linked, github)
    repository = github.world.repositories["acme/shop"]
    async with site.as_(linked) as api:
        assert (await api.post("/apps/shop/webhook/github")).status_code == 200
        (number,) = repository.hooks
        delivery = of_repository(repository, number, "ping", {"zen": "Keep it logically awesome."})
        assert delivery is not None
        answer = await api.post(delivery.url, content=delivery.body, headers={**delivery.headers, "authorization": ""})
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("no base", "GitHub needs an address to deliver to."),
        ("no rights", "GitHub lets this link add no webhook to the repository."),
        ("down", "has a fault of its own: it answered 500."),
        ("slow down", "GitHub asks us to wait 9 seconds."),
        ("no link", "No link to GitHub opens this app's repository."),
        ("unlinked", "This GitHub account is not linked."),
    ],
)
async def test_why_no_webhook_is_added_is_said(
    site: Site, admin: Browser, linked: Actor, github: GitHubDouble, trouble: str, said: str
) -> None:
    await an_app_at_github(site, linked, github)
    match trouble:
        case "no base":
            site.parts.general = replace(site.parts.general, base_url=None)
        case "no rights":
            github.world.repositories.clear()
        case "down":
            github.world.faults = [(500, {})]
        case "slow down":
            github.world.faults = [(403, {"retry-after": "9"})]
        case "no link":
            await forget_token(site.store, at("shop"), actor=linked)
        case "unlinked":
            await unlink(site.store, actor=linked)
    page = await admin.send("/apps/shop/deliveries/github")
    assert page.status in {409, 429, 503}
    assert trouble == "no link" or said in page.text
    await drop_hook(site.store, await _environment(site.store))  # harmless


async def _an_app(site: Site, person: Actor, server: GitServer) -> None:
    """Whose repository the double's own tokens open: here GitHub is the server of Git."""
    server.repository("shop").commit("Shop", {"index.html": "shop"})
    async with site.store.transaction() as tx:
        await tx.connection.execute("UPDATE github_client SET url = %s", (server.url("shop").rpartition("/")[0],))
    token = (await usable_link(site.store, person.person_id or 0)).token
    server.wants["shop"] = ("x-access-token", token.reveal())
    async with site.as_(person) as api:
        wanted = {"slug": "shop", "repo": server.url("shop"), "github": True, "command": "true"}
        made = await api.post("/apps", json=wanted)
    assert made.status_code == 201, made.text


async def _environment(store: Store) -> int:
    async with store.connection() as connection:
        return int((await only(await connection.execute("SELECT environment_id FROM git_sources")))[0])


async def _token(store: Store) -> str:
    """What opens the app's repository today."""
    environment = await _environment(store)
    async with store.connection() as connection:
        source = await read_source(connection, environment)
    assert source is not None
    token = (await credentials_of(store, source)).token
    return token.reveal() if token else ""


async def test_who_removes_a_person_is_told_which_apps_need_another_link(
    site: Site, linked: Actor, github: GitHubDouble
) -> None:
    member = f"/team/members/{linked.person_id}"
    async with a_browser(site, await an_admin(site.store, "ben@example.com")) as ben:
        assert "their link to GitHub" not in (await ben.get(member)).text
        await an_app_at_github(site, linked, github)
        assert "which alone fetches shop: give these another link" in (await ben.get(member)).text
