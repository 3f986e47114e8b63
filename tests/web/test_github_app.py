"""A GitHub App of one's own: made from a manifest, installed, and what opens repositories from then on."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bakery.delivery.git_rows import credentials_of, read_source
from bakery.delivery.sources import set_source, show_source
from bakery.github import app_looking
from bakery.github.app_looking import look
from bakery.github.asking import Opened
from bakery.github.installation_tokens import token_to_list, token_to_tell
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, Conflict, NotAllowed
from bakery.model.sources import parse_new_source
from bakery.store.rows import only
from bakery.store.store import Store
from tests.api.site import BASE, Site
from tests.github_double.server import GitHubDouble
from tests.github_double.world import App, Installation, OAuthClient
from tests.support.git_server import Repository
from tests.support.github_apps import NEW, form_for_github, install, make_app, press_at_github
from tests.support.github_links import known
from tests.support.people import a_developer, a_viewer, an_admin
from tests.support.places import at
from tests.web.browser import Browser, a_browser


@pytest.fixture
async def installation(site: Site, github: GitHubDouble, app: App, shop: Repository) -> Installation:
    return await install(site, github, app, "acme/shop")


async def test_an_admin_makes_an_app_and_installs_it(
    site: Site, admin: Browser, github: GitHubDouble, shop: Repository
) -> None:
    site.parts.general = replace(site.parts.general, base_url=BASE)
    assert "Create a GitHub App" in (await admin.get("/settings/github")).text

    page = await admin.get(f"{NEW}?server={github.url}&owner=acme")
    address, manifest = form_for_github(page)
    assert address.startswith(f"{github.url}/organizations/acme/settings/apps/new?state=")
    assert json.loads(manifest)["hook_attributes"] == {"url": f"{BASE}/hooks/github", "active": True}
    assert f"form-action 'self' {github.url};" in page.headers["content-security-policy"]

    made = await admin.get(await press_at_github(page))
    assert "It is installed nowhere yet." in made.text
    (app,) = github.world.apps.values()
    assert (app.owner, app.hook_url) == ("acme", f"{BASE}/hooks/github")
    assert f"{github.url}/github-apps/bakery-127.0.0.1/installations/new" in made.html

    github.world.install(app, "acme", "acme/shop")
    shown = await admin.get("/settings/github/app/installed?installation_id=1&setup_action=install")
    assert "acme Installed 1 repository: acme/shop" in shown.text


async def test_its_secrets_rest_sealed_and_are_never_shown(
    site: Site, admin: Browser, github: GitHubDouble, installation: Installation, app: App
) -> None:
    await token_to_list(site.store, installation.id)
    async with site.store.connection() as connection:
        rows = await connection.execute(
            "SELECT (SELECT string_agg(c::text, '') FROM github_apps c) || string_agg(t::text, '') "
            "|| (SELECT string_agg(a::text, '') FROM audit a) FROM github_tokens t"
        )
        (stored,) = await only(rows)
    tokens = [token for token in github.world.tokens if token.startswith("ghs_")]
    assert tokens
    page = (await admin.get("/settings/github")).html
    for secret in (app.client.client_secret, app.webhook_secret, app.private_key, *tokens):
        assert secret not in stored
        assert secret.encode().hex() not in stored
        assert secret not in page


async def test_an_answer_that_another_session_asked_for_makes_no_app(
    site: Site, admin: Browser, github: GitHubDouble
) -> None:
    site.parts.general = replace(site.parts.general, base_url=BASE)
    back = await press_at_github(await admin.get(f"{NEW}?server={github.url}"))
    async with a_browser(site, await an_admin(site.store, "ben@example.com")) as ben:
        refused = await ben.get(back)
    assert "belongs to another sign-in, or is too old. Begin again under Settings → GitHub." in refused.text
    assert refused.status == 422
    assert github.world.apps == {}
    for wrong in (back.replace("code=", "code=x"), "/settings/github/app/back", back.replace("state=", "state=x")):
        assert (await admin.get(wrong)).status in {409, 422}


async def test_a_code_is_good_once_and_for_an_hour(site: Site, admin: Browser, github: GitHubDouble) -> None:
    site.parts.general = replace(site.parts.general, base_url=BASE)
    back = await press_at_github(await admin.get(f"{NEW}?server={github.url}"))
    github.world.later = 3601
    assert "GitHub does not know this code any more" in (await admin.get(back)).text


async def test_a_second_app_is_not_made(admin: Browser, github: GitHubDouble, app: App) -> None:
    assert "There is a GitHub App already." in (await admin.get(f"{NEW}?server={github.url}")).text


async def test_without_an_address_of_its_own_there_is_no_app(admin: Browser, github: GitHubDouble) -> None:
    assert "Set the base URL under Settings → General." in (await admin.get(f"{NEW}?server={github.url}")).text
    assert "up to 39 letters" in (await admin.get(f"{NEW}?owner=a/b")).text


async def test_a_repository_is_chosen_and_fetched_by_the_app(
    site: Site, admin: Browser, github: GitHubDouble, installation: Installation, shop: Repository
) -> None:
    github.world.repository("acme/hidden")
    page = await admin.get("/apps/new/github")
    assert ("acme/shop" in page.text, "acme/hidden" in page.text) == (True, False)
    assert "questions of the GitHub App" in page.text
    chosen = await admin.send("/apps/new/github", {"repository": "acme/shop", "branch": "main", "of": "acme"})
    assert "The GitHub App opens it." in chosen.text

    await _an_app(site, shop)
    shown = await admin.get("/apps/shop/source")
    assert "The GitHub App, installed at acme" in shown.text
    token = await _token(site.store)
    grant = github.world.tokens[token]
    assert dict(grant.permissions) == {"contents": "read"}
    assert grant.repositories == {"acme/shop"}


async def test_tokens_are_kept_until_shortly_before_their_end(
    store: Store, github: GitHubDouble, installation: Installation
) -> None:
    first = (await token_to_list(store, installation.id)).token
    assert (await token_to_list(store, installation.id)).token == first
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE github_tokens SET ends_at = now() + interval '4 minutes'")
    assert (await token_to_list(store, installation.id)).token != first


async def test_a_connection_is_named_and_changed(
    site: Site, admin: Browser, linked: Actor, github: GitHubDouble, installation: Installation, shop: Repository
) -> None:
    await _an_app(site, shop)
    form = {"url": shop.url, "branch": "main", "submodules": "on"}
    by_link = await admin.send("/apps/shop/source", {**form, "opens": "mine"})
    assert "The link of Ada to GitHub It opens the repository" in by_link.text or "The link of ada" in by_link.text
    kept = await show_source(site.store, at("shop"), actor=linked)
    assert (kept.has_github_link, kept.github_account) == (True, None)
    await admin.send("/apps/shop/source", {**form, "opens": "app"})
    async with site.as_(linked) as api:
        found = (await api.get("/apps/shop/source")).json()
        assert (found["github_account"], found["has_github_link"], found["problem"]) == ("acme", False, "")
        other = await api.put("/apps/shop/source", json={"url": shop.url, "github": True})
        assert other.json()["github_account"] is None
    refused = await admin.send("/apps/shop/source", {**form, "opens": "other"})
    assert "or it does not show itself" in refused.text or refused.status == 422
    await admin.send("/apps/shop/source/forget-token")
    assert (await show_source(site.store, at("shop"), actor=linked)).has_github_link is False


async def test_who_may_not_make_apps_opens_nothing_by_the_app(
    site: Site, github: GitHubDouble, installation: Installation, shop: Repository
) -> None:
    viewer = await a_viewer(site.store)
    with pytest.raises(NotAllowed):
        await set_source(
            site.store, site.parts.links, at("shop"), parse_new_source(url=shop.url, by_github_app=True), actor=viewer
        )


async def test_a_repository_that_was_not_chosen_is_not_opened(
    site: Site, github: GitHubDouble, installation: Installation
) -> None:
    github.world.repository("acme/hidden")
    dev = await a_developer(site.store)
    async with site.as_(dev) as api:
        wanted = {"slug": "shop", "github_app": True, "command": "true"}
        hidden = await api.post("/apps", json={**wanted, "repo": f"{github.url}/acme/hidden.git"})
        elsewhere = await api.post("/apps", json={**wanted, "repo": f"{github.url}/ann/blog.git"})
    assert "is not among those that acme chose for the GitHub App" in hidden.text
    assert "The GitHub App is not installed where this repository is." in elsewhere.text


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("uninstalled", "The GitHub App was uninstalled from acme."),
        ("suspended", "acme suspended the GitHub App."),
        ("taken out", "The repository was taken out of the GitHub App's installation at acme."),
        ("revoked", "GitHub does not take the App's key any more"),
        ("clock", "the clock here is 20 min behind GitHub's"),
        ("down", "has a fault of its own: it answered 502."),
        ("limit", "GitHub's rate limit for Bakery's GitHub App is used up"),
    ],
)
async def test_why_the_app_opens_nothing_is_said(
    site: Site, admin: Browser, github: GitHubDouble, app: App, installation: Installation, shop: Repository,
    trouble: str, said: str,
) -> None:  # fmt: skip
    await _an_app(site, shop)
    async with site.store.transaction() as tx:
        await tx.connection.execute("DELETE FROM github_tokens")
    _trouble(github, app, installation, trouble)
    with pytest.raises(BakeryError, match=said):
        await _token(site.store)
    _trouble(github, app, installation, trouble)
    await look(site.store)
    settings, source = await admin.get("/settings/github"), await admin.get("/apps/shop/source")
    if trouble == "taken out":
        assert "0 repositories" in settings.text
    else:
        assert said in settings.text
    assert said in source.text


def _trouble(github: GitHubDouble, app: App, installation: Installation, trouble: str) -> None:
    world = github.world
    match trouble:
        case "uninstalled":
            world.installations.pop(installation.id, None)
        case "suspended":
            world.change(installation, suspended=True)
        case "taken out":
            world.change(installation, repositories=frozenset())
        case "revoked":
            world.apps[app.id] = replace(app, private_key=_another_key())
        case "clock":
            world.later = timedelta(minutes=20).total_seconds()
        case "down":
            world.faults = [(502, {})]
        case "limit":
            world.remaining = 0


def _another_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


async def test_forgetting_says_first_what_it_means(
    site: Site, admin: Browser, github: GitHubDouble, installation: Installation, shop: Repository
) -> None:
    await _an_app(site, shop)
    page = await admin.get("/settings/github")
    assert "It opens the repositories of shop: these are fetched no more" in page.text
    gone = await admin.send("/settings/github/app/forget")
    assert "The GitHub App is forgotten here." in gone.text
    assert "Create a GitHub App" in gone.text
    assert "made the GitHub App" in (await admin.get("/activity")).text
    with pytest.raises(BakeryError):
        await token_to_tell(site.store, installation.id, 1)
    assert (await show_source(site.store, at("shop"), actor=await an_admin(site.store, "c@example.com"))).url


async def test_the_account_offers_no_link_where_there_is_an_app(admin: Browser, linked: Actor, app: App) -> None:
    assert "Unlink GitHub" in (await admin.get("/account/github")).text
    await admin.send("/account/github/unlink")
    page = (await admin.get("/account/github")).text
    assert ("Nobody needs a link here" in page, "Link GitHub" in page) == (True, False)
    assert "Link GitHub" not in (await admin.get("/apps/new")).text


async def _an_app(site: Site, shop: Repository) -> None:
    async with site.as_(await an_admin(site.store, "dev@example.com")) as api:
        wanted = {"slug": "shop", "repo": shop.url, "github_app": True, "command": "true"}
        made = await api.post("/apps", json=wanted)
    assert made.status_code == 201, made.text


async def _token(store: Store) -> str:
    """What opens the app's repository today."""
    async with store.connection() as connection:
        row = await only(await connection.execute("SELECT environment_id FROM git_sources"))
        source = await read_source(connection, int(row[0]))
    assert source is not None
    token = (await credentials_of(store, source)).token
    return token.reveal() if token else ""


