"""GitHub is told what became of a commit."""

import pytest

from bakery.delivery.moves import move_deployment
from bakery.hooks.telling import tell_news
from bakery.model.actor import Actor
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BakeryError
from bakery.store.rows import only
from bakery.store.store import Store
from tests.api.site import BASE, Site
from tests.github_double.server import GitHubDouble
from tests.web.browser import Browser
from tests.web.test_pages_github_repositories import an_app_at_github

COMMIT = "a" * 40
LOG = f"{BASE}/apps/shop/deployments/1"


@pytest.fixture
async def deployment(site: Site, linked: Actor, github: GitHubDouble) -> int:
    """That waits, of a commit that is known by now."""
    await an_app_at_github(site, linked, github)
    async with site.as_(linked) as api:
        asked = await api.post("/apps/shop/deployments", json={"ref": COMMIT})
        assert asked.status_code == 201, asked.text
    async with site.store.transaction() as tx:
        await tx.connection.execute("UPDATE builds SET version = %s", (COMMIT,))
        found = await tx.connection.execute("SELECT id FROM deployments")
        return int((await only(found))[0])


async def go_to(store: Store, deployment: int, state: DeploymentState) -> None:
    failure = BakeryError("It failed.") if state is DeploymentState.FAILED else None
    async with store.transaction() as tx:
        await move_deployment(tx, deployment, state, failure=failure)


async def test_each_state_is_told_once_with_the_way_to_the_log(
    site: Site, deployment: int, github: GitHubDouble
) -> None:
    for state in (None, DeploymentState.RUNNING, DeploymentState.FAILED):
        if state:
            await go_to(site.store, deployment, state)
        await tell_news(site.store, BASE)
        await tell_news(site.store, BASE)
    repository = github.world.repositories["acme/shop"]
    assert [(one["state"], one["context"], one["target_url"], one["sha"]) for one in repository.statuses] == [
        ("pending", "bakery/shop/production", LOG, COMMIT),
        ("pending", "bakery/shop/production", LOG, COMMIT),
        ("failure", "bakery/shop/production", LOG, COMMIT),
    ]
    (made,) = repository.deployments.values()
    statuses = made["statuses"]
    assert isinstance(statuses, list)
    assert [(one["state"], one["log_url"]) for one in statuses] == [
        ("queued", LOG), ("in_progress", LOG), ("failure", LOG),
    ]  # fmt: skip


async def test_github_that_is_away_is_told_later_and_has_one_deployment(
    site: Site, deployment: int, github: GitHubDouble
) -> None:
    github.world.faults = [(502, {})]
    await tell_news(site.store, BASE)
    await tell_news(site.store, BASE)
    repository = github.world.repositories["acme/shop"]
    assert repository.statuses == []
    async with site.store.transaction() as tx:
        found = await tx.connection.execute("SELECT problem, tries, next_at > now() FROM github_reports")
        problem, tries, is_later = await only(found)
        await tx.connection.execute("UPDATE github_reports SET next_at = now()")
    assert (tries, is_later, "it answered 502" in problem) == (1, True, True)
    await tell_news(site.store, BASE)
    assert ([one["state"] for one in repository.statuses], len(repository.deployments)) == (["pending"], 1)


async def test_a_link_that_may_not_is_not_asked_again_for_the_same_news(
    site: Site, deployment: int, github: GitHubDouble
) -> None:
    github.world.repositories.clear()
    await tell_news(site.store, BASE)
    asked = len(github.world.asked)
    await tell_news(site.store, BASE)
    assert len(github.world.asked) == asked


@pytest.mark.parametrize(("status", "said"), [(422, "GitHub refused this"), (502, "It is told again in a while.")])
async def test_what_github_was_not_told_stands_beside_the_deliveries(
    site: Site, admin: Browser, github: GitHubDouble, deployment: int, status: int, said: str
) -> None:
    github.world.faults = [(status, {})]
    await tell_news(site.store, BASE)
    page = (await admin.get("/apps/shop/deliveries")).text
    assert ("How deployment #1 does was not told:" in page, said in page) == (True, True)
    async with site.store.transaction() as tx:
        await tx.connection.execute("UPDATE github_reports SET state = '', next_at = now()")
    await tell_news(site.store, BASE)
    assert "was not told" not in (await admin.get("/apps/shop/deliveries")).text
