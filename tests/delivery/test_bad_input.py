"""What people give that cannot work ends in a sentence with its cause and the next step, and the old release stays."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace

from bakery.delivery.app_settings import change_app
from bakery.delivery.history import DeploymentDetail
from bakery.delivery.request import request_deployment
from bakery.delivery.sources import set_source
from bakery.model.deployments import DeploymentState
from bakery.model.names import AppName
from bakery.model.sources import parse_new_source
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.delivery.invariants import Visitor, expect_no_leftovers
from tests.delivery.test_pipeline import a_project, processes_of
from tests.support.git_server import a_git_server, git
from tests.support.places import at

BLUE = ("bakery-shop-production-blue",)


async def test_a_port_that_is_never_opened(fleet: Fleet) -> None:
    await fleet.make()
    found = await deploy_beside_a_live_one(fleet, an_app("one"), an_app("two", before="time.sleep(60)"))
    assert found.deployment.failure == (
        "The release did not answer as it should within 2 s: the port does not accept connections."
    )
    assert re.fullmatch(
        r"It has to listen on 127\.0\.0\.1, port \d+, which it finds in the variable PORT\.", found.deployment.hint
    )
    await expect_no_leftovers(fleet, units=BLUE, releases=("1", "2"))  # for a retry


async def test_a_page_for_its_health_that_does_not_exist(fleet: Fleet) -> None:
    await fleet.make()
    answer = "(200, b'hello') if self.path == '/' else (404, b'')"
    await fleet.deploy_well(an_app("one", answer=answer))
    await change_app(fleet.store, at(AppName("shop")), {"health": "/helth"}, actor=ADMIN)
    found = await impatient(fleet).deploy(an_app("two", answer=answer))
    assert (found.deployment.state, found.deployment.failure, found.deployment.hint) == (
        DeploymentState.FAILED,
        "The release did not answer as it should within 2 s: GET /helth answered 404.",
        "It listens where it should. Mend what it answers, or have another page asked for its health.",
    )
    assert await fleet.visitors_see("hello")


async def test_a_suite_of_tests_that_hangs(fleet: Fleet) -> None:
    await fleet.make(command="")
    hangs = "echo 3 of 7; sleep 4713 & sleep 4713; wait"
    found = await deploy_beside_a_live_one(fleet, a_project("one"), a_project("two", test=hangs))
    assert found.deployment.failure.startswith("The tests did not end within 2 s: `sh -c ")
    assert found.deployment.failure.endswith(" last said “3 of 7”.")
    assert found.deployment.hint == "Mend what its tests found, or deploy without them."
    assert processes_of(b"sleep\x004713") == []
    assert await fleet.node.jobs.list() == {}
    await expect_no_leftovers(fleet, units=BLUE, releases=("1",))


async def test_a_branch_that_went_and_a_repository_that_was_emptied(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    with a_git_server() as server:
        repository = await asyncio.to_thread(server.repository, "shop")
        await asyncio.to_thread(repository.commit, "Open the shop", an_app("two"))
        await asyncio.to_thread(repository.commit, "Try it", an_app("three"), branch="trunk")
        new = parse_new_source(url=repository.url, token=None, branch="main", base="")
        await set_source(fleet.store, fleet.links, at("shop"), new, actor=ADMIN)
        for branch, failure, hint in (
            ("main", "There is no branch “main” in the repository.", "It has trunk."),
            ("trunk", "The repository is empty.", "Push a commit to it, and deploy again."),
        ):
            await asyncio.to_thread(git, repository.bare, "update-ref", "-d", f"refs/heads/{branch}")
            found = await fleet.run(await request_deployment(fleet.store, fleet.queue, at("shop"), actor=ADMIN))
            ended = found.deployment
            assert (ended.state, ended.failure, ended.hint) == (DeploymentState.FAILED, failure, hint)
    assert await fleet.visitors_see("one")
    await expect_no_leftovers(fleet, units=BLUE, releases=("1",))


async def deploy_beside_a_live_one(fleet: Fleet, live: Mapping[str, str], files: Mapping[str, str]) -> DeploymentDetail:
    """It fails, and visitors notice nothing."""
    await fleet.deploy_well(live)
    async with Visitor(fleet) as visitor:
        found = await impatient(fleet).deploy(files)
    assert found.deployment.state is DeploymentState.FAILED
    assert visitor.failed == []
    assert await fleet.visitors_see("one")
    return found


def impatient(fleet: Fleet) -> Fleet:
    return replace(fleet, patience=replace(fleet.patience, check=2, job=2))
