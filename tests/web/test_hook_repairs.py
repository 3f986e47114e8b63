"""A webhook that Bakery put into a repository at GitHub, and that somebody took away, is put back."""

import pytest

from bakery.hooks import repairing
from bakery.hooks.repairing import repair_missing_hooks
from bakery.hooks.webhooks import change_webhook
from bakery.model.actor import Actor
from bakery.store.rows import only
from tests.api.site import BASE, Site
from tests.github_double.server import GitHubDouble
from tests.github_double.world import App
from tests.support.github_apps import install
from tests.support.github_links import link
from tests.support.places import at
from tests.web.browser import Browser
from tests.web.test_pages_github_repositories import an_app_at_github


@pytest.fixture
async def hooked(site: Site, admin: Browser, linked: Actor, github: GitHubDouble) -> None:
    await an_app_at_github(site, linked, github)
    assert "The webhook is at GitHub now." in (await admin.send("/apps/shop/deliveries/github")).text


async def an_hour_later(site: Site) -> None:
    async with site.store.transaction() as tx:
        await tx.connection.execute("UPDATE github_hooks SET checked_at = now() - interval '61 minutes'")


@pytest.mark.usefixtures("hooked")
async def test_one_that_is_missing_is_put_back_within_an_hour(site: Site, admin: Browser, github: GitHubDouble) -> None:
    hooks = github.world.repositories["acme/shop"].hooks
    hooks.clear()
    await repair_missing_hooks(site.store, BASE)
    assert hooks == {}
    await an_hour_later(site)
    await repair_missing_hooks(site.store, BASE)
    assert [hook["active"] for hook in hooks.values()] == [True]
    assert "It was missing, and put back" in (await admin.get("/apps/shop/deliveries")).text
    assert "added or repaired, at GitHub, the webhook of" in (await admin.get("/activity")).text

    asked = len(github.world.asked)
    await an_hour_later(site)
    await repair_missing_hooks(site.store, BASE)
    assert [method for method, _, _ in github.world.asked[asked:]] == ["GET"]


@pytest.mark.usefixtures("hooked")
async def test_why_it_is_not_put_back_is_said(site: Site, admin: Browser, github: GitHubDouble) -> None:
    github.world.repositories.clear()
    await an_hour_later(site)
    await repair_missing_hooks(site.store, BASE)
    page = (await admin.get("/apps/shop/deliveries")).text
    assert "Bakery cannot look after the webhook at GitHub." in page
    assert "It is missing there, and could not be put back." in page
    assert "GitHub lets this link add no webhook to the repository." in page


@pytest.mark.usefixtures("hooked")
async def test_a_link_that_was_revoked_at_github_is_told_until_it_is_made_again(
    site: Site, admin: Browser, linked: Actor, github: GitHubDouble
) -> None:
    github.world.tokens.clear()
    await an_hour_later(site)
    await repair_missing_hooks(site.store, BASE)
    page = (await admin.get("/apps/shop/deliveries")).text
    assert "Bakery cannot look after the webhook at GitHub." in page
    assert "GitHub does not take the link of ann any more: it was revoked, or ended." in page

    await link(site.store, github, linked)
    await an_hour_later(site)
    await repair_missing_hooks(site.store, BASE)
    assert "Bakery cannot look after" not in (await admin.get("/apps/shop/deliveries")).text


@pytest.mark.usefixtures("hooked")
async def test_where_pushes_do_not_deploy_and_where_github_is_away_nothing_is_put_back(
    site: Site, linked: Actor, github: GitHubDouble
) -> None:
    hooks = github.world.repositories["acme/shop"].hooks
    hooks.clear()
    await an_hour_later(site)
    github.world.faults = [(502, {})]
    await repair_missing_hooks(site.store, BASE)
    await change_webhook(site.store, at("shop"), is_on=False, actor=linked)
    await an_hour_later(site)
    await repair_missing_hooks(site.store, BASE)
    assert hooks == {}


@pytest.mark.usefixtures("hooked")
async def test_that_of_an_environment_that_is_being_deleted_takes_nobodys_turn(
    site: Site, linked: Actor, github: GitHubDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stays for days, where its node does not answer."""
    monkeypatch.setattr(repairing, "_AT_ONCE", 1)
    async with site.as_(linked) as api:
        made = await api.post("/apps/shop/environments", json={"name": "old"})
        assert made.status_code == 201, made.text
    async with site.store.transaction() as tx:
        going = await tx.connection.execute(
            "UPDATE environments SET going_since = now() WHERE name = 'old' RETURNING id"
        )
        (environment,) = await only(going)
        await tx.connection.execute(
            "UPDATE git_sources SET github_person = %s WHERE environment_id = %s", (linked.person_id, environment)
        )
        await tx.connection.execute(
            "INSERT INTO webhooks (environment_id, changed_by) VALUES (%s, 'Ada')", (environment,)
        )
        await tx.connection.execute(
            """
            INSERT INTO github_hooks (environment_id, person_id, repository, hook, checked_at)
            VALUES (%s, %s, 'acme/shop', 7, now() - interval '1 day')
            """,
            (environment, linked.person_id),
        )
        await tx.connection.execute(
            "UPDATE github_hooks SET checked_at = now() - interval '2 hours' WHERE environment_id <> %s", (environment,)
        )
    hooks = github.world.repositories["acme/shop"].hooks
    hooks.clear()
    await repair_missing_hooks(site.store, BASE)
    assert len(hooks) == 1


@pytest.mark.usefixtures("hooked")
async def test_that_of_an_app_goes_when_the_github_app_opens_its_repository(
    site: Site, linked: Actor, github: GitHubDouble, app: App
) -> None:
    installation = await install(site, github, app, "acme/shop")
    repository = github.world.repositories["acme/shop"]
    async with site.store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE git_sources SET github_person = NULL, github_installation = %s, github_repository = %s",
            (installation.id, repository.id),
        )
    async with site.as_(linked) as api:
        assert (await api.post("/apps/shop/webhook/github")).is_success
    assert repository.hooks == {}
    async with site.store.connection() as connection:
        left = await connection.execute("SELECT FROM github_hooks")
        assert left.rowcount == 0
