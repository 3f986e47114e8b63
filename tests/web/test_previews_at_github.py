"""Previews and GitHub: its webhook tells of pull requests, and it is told what becomes of them."""

from bakery.model.actor import Actor
from tests.api.site import Site
from tests.github_double.deliveries import of_repository
from tests.github_double.server import GitHubDouble
from tests.github_double.world import Repository
from tests.hooks.pull_requests import at_repository
from tests.hooks.pull_requests import github as a_pull_request
from tests.web.test_pages_github_repositories import an_app_at_github

SETTINGS = "/apps/shop/previews/settings"


def events_of(repository: Repository) -> object:
    (hook,) = repository.hooks.values()
    return hook["events"]


async def test_the_webhook_tells_of_pull_requests_while_there_are_previews(
    site: Site, linked: Actor, github: GitHubDouble
) -> None:
    await an_app_at_github(site, linked, github)
    repository = github.world.repositories["acme/shop"]
    async with site.as_(linked) as api:
        assert (await api.patch(SETTINGS, json={"is_on": True})).json()["webhook_problem"] == ""
        assert repository.hooks == {}  # nobody asked for one
        await api.post("/apps/shop/webhook/github")
        assert events_of(repository) == ["push", "pull_request"]
        await api.patch(SETTINGS, json={"is_on": False})
        assert events_of(repository) == ["push"]
        github.world.faults = [(500, {})]
        saved = (await api.patch(SETTINGS, json={"is_on": True})).json()
        assert (saved["is_on"], "it answered 500" in saved["webhook_problem"]) == (True, True)
        await api.post("/apps/shop/webhook/github")
        assert events_of(repository) == ["push", "pull_request"]


async def test_what_github_signs_and_sends_of_a_pull_request_is_heard(
    site: Site, linked: Actor, github: GitHubDouble
) -> None:
    await an_app_at_github(site, linked, github)
    repository = github.world.repositories["acme/shop"]
    async with site.as_(linked) as api:
        await api.patch(SETTINGS, json={"is_on": True})
        await api.post("/apps/shop/webhook/github")
        (number,) = repository.hooks
        told = at_repository(a_pull_request(), repository.id, f"{github.url}/acme/shop")
        delivery = of_repository(repository, number, "pull_request", told)
        assert delivery is not None
        answer = await api.post(delivery.url, content=delivery.body, headers={**delivery.headers, "authorization": ""})
        assert (answer.status_code, answer.json()["decision"]) == (202, "previews"), answer.text
        assert (await api.get("/apps/shop/previews")).json()["items"][0]["number"] == 42
