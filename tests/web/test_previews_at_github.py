"""Previews and GitHub: its webhook tells of pull requests, and it is told what becomes of them."""

import pytest

from bakery.delivery.moves import move_deployment
from bakery.hooks import preview_comments, preview_rows
from bakery.hooks.preview_comments import tell_previews
from bakery.hooks.preview_settling import settle_previews
from bakery.model.actor import Actor
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BakeryError
from bakery.store.rows import only
from bakery.web.moments import now
from tests.api.site import BASE, Site
from tests.github_double.deliveries import of_repository
from tests.github_double.server import GitHubDouble
from tests.github_double.world import Repository
from tests.hooks.pull_requests import FORK, at_repository, pushed
from tests.hooks.pull_requests import github as a_pull_request
from tests.hooks.pushes import A, B
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


class AtGitHub:
    """An app with previews whose webhook is there, and what GitHub sends to it."""

    def __init__(self, site: Site, linked: Actor, github: GitHubDouble) -> None:
        self.site, self.linked, self.github = site, linked, github
        self.repository = github.world.repositories["acme/shop"]

    @property
    def comments(self) -> list[str]:
        return [str(each["body"]) for each in self.repository.comments.values()]

    async def send(self, told: dict[str, object], *, settles: bool = True) -> None:
        (number,) = self.repository.hooks
        told = at_repository(told, self.repository.id, f"{self.github.url}/acme/shop")
        delivery = of_repository(self.repository, number, "pull_request", told)
        assert delivery is not None
        async with self.site.client() as api:
            answer = await api.post(delivery.url, content=delivery.body, headers=dict(delivery.headers))
        assert answer.status_code == 202, answer.text
        if settles:
            await self.settle()

    async def settle(self) -> None:
        await settle_previews(self.site.store, self.site.parts.queue, now=now())
        await tell_previews(self.site.store, BASE)

    async def end(self, state: DeploymentState) -> None:
        """The newest deployment is known by its commit, and ends."""
        async with self.site.store.transaction() as tx:
            await tx.connection.execute("UPDATE builds SET version = ref")
            found = await tx.connection.execute("SELECT max(id) FROM deployments")
            newest = int((await only(found))[0])
            await move_deployment(tx, newest, DeploymentState.RUNNING)
        async with self.site.store.transaction() as tx:
            failure = BakeryError("It failed.") if state is DeploymentState.FAILED else None
            await move_deployment(tx, newest, state, failure=failure)
        await tell_previews(self.site.store, BASE)


@pytest.fixture
async def there(site: Site, linked: Actor, github: GitHubDouble) -> AtGitHub:
    await an_app_at_github(site, linked, github)
    async with site.as_(linked) as api:
        await api.patch(SETTINGS, json={"is_on": True, "forks": "approval"})
        await api.post("/apps/shop/webhook/github")
    return AtGitHub(site, linked, github)


def a_comment(*rows: tuple[str, str]) -> str:
    table = "".join(f"| {title} | {text} |\n" for title, text in rows)
    return (
        f"<!-- bakery preview of shop at {BASE} -->\n**Preview of [shop]({BASE}/apps/shop/previews)**\n\n"
        f"| | |\n| --- | --- |\n{table}"
    )


async def test_one_comment_is_kept_up_to_date_from_the_first_commit_to_the_end(there: AtGitHub) -> None:
    await there.send(a_pull_request())
    log = ("Log", f"[Deployment #1]({BASE}/apps/shop/deployments/1?env=pr42)")
    assert there.comments == [a_comment(("State", "Waits for its turn"), ("Commit", A), log)]
    (comment,) = there.repository.comments.values()
    assert comment["issue"] == 42
    await there.end(DeploymentState.FAILED)
    assert there.comments == [a_comment(("State", "Failed"), ("Commit", A), log)]
    await there.send(pushed(A, B, at=1))
    second = ("Log", f"[Deployment #2]({BASE}/apps/shop/deployments/2?env=pr42)")
    assert there.comments == [a_comment(("State", "Waits for its turn"), ("Commit", B), second)]
    await there.send(a_pull_request("closed", B, at=2))
    assert there.comments == [a_comment(("State", "Closed"), ("Commit", B))]
    asked = len(there.github.world.asked)
    await there.settle()
    assert len(there.github.world.asked) == asked  # what is said is not said again


async def test_nothing_that_a_stranger_wrote_is_in_it(there: AtGitHub) -> None:
    told = a_pull_request(head=FORK)
    told["pull_request"] |= {"title": "| [x](javascript:1) |", "user": {"login": "mallory"}}
    await there.send(told)
    waits = "Comes from a fork: waits for somebody at Bakery to approve this commit"
    assert there.comments == [a_comment(("State", waits), ("Commit", A))]


async def test_one_of_whose_number_an_answer_never_came_is_found_again(there: AtGitHub) -> None:
    await there.send(a_pull_request())
    async with there.site.store.transaction() as tx:  # as a kill between would leave it
        await tx.connection.execute("UPDATE previews SET comment = NULL, comment_said = ''")
    await there.settle()
    assert len(there.comments) == 1


