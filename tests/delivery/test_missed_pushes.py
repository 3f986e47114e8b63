"""A branch that went on without a word, on a real machine with a real server of Git."""

import asyncio
from collections.abc import Iterator

import pytest

from bakery.delivery.request import request_deployment
from bakery.delivery.sources import set_source
from bakery.hooks.looking import look_at_branch, look_at_due_branches, show_branch
from bakery.hooks.missed import why_not_live
from bakery.hooks.webhooks import make_secret
from bakery.model.sources import parse_new_source
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.git_server import GitServer, a_git_server
from tests.support.places import at


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        yield server


async def test_a_push_that_never_arrived_is_seen_and_told(fleet: Fleet, server: GitServer) -> None:
    await fleet.make(command="python3 app.py")
    repository = server.repository("shop")
    first = await asyncio.to_thread(repository.commit, "Open the shop", an_app("one"))
    new = parse_new_source(url=repository.url, branch="main")
    await set_source(fleet.store, fleet.links, at("shop"), new, actor=ADMIN)
    unseen = await show_branch(fleet.store, at("shop"), actor=ADMIN)
    assert unseen is not None
    assert (unseen.at, unseen.commit) == (None, None)
    await fleet.run(await request_deployment(fleet.store, fleet.queue, at("shop"), actor=ADMIN))
    seen = await look_at_branch(fleet.store, fleet.links, at("shop"), actor=ADMIN)
    assert (seen.commit, seen.live, why_not_live(seen)) == (first, first, "")

    second = await asyncio.to_thread(repository.commit, "Paint it", an_app("two"))
    assert await look_at_due_branches(fleet.store, fleet.links) == 0, "without a webhook nobody asks by themselves"
    seen = await look_at_branch(fleet.store, fleet.links, at("shop"), actor=ADMIN)
    gap = f"main is at {second[:7]}, and {first[:7]} is live."
    assert why_not_live(seen) == f"{gap} There is no webhook, so nobody told Bakery."

    await make_secret(fleet.store, at("shop"), actor=ADMIN)
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("UPDATE branch_looks SET next_at = now(), commit = NULL")
    assert [await look_at_due_branches(fleet.store, fleet.links) for _ in range(2)] == [1, 0]
    found = await show_branch(fleet.store, at("shop"), actor=ADMIN)
    assert found is not None
    assert why_not_live(found).startswith(f"{gap} Its push never arrived.")

    await fleet.run(await request_deployment(fleet.store, fleet.queue, at("shop"), actor=ADMIN))
    found = await show_branch(fleet.store, at("shop"), actor=ADMIN)
    assert found is not None
    assert (found.live, why_not_live(found)) == (second, "")


async def test_a_server_that_does_not_let_us_in_is_told(fleet: Fleet, server: GitServer) -> None:
    await fleet.make(command="python3 app.py")
    repository = server.repository("shop")
    await asyncio.to_thread(repository.commit, "Open the shop", an_app("one"))
    new = parse_new_source(url=repository.url, branch="main")
    await set_source(fleet.store, fleet.links, at("shop"), new, actor=ADMIN)
    server.wants["shop"] = ("ann", "another token")
    seen = await look_at_branch(fleet.store, fleet.links, at("shop"), actor=ADMIN)
    assert (seen.commit, why_not_live(seen)) == (None, "")
    assert seen.problem == f"127.0.0.1 does not let us in to {repository.url}."
    assert seen.hint
