"""The GitHub App's own webhook tells of pushes to all apps that follow a repository by it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bakery.delivery.clone import clone_app
from bakery.github.app_looking import look, look_if_due
from bakery.github.installation_tokens import token_to_tell
from bakery.hooks import from_app
from bakery.hooks.preview_comments import tell_previews
from bakery.hooks.preview_settling import settle_previews
from bakery.hooks.receive import Answer, take
from bakery.hooks.rows import Hook, find_followers
from bakery.hooks.telling import tell_news
from bakery.hooks.turns import Turns
from bakery.model.errors import Unavailable
from bakery.model.names import EnvironmentName
from bakery.store.queue import Queue
from bakery.store.rows import only
from bakery.store.store import Store
from bakery.web.moments import now
from tests.api.site import BASE, Site
from tests.github_double.deliveries import Delivery, of_app
from tests.github_double.server import GitHubDouble
from tests.github_double.world import App, Installation
from tests.hooks import github_events
from tests.hooks.pull_requests import at_repository
from tests.hooks.pull_requests import github as a_pull_request
from tests.hooks.pushes import A, B
from tests.hooks.pushes import github as a_push
from tests.support.git_server import Repository
from tests.support.github_apps import install
from tests.support.people import an_admin
from tests.support.places import at
from tests.web.browser import Browser

HOOK = f"{BASE}/hooks/github"


@pytest.fixture
async def installation(site: Site, github: GitHubDouble, app: App, shop: Repository) -> Installation:
    made = await install(site, github, app, "acme/shop")
    async with site.as_(await an_admin(site.store, "dev@example.com")) as api:
        wanted = {"slug": "shop", "repo": shop.url, "github_app": True, "command": "true"}
        answer = await api.post("/apps", json=wanted)
        assert answer.status_code == 201, answer.text
    return made


def pushed(
    github: GitHubDouble, installation: Installation, name: str = "acme/shop", **changes: object
) -> dict[str, object]:
    repository = github.world.repositories[name]
    told = {"id": repository.id, "full_name": name, "clone_url": f"{github.url}/{name}.git"}
    return {**a_push(A, B), "repository": told, "installation": {"id": installation.id}, **changes}


async def send(site: Site, delivery: Delivery, **headers: str) -> tuple[int, dict[str, object]]:
    async with site.client() as api:
        answer = await api.post(HOOK, content=delivery.body, headers={**delivery.headers, **headers})
    return answer.status_code, answer.json()


async def test_a_push_deploys_without_a_hook_in_the_repository(
    site: Site, admin: Browser, github: GitHubDouble, app: App, installation: Installation
) -> None:
    delivery = of_app(app, HOOK, "push", pushed(github, installation))
    status, told = await send(site, delivery)
    assert (status, told["decision"], told["deployment"]) == (202, "deploys", 1)
    assert github.world.repositories["acme/shop"].hooks == {}

    status, again = await send(site, delivery)
    assert (status, again["decision"]) == (202, "ignored")
    assert "came before" in str(again["why"])
    page = (await admin.get("/apps/shop/deliveries")).text
    assert "bbbbbbb was pushed to main." in page
    assert "The GitHub App tells of its pushes by a webhook of its own" in page


async def test_an_environment_that_is_deleted_meanwhile_keeps_no_other_from_its_push(
    site: Site, github: GitHubDouble, app: App, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find_one_too_many(store: Store, of: int, repository: int) -> list[Hook]:
        (shop,) = await find_followers(store, of, repository)
        return [replace(shop, environment_id=shop.environment_id + 1, environment=EnvironmentName("old")), shop]

    monkeypatch.setattr(from_app, "find_followers", find_one_too_many)
    status, told = await send(site, of_app(app, HOOK, "push", pushed(github, installation)))
    assert (status, told["decision"], told["deployment"]) == (202, "deploys", 1)


async def test_one_app_that_cannot_be_told_now_keeps_no_other_from_its_push(
    site: Site,
    admin: Browser,
    github: GitHubDouble,
    app: App,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await clone_app(site.store, at("shop"), "alike", node=None, actor=await an_admin(site.store, "c@example.com"))
    await admin.send("/apps/alike/deliveries/github")

    async def take_for_shop_alone(store: Store, queue: Queue, turns: Turns, hook: Hook, *told: Any) -> Answer:  # noqa: ANN401 - passed on
        if hook.app == "alike":
            raise Unavailable("The database is away.")
        return await take(store, queue, turns, hook, *told)

    monkeypatch.setattr(from_app, "take", take_for_shop_alone)
    status, told = await send(site, of_app(app, HOOK, "push", pushed(github, installation)))
    assert (status, await _deployments(site.store)) == (503, 1), told


@pytest.mark.parametrize("trouble", ["another secret", "a changed byte", "unsigned", "sha1", "gitlab", "no app"])
async def test_what_the_app_did_not_sign_changes_nothing(
    site: Site, admin: Browser, github: GitHubDouble, app: App, installation: Installation, trouble: str
) -> None:
    payload = pushed(github, installation)
    delivery = of_app(app, HOOK, "push", payload)
    headers: Mapping[str, str] = delivery.headers
    match trouble:
        case "another secret":
            delivery = of_app(replace(app, webhook_secret="another"), HOOK, "push", payload)
            headers = delivery.headers
        case "a changed byte":
            delivery = replace(delivery, body=delivery.body + b" ")
        case "unsigned":
            headers = {name: value for name, value in headers.items() if "signature" not in name}
        case "sha1":
            headers = {name: value for name, value in headers.items() if name != "x-hub-signature-256"}
        case "gitlab":
            headers = {"x-gitlab-event": "Push Hook", "x-gitlab-token": app.webhook_secret}
        case "no app":
            await admin.send("/settings/github/app/forget")
    status, _ = await send(site, replace(delivery, headers=headers))
    assert status == 401
    assert await _deliveries(site.store) == 0
    assert await _deployments(site.store) == 0


async def test_only_the_same_repository_of_the_same_installation_counts(
    site: Site, github: GitHubDouble, app: App, installation: Installation
) -> None:
    github.world.repository("acme/other")
    others = (
        pushed(github, installation, "acme/other"),
        {**pushed(github, installation), "installation": {"id": 99}},
    )
    for payload in others:
        _, told = await send(site, of_app(app, HOOK, "push", payload))
        assert (told["decision"], told["deployment"]) == ("ignored", None)
        assert "by the GitHub App." in str(told["why"])
    for broken in ({}, {"repository": {"id": 1}}, {"installation": {"id": "x"}, "repository": {"id": 1}}):
        _, told = await send(site, of_app(app, HOOK, "push", broken))
        assert told["decision"] == "refused"
    assert await _deployments(site.store) == 0


async def test_a_renamed_repository_keeps_its_number(
    site: Site, github: GitHubDouble, app: App, installation: Installation
) -> None:
    number = github.world.repositories["acme/shop"].id
    told = {"id": number, "full_name": "acme/store", "clone_url": f"{github.url}/acme/store.git"}
    _, answer = await send(site, of_app(app, HOOK, "push", pushed(github, installation, repository=told)))
    assert answer["decision"] == "deploys"
    assert "The repository is called acme/store now" in str(answer["why"])


async def test_a_copy_hears_of_pushes_only_when_somebody_says_so(
    site: Site, admin: Browser, github: GitHubDouble, app: App, installation: Installation
) -> None:
    await clone_app(site.store, at("shop"), "store", node=None, actor=await an_admin(site.store, "c@example.com"))
    _, told = await send(site, of_app(app, HOOK, "push", pushed(github, installation)))
    assert told["deployment"] == 1
    assert await _deployments(site.store) == 1
    page = await admin.send("/apps/store/deliveries/github")
    assert "Auto-deploy" in page.text
    await send(site, of_app(app, HOOK, "push", {**pushed(github, installation), "before": B, "after": "c" * 40}))
    assert await _deployments(site.store) == 3


@pytest.mark.parametrize("event", ["installation", "installation_repositories", "repository"])
async def test_what_the_app_may_open_is_asked_when_it_changes(
    site: Site, admin: Browser, github: GitHubDouble, app: App, installation: Installation, event: str
) -> None:
    await look(site.store)
    assert await look_if_due(site.store) is False
    github.world.change(installation, suspended=True)
    payload = {"action": "suspend", "installation": {"id": installation.id}}
    status, told = await send(site, of_app(app, HOOK, event, payload))
    assert (status, told["decision"]) == (202, "ignored")
    assert await look_if_due(site.store) is True
    assert "acme suspended the GitHub App." in (await admin.get("/settings/github")).text


@pytest.mark.parametrize("event", ["ping", "star", "check_suite", ""])
async def test_other_events_are_acknowledged(
    site: Site, github: GitHubDouble, app: App, installation: Installation, event: str
) -> None:
    status, told = await send(site, of_app(app, HOOK, event, {"zen": "Keep it logically awesome."}))
    assert (status, told["decision"]) == (202, "ignored")


async def _deliveries(store: Store) -> int:
    async with store.connection() as connection:
        return int((await only(await connection.execute("SELECT count(*) FROM webhook_deliveries")))[0])


async def _deployments(store: Store) -> int:
    async with store.connection() as connection:
        return int((await only(await connection.execute("SELECT count(*) FROM deployments")))[0])


async def test_the_app_tells_what_became_of_a_commit(
    site: Site, github: GitHubDouble, app: App, installation: Installation
) -> None:
    await send(site, of_app(app, HOOK, "push", pushed(github, installation)))
    repository = github.world.repositories["acme/shop"]
    async with site.store.transaction() as tx:
        await tx.connection.execute("UPDATE builds SET version = %s", (repository.branches["main"],))
    await tell_news(site.store, BASE)
    assert [(one["state"], one["context"]) for one in repository.statuses] == [("pending", "bakery/shop/production")]
    grants = [grant for token, grant in github.world.tokens.items() if token.startswith("ghs_")]
    assert all(grant.repositories == {"acme/shop"} for grant in grants)


async def test_a_kept_token_that_github_takes_no_more_gives_way_to_another(
    site: Site, github: GitHubDouble, app: App, installation: Installation
) -> None:
    await send(site, of_app(app, HOOK, "push", pushed(github, installation)))
    repository = github.world.repositories["acme/shop"]
    async with site.store.transaction() as tx:
        await tx.connection.execute("UPDATE builds SET version = %s", (repository.branches["main"],))
    await token_to_tell(site.store, installation.id, repository.id)
    github.world.tokens.clear()
    await tell_news(site.store, BASE)
    assert repository.statuses == []
    async with site.store.transaction() as tx:
        await tx.connection.execute("UPDATE github_reports SET next_at = now()")
    await tell_news(site.store, BASE)
    assert [one["state"] for one in repository.statuses] == ["pending"]


async def test_a_pull_request_has_its_preview_and_its_comment_by_the_app(
    site: Site, admin: Browser, github: GitHubDouble, app: App, installation: Installation
) -> None:
    async with site.as_(await an_admin(site.store, "pat@example.com")) as api:
        assert (await api.patch("/apps/shop/previews/settings", json={"is_on": True})).status_code == 200
    assert "Nothing arrives." not in (await admin.get("/apps/shop/previews")).text
    repository = github.world.repositories["acme/shop"]
    told = at_repository(a_pull_request(), repository.id, f"{github.url}/acme/shop")
    payload = {**told, "installation": {"id": installation.id}}
    _, answer = await send(site, of_app(app, HOOK, "pull_request", payload))
    assert answer["decision"] == "previews"
    await settle_previews(site.store, site.parts.queue, now=now())
    await tell_previews(site.store, BASE)
    (ours,) = repository.comments.values()

    # It is known again by the App's number: not by its name, nor when a person writes by the App.
    ours["user"] = {"login": "renamed[bot]", "id": 7, "type": "Bot"}
    forged: dict[str, object] = {**ours, "id": 1, "user": {"login": "mallory", "id": 99, "type": "User"}}
    repository.comments = {1: forged, **repository.comments}
    async with site.store.transaction() as tx:  # as a kill between would leave it
        await tx.connection.execute("UPDATE previews SET comment = NULL, comment_said = ''")
    await tell_previews(site.store, BASE)
    assert len(repository.comments) == 2
    async with site.store.connection() as connection:
        (comment,) = await only(await connection.execute("SELECT comment FROM previews"))
    assert comment == ours["id"]

    await send(site, of_app(app, HOOK, "push", pushed(github, installation, ref="refs/heads/carts")))
    assert await _deployments(site.store) == 1


async def test_what_really_came_from_github_is_answered_whatever_its_kind(
    site: Site, github: GitHubDouble, app: App, installation: Installation
) -> None:
    """Of a stranger's installation, and as if it were of ours."""
    ours = pushed(github, installation)
    repository = ours["repository"]
    assert isinstance(repository, dict)
    answers = []
    for event, deliveries in github_events.as_they_came().items():
        for told in deliveries:
            here = {**github_events.of_repository(told, repository), "installation": ours["installation"]}
            answers += [(event, *await send(site, of_app(app, HOOK, event, one))) for one in (told, here)]
    assert {(event, status) for event, status, _ in answers if status not in {200, 202}} == set()
    assert [said for _, _, said in answers if said["decision"] == "deploys"] == []
    assert all(said["why"] for _, _, said in answers)