async def test_who_was_renamed_still_knows_their_comment_and_who_took_the_name_has_none(there: AtGitHub) -> None:
    await there.send(a_pull_request())
    (ours,) = there.repository.comments.values()
    ours["user"] = {"login": "anna", "id": 2, "type": "User"}
    forged: dict[str, object] = {**ours, "id": 1, "user": {"login": "ann", "id": 99, "type": "User"}}
    there.repository.comments = {1: forged, **there.repository.comments}
    async with there.site.store.transaction() as tx:  # as a kill between would leave it
        await tx.connection.execute("UPDATE previews SET comment = NULL, comment_said = ''")
    await there.send(pushed(A, B, at=1))
    assert len(there.comments) == 2
    assert [f"| Commit | {B} |" in str(one["body"]) for one in (forged, ours)] == [False, True]


async def test_of_whom_no_number_is_known_it_is_learned_with_the_next_comment(there: AtGitHub) -> None:
    async with there.site.store.transaction() as tx:  # as people linked before numbers were kept
        await tx.connection.execute("UPDATE github_links SET number = NULL")
    await there.send(a_pull_request())
    async with there.site.store.connection() as connection:
        row = await only(await connection.execute("SELECT login, number FROM github_links"))
    assert row == ("ann", 2)


async def test_what_a_stranger_wrote_in_the_words_of_ours_is_left_alone(there: AtGitHub) -> None:
    await there.send(a_pull_request())
    (ours,) = there.comments
    forged: dict[str, object] = {"id": 1, "issue": 42, "body": ours, "user": {"login": "mallory"}}
    there.repository.comments[1] = forged
    there.repository.comments.pop(next(number for number in there.repository.comments if number != 1))
    async with there.site.store.transaction() as tx:  # as a kill between would leave it
        await tx.connection.execute("UPDATE previews SET comment = NULL, comment_said = ''")
    await there.send(pushed(A, B, at=1))
    assert forged["body"] == ours
    assert len(there.comments) == 2
    assert f"| Commit | {B} |" in there.comments[1]


async def test_one_of_whose_number_an_answer_never_came_says_also_that_it_is_closed(there: AtGitHub) -> None:
    await there.send(a_pull_request())
    async with there.site.store.transaction() as tx:
        await tx.connection.execute("UPDATE previews SET comment = NULL, comment_said = ''")
    await there.send(a_pull_request("closed", at=1))
    assert there.comments == [a_comment(("State", "Closed"), ("Commit", A))]
    asked = len(there.github.world.asked)
    await there.settle()
    assert len(there.github.world.asked) == asked


async def test_one_that_somebody_deleted_there_is_made_anew_with_the_next_news(there: AtGitHub) -> None:
    await there.send(a_pull_request())
    there.repository.comments.clear()
    await there.settle()
    assert there.comments == []
    await there.end(DeploymentState.FAILED)
    assert len(there.comments) == 1


async def test_github_that_is_away_is_told_later_and_the_page_says_so(there: AtGitHub) -> None:
    await there.send(a_pull_request(), settles=False)
    there.github.world.faults = [(502, {})]
    await there.settle()
    await there.settle()
    assert there.comments == []
    async with there.site.as_(there.linked) as api:
        (one,) = (await api.get("/apps/shop/previews")).json()["items"]
    assert "it answered 502" in one["comment_problem"]
    async with there.site.store.transaction() as tx:
        await tx.connection.execute("UPDATE previews SET comment_at = now()")
    await there.settle()
    assert len(there.comments) == 1
    async with there.site.as_(there.linked) as api:
        (one,) = (await api.get("/apps/shop/previews")).json()["items"]
    assert one["comment_problem"] == ""


async def test_of_many_each_is_told_in_its_turn(there: AtGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_comments, "_AT_ONCE", 1)
    monkeypatch.setattr(preview_comments, "_A_PAGE", 2)
    monkeypatch.setattr(preview_rows, "_A_PAGE", 2)
    async with there.site.as_(there.linked) as api:
        await api.patch(SETTINGS, json={"is_on": True, "most": 5})
    for number in range(1, 6):
        await there.send(a_pull_request(number=number), settles=False)
    await settle_previews(there.site.store, there.site.parts.queue, now=now())
    told, last = [], 0
    for _ in range(6):  # the last finds out that there are no more
        last = await tell_previews(there.site.store, BASE, after=last)
        told.append(sorted(int(str(each["issue"])) for each in there.repository.comments.values()))
    assert told == [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]
    assert last == 0


async def test_a_link_that_may_not_is_not_asked_again_for_the_same_news(there: AtGitHub) -> None:
    await there.send(a_pull_request(), settles=False)
    there.github.world.repositories.clear()
    await there.settle()
    asked = len(there.github.world.asked)
    await there.settle()
    assert len(there.github.world.asked) == asked
