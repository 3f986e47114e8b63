"""A webhook that GitHub does not take away is remembered, tried again, and in the end told."""

import pytest

from bakery.github.left_hooks import drop_hook, take_away_left_hooks
from bakery.github.links import unlink
from bakery.model.actor import Actor
from bakery.store.rows import only
from tests.api.site import Site
from tests.github_double.server import GitHubDouble
from tests.web.browser import Browser
from tests.web.test_pages_github_repositories import an_app_at_github


@pytest.fixture
async def environment(site: Site, admin: Browser, linked: Actor, github: GitHubDouble) -> int:
    """Of an app whose webhook is at GitHub."""
    await an_app_at_github(site, linked, github)
    assert "The webhook is at GitHub now." in (await admin.send("/apps/shop/deliveries/github")).text
    async with site.store.connection() as connection:
        return int((await only(await connection.execute("SELECT environment_id FROM github_hooks")))[0])


async def later(site: Site, *, days: int = 0) -> None:
    async with site.store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE github_left_hooks SET next_at = now(), since = since - make_interval(days => %s)", (days,)
        )


async def waits(site: Site) -> int:
    """Minutes until the next try, as near as they count."""
    async with site.store.connection() as connection:
        row = await only(
            await connection.execute("SELECT extract(epoch FROM next_at - now()) / 60 FROM github_left_hooks")
        )
    return round(float(row[0]))


@pytest.mark.parametrize("status", [502, 403, 401, 429])
async def test_it_goes_when_github_takes_it_away_though_its_app_is_gone_by_then(
    site: Site, admin: Browser, github: GitHubDouble, environment: int, status: int
) -> None:
    hooks = github.world.repositories["acme/shop"].hooks
    github.world.faults = [(status, {})]
    await drop_hook(site.store, environment)
    assert len(hooks) == 1
    assert "A webhook stays at GitHub." in (await admin.get("/apps/shop/deliveries")).text
    async with site.store.transaction() as tx:
        await tx.connection.execute("DELETE FROM environments")
        await tx.connection.execute("DELETE FROM apps")
    page = (await admin.get("/settings/github")).text
    assert "acme/shop of shop" in page
    assert "It is tried again" in page

    await take_away_left_hooks(site.store)
    assert len(hooks) == 1, "its time has not come"
    await later(site)
    await take_away_left_hooks(site.store)

    assert hooks == {}
    assert "Webhooks that stay at GitHub" not in (await admin.get("/settings/github")).text


async def test_each_try_waits_longer_and_after_a_week_it_is_given_up_and_told(
    site: Site, admin: Browser, github: GitHubDouble, environment: int
) -> None:
    github.world.faults = [(500, {})] * 4
    await drop_hook(site.store, environment)
    waited = [await waits(site)]
    for _ in range(2):
        await later(site)
        await take_away_left_hooks(site.store)
        waited.append(await waits(site))
    assert waited == [1, 2, 4]

    await later(site, days=8)
    await take_away_left_hooks(site.store)
    page = await admin.get("/settings/github")
    assert "It was given up." in page.text
    assert f"{github.url}/acme/shop/settings/hooks/" in page.html
    assert "gave up taking away, at GitHub, a webhook of" in (await admin.get("/activity")).text

    asked = len(github.world.asked)
    await later(site)
    await take_away_left_hooks(site.store)
    assert len(github.world.asked) == asked


async def test_one_that_somebody_took_away_is_forgotten(
    site: Site, admin: Browser, github: GitHubDouble, environment: int
) -> None:
    github.world.repositories["acme/shop"].hooks.clear()
    await drop_hook(site.store, environment)
    assert "Webhooks that stay at GitHub" not in (await admin.get("/settings/github")).text


async def test_where_github_shows_the_repository_no_more_it_is_given_up_at_once(
    site: Site, admin: Browser, github: GitHubDouble, environment: int
) -> None:
    github.world.repositories.clear()
    await drop_hook(site.store, environment)
    page = (await admin.get("/settings/github")).text
    assert "GitHub does not show the webhooks of acme/shop to the link of ann any more." in page
    assert "It was given up." in page


async def test_whose_link_ended_links_again_and_it_goes(
    site: Site, admin: Browser, linked: Actor, github: GitHubDouble, environment: int
) -> None:
    await unlink(site.store, actor=linked)
    await drop_hook(site.store, environment)
    page = (await admin.get("/settings/github")).text
    assert "This GitHub account is not linked." in page
    assert "It is tried again" in page


async def test_one_that_is_of_use_again_stays(
    site: Site, admin: Browser, github: GitHubDouble, environment: int
) -> None:
    hooks = github.world.repositories["acme/shop"].hooks
    github.world.faults = [(502, {})]
    await drop_hook(site.store, environment)
    await admin.send("/apps/shop/deliveries/github")
    await later(site)
    await take_away_left_hooks(site.store)
    assert len(hooks) == 1
    assert "A webhook stays at GitHub." not in (await admin.get("/apps/shop/deliveries")).text


async def test_that_of_the_repository_before_goes_when_another_is_followed(
    site: Site, admin: Browser, github: GitHubDouble, environment: int
) -> None:
    github.world.repository("acme/other")
    async with site.store.transaction() as tx:
        await tx.connection.execute("UPDATE git_sources SET url = %s", (f"{github.url}/acme/other.git",))
    await admin.send("/apps/shop/deliveries/github")
    await take_away_left_hooks(site.store)
    found = {name: len(one.hooks) for name, one in github.world.repositories.items()}
    assert found == {"acme/shop": 0, "acme/other": 1}


async def test_a_person_tries_it_now_or_forgets_it(
    site: Site, admin: Browser, linked: Actor, github: GitHubDouble, environment: int
) -> None:
    github.world.faults = [(502, {})] * 2
    await drop_hook(site.store, environment)
    async with site.as_(linked) as api:
        (left,) = (await api.get("/system/github/left-hooks")).json()["items"]
        assert (left["app"], left["repository"], left["given_up_at"]) == ("shop", "acme/shop", None)
        tried = (await api.post(f"/system/github/left-hooks/{left['id']}/try")).json()["left"]
        assert "has a fault of its own: it answered 502." in tried["problem"]
    said = await admin.send(f"/settings/github/left-hooks/{left['id']}/try")
    assert "The webhook is gone at GitHub." in said.text
    assert github.world.repositories["acme/shop"].hooks == {}

    await admin.send("/apps/shop/deliveries/github")
    github.world.faults = [(502, {})]
    await drop_hook(site.store, environment)
    async with site.as_(linked) as api:
        (left,) = (await api.get("/system/github/left-hooks")).json()["items"]
        assert (await api.delete("/system/github/left-hooks/999")).status_code == 404
    said = await admin.send(f"/settings/github/left-hooks/{left['id']}/forget")
    assert "Bakery does not try any more to take this webhook away." in said.text
    assert "Webhooks that stay at GitHub" not in said.text
    assert "forgot a webhook that stays at GitHub" in (await admin.get("/activity")).text
