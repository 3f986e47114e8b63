"""A webhook that Bakery put into a repository at GitHub, and that somebody took away, is put back."""

import pytest

from bakery.hooks.repairing import repair_missing_hooks
from bakery.hooks.webhooks import change_webhook
from bakery.model.actor import Actor
from tests.api.site import BASE, Site
from tests.github_double.server import GitHubDouble
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
    assert "The webhook is missing at GitHub, and could not be put back." in page
    assert "GitHub lets this link add no webhook to the repository." in page


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