async def test_the_checklist_offers_what_is_missing(
    site: Site, admin: Browser, ada: Actor, github: GitHubDouble, client: OAuthClient
) -> None:
    assert "Create a GitHub App" in (await admin.get("/")).text
    await known(site.store, github, client, ada)
    assert "Link your GitHub" in (await admin.get("/")).text
    await make_app(site, admin, github)
    page = (await admin.get("/")).text
    assert ("Link your GitHub" in page, "Create a GitHub App" in page) == (False, False)


async def test_an_installation_that_refuses_hides_no_other(
    site: Site, admin: Browser, github: GitHubDouble, app: App, shop: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is uninstalled between two questions."""
    github.world.organisations["labs"] = 2
    gone = github.world.install(app, "labs")

    async def token_of_the_other(store: Store, installation: int) -> Opened:
        if installation == gone.id:
            raise Conflict("The GitHub App was uninstalled from labs.")
        return await token_to_list(store, installation)

    monkeypatch.setattr(app_looking, "token_to_list", token_of_the_other)
    await install(site, github, app, "acme/shop")
    page = (await admin.get("/settings/github")).text
    assert "1 repository" in page
    assert "The GitHub App was uninstalled from labs." in page


async def test_a_repository_that_github_lists_twice_is_known_once(
    site: Site, admin: Browser, github: GitHubDouble, app: App, shop: Repository
) -> None:
    """As it does while somebody chooses others between its pages."""
    github.world.repositories["acme/again"] = github.world.repositories["acme/shop"]
    await install(site, github, app, "acme/shop", "acme/again")
    assert "1 repository" in (await admin.get("/settings/github")).text
