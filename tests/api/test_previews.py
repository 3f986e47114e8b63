"""Pull requests that arrive, and the previews that they have."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from bakery.delivery.delete import clear_environment
from bakery.hooks import preview_settling
from bakery.hooks.preview_settling import settle_previews
from bakery.model.errors import Unavailable
from bakery.model.permissions import Scope
from bakery.store.rows import only
from bakery.web.moments import now
from tests.api.site import Site
from tests.api.test_webhook import a_server, a_shop
from tests.hooks.pull_requests import FORK, github, pushed
from tests.hooks.pushes import A, B, C, packed, signed
from tests.hooks.pushes import github as a_push
from tests.support.people import a_developer, a_viewer, an_admin

_SECRETS = {"text": "DATABASE_URL=postgres://live\nSTRIPE_KEY=sk_live\nPAGE_SIZE=48"}


class Shop:
    """One that follows a repository, with its webhook and an Admin's program."""

    def __init__(self, site: Site, hook: tuple[str, str], server: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
        self.site, self.hook, self.server, self.client = site, hook, server, client
        self.count = 0

    async def tell(self, told: dict[str, Any], *, event: str = "pull_request") -> tuple[str, str]:
        self.count += 1
        body = packed(told)
        headers = dict(signed(body, event=event, delivery=str(self.count), secret=self.hook[1]))
        answer = await self.server.post(self.hook[0], content=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()["decision"], answer.json()["why"]

    async def set(self, **wanted: object) -> None:
        answer = await self.client.patch("/apps/shop/previews/settings", json={"is_on": True, **wanted})
        assert answer.status_code == 200, answer.text

    async def settle(self, *, later: timedelta = timedelta()) -> None:
        """As often as the worker would; what waits for a node is looked at without waiting."""
        for _ in range(3):
            async with self.site.store.transaction() as tx:
                await tx.connection.execute("UPDATE previews SET next_at = now()")
            await settle_previews(self.site.store, self.site.parts.queue, now=now() + later)

    async def looked_at_within(self, *, seconds: int) -> list[int]:
        """Of those that have no place yet."""
        async with self.site.store.transaction() as tx:
            found = await tx.connection.execute(
                "SELECT number FROM previews WHERE state = 'room' AND next_at < now() + make_interval(secs => %s)",
                (seconds,),
            )
            return [int(number) for (number,) in await found.fetchall()]

    async def keep_apps_apart(self) -> None:
        """As a node does that root looks after."""
        async with self.site.store.transaction() as tx:
            await tx.connection.execute("UPDATE nodes SET facts = jsonb_set(facts, '{is_root}', 'true')")

    async def previews(self) -> list[dict[str, Any]]:
        return list((await self.client.get("/apps/shop/previews")).json()["items"])

    async def environments(self) -> list[str]:
        found = (await self.client.get("/apps/shop/environments")).json()["items"]
        return [one["environment"] for one in found]

    async def deployments(self) -> list[tuple[str, str, str]]:
        async with self.site.store.transaction() as tx:
            found = await tx.connection.execute(
                """
                SELECT environments.name, builds.ref, state FROM deployments
                JOIN environments ON environments.id = environment_id
                JOIN releases ON releases.id = release_id JOIN builds ON builds.id = build_id ORDER BY deployments.id
                """
            )
            return [(str(name), str(ref), str(state)) for name, ref, state in await found.fetchall()]

    async def clear(self) -> None:
        """What the worker does with environments that go."""
        node = await self.site.parts.machine.node()
        async with self.site.store.transaction() as tx:
            found = await tx.connection.execute("SELECT id FROM environments WHERE going_since IS NOT NULL")
            going = [int(one) for (one,) in await found.fetchall()]
        for environment in going:
            await clear_environment(self.site.store, node, environment)


@pytest.fixture
async def shop(site: Site) -> Any:  # noqa: ANN401 - a generator
    hook = await a_shop(site)
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        (await client.patch("/apps/shop/env", json=_SECRETS)).raise_for_status()
        yield Shop(site, hook, server, client)


async def test_a_pull_request_has_a_place_of_its_own_until_it_is_closed(shop: Shop) -> None:
    await shop.set(variables=["PAGE_SIZE", "NOT_THERE"], memory="256M", cpus="0.5")
    assert await shop.tell(github()) == ("previews", "Pull request #42 is at aaaaaaa.")
    await shop.settle()
    assert await shop.environments() == ["production", "pr42"]
    assert await shop.deployments() == [("pr42", A, "queued")]
    variables = (await shop.client.get("/apps/shop/env?env=pr42")).json()
    assert [one["name"] for one in variables["items"]] == ["PAGE_SIZE"]
    async with shop.site.store.transaction() as tx:
        limits = await tx.connection.execute(
            "SELECT memory_bytes, cpu_percent, git_sources.branch FROM environments "
            "JOIN git_sources ON environment_id = environments.id WHERE name = 'pr42'"
        )
        assert await only(limits) == (256 * 1024**2, 50, "carts")
    (one,) = await shop.previews()
    assert {name: one[name] for name in ("number", "title", "branch", "author", "is_fork", "state", "status")} == {
        "number": 42, "title": "Round the cart's total once", "branch": "carts", "author": "ann", "is_fork": False,
        "state": "placed", "status": "deploying",
    }  # fmt: skip
    assert one["deployment"] == 1

    await shop.tell(pushed(A, B, at=1))
    await shop.settle()
    assert await shop.deployments() == [("pr42", A, "superseded"), ("pr42", B, "queued")]

    assert (await shop.tell(github("closed", B, at=2)))[0] == "previews"
    await shop.settle()
    assert await shop.environments() == ["production"]
    await shop.clear()
    assert await shop.deployments() == []
    (one,) = await shop.previews()
    assert (one["state"], one["is_open"], one["environment"]) == ("closed", False, None)

    await shop.tell(github("reopened", B, at=3))
    await shop.settle()
    assert await shop.deployments() == [("pr42", B, "queued")]
    listed = (await shop.client.get("/apps/shop/webhook/deliveries")).json()["items"]
    assert [(one["decision"], one["ref"], one["commit"], one["pusher"], one["deployment"]) for one in listed] == [
        ("previews", "refs/pull/42/head", commit, "ann", None) for commit in (B, B, B, A)
    ]
    actions = [one["action"] for one in (await shop.client.get("/activity")).json()["items"]]
    assert [action for action in actions if action.startswith("preview.")] == [
        "preview.made", "preview.removed", "preview.made", "preview.settings_changed",
    ]  # fmt: skip


async def test_that_it_was_taken_away_is_written_down_with_it_or_neither_is_done(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.set()
    await shop.tell(github())
    await shop.settle()
    await shop.tell(github("closed", at=2))

    async def cut(*_: object) -> None:
        raise Unavailable("The database went away.")

    with monkeypatch.context() as patched:
        patched.setattr(preview_settling, "_call_next", cut)
        with pytest.raises(Unavailable):
            await shop.settle()
    assert await shop.environments() == ["production", "pr42"]
    await shop.settle()
    assert await shop.environments() == ["production"]
    actions = [one["action"] for one in (await shop.client.get("/activity")).json()["items"]]
    assert actions.count("preview.removed") == 1


async def test_events_out_of_order_bring_nothing_back(shop: Shop) -> None:
    await shop.set()
    await shop.tell(github("closed", B, at=5))
    for late in (github("opened", A, at=0), pushed(A, B, at=4), pushed(A, B, at=5)):
        assert (await shop.tell(late))[0] == "ignored"
    await shop.settle()
    assert await shop.environments() == ["production"]

    await shop.tell(github("opened", A, number=43, at=1))
    await shop.tell(pushed(B, C, number=43, at=1))  # before the one between, in the same second
    await shop.tell(pushed(A, B, number=43, at=1))
    await shop.settle()
    assert await shop.deployments() == [("pr43", C, "queued")]


async def test_a_pull_request_never_deploys_what_the_webhook_is_of(shop: Shop) -> None:
    await shop.set()
    await shop.tell(github())
    assert (await shop.tell(a_push(A, B), event="push"))[0] == "deploys"
    await shop.settle()
    assert await shop.deployments() == [("production", B, "queued"), ("pr42", A, "queued")]


async def test_a_fork_is_built_only_as_a_person_approved_it_and_gets_no_variables(shop: Shop) -> None:
    await shop.set(variables=["DATABASE_URL", "PAGE_SIZE"])
    assert (await shop.tell(github(head=FORK)))[0] == "refused"
    await shop.set(forks="approval")
    await shop.tell(github(head=FORK, at=1))
    await shop.keep_apps_apart()
    await shop.settle()
    (one,) = await shop.previews()
    assert (one["state"], one["waits_for_approval"], await shop.environments()) == ("approval", True, ["production"])

    approve = "/apps/shop/previews/42/approve"
    assert (await shop.client.post(approve, json={"commit": B})).status_code == 409
    assert (await shop.client.post(approve, json={"commit": A[:39]})).status_code == 409
    assert (await shop.client.post(approve, json={"commit": A})).status_code == 204
    await shop.settle()
    assert await shop.deployments() == [("pr42", A, "queued")]
    assert (await shop.client.get("/apps/shop/env?env=pr42")).json()["items"] == []
    given = await shop.client.patch("/apps/shop/env?env=pr42", json={"text": "STRIPE_KEY=sk_live"})
    assert (given.status_code, "is never given variables" in given.text) == (409, True)
    async with shop.site.store.transaction() as tx:
        source = await tx.connection.execute("SELECT bool_and(NOT submodules) FROM git_sources WHERE branch = 'main' "
            "AND environment_id = (SELECT environment_id FROM previews)")  # fmt: skip
        assert await only(source) == (True,)

    await shop.tell(pushed(A, B, head=FORK, at=2))
    await shop.settle()
    (one,) = await shop.previews()
    assert (one["waits_for_approval"], one["head"], one["deployed"]) == (True, B, "")
    assert await shop.deployments() == [("pr42", A, "queued")]
    await shop.client.post(approve, json={"commit": B})
    await shop.settle()
    assert (await shop.deployments())[-1] == ("pr42", B, "queued")


async def test_a_fork_is_never_built_where_a_branch_of_the_repository_was(shop: Shop) -> None:
    """As when the app follows another repository, whose pull request has the same number."""
    await shop.set(variables=["DATABASE_URL"], forks="approval")
    await shop.tell(github())
    await shop.settle()
    await shop.tell(pushed(A, B, head=FORK, at=1))
    await shop.keep_apps_apart()
    await shop.settle()
    assert await shop.environments() == ["production"]
    await shop.clear()
    await shop.client.post("/apps/shop/previews/42/approve", json={"commit": B})
    await shop.settle()
    assert (await shop.client.get("/apps/shop/env?env=pr42")).json()["items"] == []
    assert (await shop.deployments())[-1] == ("pr42", B, "queued")


async def test_what_was_told_before_previews_were_on_is_delivered_again(shop: Shop) -> None:
    await shop.tell(github())
    await shop.set()
    (kept,) = (await shop.client.get("/apps/shop/webhook/deliveries")).json()["items"]
    again = f"/apps/shop/webhook/deliveries/{kept['id']}/redeliver"
    assert kept["decision"] == "ignored"
    assert (await shop.client.post(again)).json()["decision"] == "previews"
    await shop.settle()
    assert await shop.deployments() == [("pr42", A, "queued")]

    await shop.client.post("/apps/shop/previews/42/close")
    await shop.settle()
    await shop.clear()
    assert (await shop.client.post(again)).json()["decision"] == "previews"
    await shop.settle()
    assert await shop.environments() == ["production", "pr42"]

    await shop.tell(pushed(A, B, at=1))
    assert "older" in (await shop.client.post(again)).json()["why"]
    await shop.tell(github("closed", commit=B, at=2))
    assert (await shop.client.post(again)).json()["decision"] == "ignored"


async def test_who_only_looks_or_deploys_by_token_approves_nothing(shop: Shop) -> None:
    await shop.set(forks="approval")
    await shop.tell(github(head=FORK))
    developer = await a_developer(shop.site.store)
    for person, scope in ((await a_viewer(shop.site.store), Scope.ADMIN), (developer, Scope.DEPLOY)):
        async with shop.site.as_(person, scope) as client:
            assert (await client.post("/apps/shop/previews/42/approve", json={"commit": A})).status_code == 403
            assert (await client.patch("/apps/shop/previews/settings", json={"forks": "approval"})).status_code == 403
    async with shop.site.as_(developer) as client:
        assert (await client.post("/apps/shop/previews/42/approve", json={"commit": A})).status_code == 204


async def test_so_many_at_once_and_who_came_first_has_room_first(shop: Shop) -> None:
    await shop.set(most=1)
    for number in (1, 2, 3):
        await shop.tell(github(number=number))
    await shop.settle()
    assert [(one["number"], one["state"]) for one in await shop.previews()] == [(3, "room"), (2, "room"), (1, "placed")]
    assert await shop.looked_at_within(seconds=10) == [2]  # the others in a while, as there may be many
    assert (await shop.client.post("/apps/shop/previews/1/close")).status_code == 204
    assert (await shop.client.post("/apps/shop/previews/1/close")).status_code == 409
    await shop.settle()
    assert await shop.environments() == ["production", "pr2"]
    assert [(one["number"], one["state"], one["ended"]) for one in await shop.previews()] == [
        (3, "room", ""), (2, "placed", ""), (1, "closed", "person"),
    ]  # fmt: skip


async def test_one_without_a_push_for_days_goes_and_comes_back_with_the_next(shop: Shop) -> None:
    await shop.set(days=3)
    await shop.tell(github())
    await shop.settle(later=timedelta(days=2))
    assert await shop.environments() == ["production", "pr42"]
    await shop.settle(later=timedelta(days=4))
    assert await shop.environments() == ["production"]
    (one,) = await shop.previews()
    assert (one["ended"], one["is_open"]) == ("old", True)
    await shop.clear()
    await shop.tell(pushed(A, B, at=1))
    await shop.settle()
    assert await shop.deployments() == [("pr42", B, "queued")]


async def test_with_previews_off_all_go_and_with_previews_on_none_comes_by_itself(shop: Shop) -> None:
    await shop.set()
    await shop.tell(github())
    await shop.settle()
    await shop.set(is_on=False)
    await shop.settle()
    assert await shop.environments() == ["production"]
    await shop.clear()
    await shop.set()
    await shop.settle()
    assert await shop.environments() == ["production"]


async def test_one_whose_environment_somebody_deleted_stays_away_until_the_next_push(shop: Shop) -> None:
    await shop.set()
    await shop.tell(github())
    await shop.settle()
    assert (await shop.client.delete("/apps/shop?env=pr42&confirm=shop")).status_code < 300
    await shop.clear()
    await shop.settle()
    (one,) = await shop.previews()
    assert (one["ended"], await shop.environments()) == ("person", ["production"])


async def test_an_environment_that_is_in_the_way_is_told_and_left_alone(shop: Shop) -> None:
    await shop.set()
    await shop.client.post("/apps/shop/environments", json={"name": "pr42"})
    await shop.tell(github())
    await shop.settle()
    (one,) = await shop.previews()
    assert (one["state"], "which is no preview" in one["problem"]) == ("refused", True)
    await shop.tell(github("closed", at=1))
    await shop.settle()
    assert await shop.environments() == ["production", "pr42"]


async def test_a_fork_is_not_built_where_its_code_could_read_what_other_apps_are_given(shop: Shop) -> None:
    await shop.set(forks="approval")
    await shop.tell(github(head=FORK))
    await shop.client.post("/apps/shop/previews/42/approve", json={"commit": A})
    await shop.settle()
    (one,) = await shop.previews()
    assert (one["state"], await shop.environments()) == ("refused", ["production"])
    assert one["problem"].startswith("local runs all apps as one user")
    await shop.keep_apps_apart()
    await shop.settle()
    assert await shop.environments() == ["production", "pr42"]


async def test_a_preview_asks_of_visitors_what_the_original_asks(shop: Shop) -> None:
    await shop.set()
    answer = await shop.client.put("/apps/shop/site/users/ann", json={"password": "open sesame"})
    assert answer.status_code < 300, answer.text
    await shop.tell(github())
    await shop.settle()
    sites = [(await shop.client.get(f"/apps/shop/site{env}")).json() for env in ("", "?env=pr42")]
    assert sites[0]["users"] == sites[1]["users"] != []
