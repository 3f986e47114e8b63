"""From a commit in a repository to a release that answers, on a real machine."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakery.delivery.foreseeing import foresee_deployment
from bakery.delivery.history import DeploymentDetail
from bakery.delivery.request import request_deployment
from bakery.delivery.retry import request_retry
from bakery.delivery.sources import set_source
from bakery.model.deployments import DeploymentState
from bakery.model.secret import Secret
from bakery.model.sources import parse_new_source
from bakery.stacks.plan import ToolVersion
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.git_server import GitServer, Repository, a_git_server
from tests.support.places import at

TOKEN = "canary-token-5d0c"


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        yield server


async def follow(fleet: Fleet, repository: Repository, *, token: Secret | None = None, base: str = "") -> None:
    new = parse_new_source(url=repository.url, token=token, branch="main", base=base)
    await set_source(fleet.store, fleet.links, at("shop"), new, actor=ADMIN)


async def commit(repository: Repository, title: str, files: dict[str, str]) -> str:
    return await asyncio.to_thread(repository.commit, title, files)


async def deploy(fleet: Fleet) -> DeploymentDetail:
    return await fleet.run(await request_deployment(fleet.store, fleet.queue, at("shop"), actor=ADMIN))


async def test_the_newest_commit_is_fetched_built_and_live(fleet: Fleet, server: GitServer) -> None:
    await fleet.make(command="")
    repository = server.repository("shop")
    first = await commit(repository, "Open the shop", {**an_app("one"), "Procfile": "web: python3 app.py\n"})
    await follow(fleet, repository)
    found = await deploy(fleet)
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(found.deployment)
    assert [step.key for step in found.steps][:3] == ["fetch", "detect", "install"]
    assert (found.deployment.version, found.deployment.title) == (first, "Open the shop")
    assert (await fleet.visit()).text == "one"

    await commit(repository, "Paint it", {**an_app("two"), "bakery.toml": '[build]\ncommand = "./paint"\n'})
    foreseen = await foresee_deployment(fleet.store, fleet.links, at("shop"), actor=ADMIN)
    assert (foreseen.title, foreseen.compared_with) == ("Paint it", 1)
    assert foreseen.found is not None
    assert foreseen.found.versions == (ToolVersion("Python", "3.13", "the default"),)
    assert [line.text for part in foreseen.parts if part.key == "build" for line in part.lines] == [
        "Nothing to do. It has nothing to build.", "$ sh -c ./paint",
    ]  # fmt: skip
    home = Path(fleet.node.folders.root, "apps/shop/production")
    assert [path.name for path in (home / "releases").iterdir()] == ["1"]
    assert sorted(path.name for path in (home / "fetched").iterdir()) == ["1", "shallow", "tip"]
    assert await fleet.node.jobs.list() == {}

    await commit(repository, "Paint it", {**an_app("two"), "bakery.toml": ""})
    again = await deploy(fleet)
    assert again.deployment.title == "Paint it"
    assert await fleet.visitors_see("two")
    assert await fleet.node.jobs.list() == {}

    third = await commit(repository, "Burn it", {**an_app("three"), "bakery.toml": '[build]\ntest = "exit 4"\n'})
    assert (await deploy(fleet)).deployment.state is DeploymentState.FAILED
    await commit(repository, "Clean up", an_app("four"))
    asked = await request_retry(fleet.store, fleet.queue, at("shop"), 3, actor=ADMIN)
    assert asked.note == (
        "Retries deployment #3 from the beginning: the results of the steps before test are not kept."
    )
    assert (await fleet.run(asked.deployment)).deployment.version == third


async def test_an_app_in_a_folder_of_its_repository_is_taken_from_there(fleet: Fleet, server: GitServer) -> None:
    await fleet.make()
    repository = server.repository("shop")
    await commit(repository, "All of it", {f"web/{name}": text for name, text in an_app("below").items()})
    await follow(fleet, repository, base="web")
    found = await deploy(fleet)
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(found.deployment)
    assert (await fleet.visit()).text == "below"


async def test_a_repository_that_is_gone_is_told_and_harms_nothing(fleet: Fleet, server: GitServer) -> None:
    await fleet.make()
    repository = server.repository("shop")
    server.wants["shop"] = ("x-access-token", TOKEN)
    await commit(repository, "Open the shop", an_app("one"))
    await follow(fleet, repository, token=Secret(TOKEN))
    assert (await deploy(fleet)).deployment.state is DeploymentState.SUCCEEDED
    server.wants["shop"] = ("x-access-token", "another")
    found = await deploy(fleet)
    assert found.deployment.state is DeploymentState.FAILED
    assert found.deployment.failure
    assert found.deployment.hint, (found.deployment.failure, await fleet.log(found.deployment))
    assert TOKEN not in await fleet.log(found.deployment) + found.deployment.failure + found.deployment.hint
    assert await fleet.visitors_see("one")
