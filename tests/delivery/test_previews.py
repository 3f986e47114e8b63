"""A pull request on a real machine: fetched at its very commit, live beside production, and gone without a trace."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bakery.delivery.apps import show_app
from bakery.delivery.delete import clear_environment
from bakery.delivery.request import request_deployment
from bakery.delivery.run import run_deployment
from bakery.delivery.sources import set_source
from bakery.hooks.preview_rows import note_request
from bakery.hooks.preview_settling import settle_previews
from bakery.hooks.previews import change_settings
from bakery.hooks.pull_requests import PullRequest
from bakery.model.names import AppAt, AppName
from bakery.model.previews import PreviewSettings, preview_name
from bakery.model.sources import parse_new_source
from bakery.store.rows import only
from bakery.web.moments import now
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.git_server import GitServer, Repository, a_git_server, git
from tests.support.places import at

HERE = AppAt(AppName("shop"), preview_name(7))


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        yield server


def asked(commit: str, *, is_closed: bool = False) -> PullRequest:
    return PullRequest(
        action="opened", number=7, is_closed=is_closed, is_fork=False, commit=commit, at=now(), branch="carts"
    )


def a_pull_request(repository: Repository, files: dict[str, str]) -> str:
    """Its head is in no branch, as that of a fork."""
    commit = repository.commit("Round once", files, branch="carts")
    git(repository.work, "push", "--quiet", "origin", f"{commit}:refs/pull/7/head", ":refs/heads/carts")
    return commit


async def tell(fleet: Fleet, request: PullRequest) -> None:
    async with fleet.store.transaction() as tx:
        found = await tx.connection.execute("SELECT id FROM apps")
        await note_request(tx, int((await only(found))[0]), request)
    await settle_previews(fleet.store, fleet.queue, now=now())


async def run_newest(fleet: Fleet) -> tuple[str, str, str]:
    """Its state, commit and failure."""
    async with fleet.store.transaction() as tx:
        found = await tx.connection.execute("SELECT max(id) FROM deployments")
        newest = int((await only(found))[0])
    await run_deployment(fleet.store, fleet.queue, fleet.reach, newest, patience=fleet.patience)
    async with fleet.store.transaction() as tx:
        found = await tx.connection.execute(
            "SELECT state, version, failure FROM deployment_facts WHERE id = %s", (newest,)
        )
        state, version, failure = await only(found)
    return str(state), str(version), str(failure)


async def visit(fleet: Fleet) -> str:
    address = (await show_app(fleet.store, HERE, actor=ADMIN)).address
    assert address is not None
    assert fleet.node.ingress is not None
    host = httpx.URL(address).netloc.decode()
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        return (await client.get(f"http://127.0.0.1:{fleet.node.ingress.port}/", headers={"Host": host})).text


def traces(fleet: Fleet) -> list[str]:
    """What of it lies on the node."""
    return sorted(str(path) for path in Path(fleet.node.folders.root).rglob("*pr7*"))


async def test_a_pull_request_is_live_beside_production_and_leaves_nothing(fleet: Fleet, server: GitServer) -> None:
    await fleet.make(command="python3 app.py")
    repository = server.repository("shop")
    await asyncio.to_thread(repository.commit, "Open the shop", an_app("one"))
    source = parse_new_source(url=repository.url, branch="main")
    await set_source(fleet.store, fleet.links, at("shop"), source, actor=ADMIN)
    await fleet.run(await request_deployment(fleet.store, fleet.queue, at("shop"), actor=ADMIN))
    async with fleet.store.transaction() as tx:
        await tx.connection.execute("""UPDATE environments SET volumes = '{"data": "data"}'""")
    await change_settings(fleet.store, at("shop"), PreviewSettings(is_on=True), actor=ADMIN)

    commit = await asyncio.to_thread(a_pull_request, repository, an_app("two"))
    await tell(fleet, asked(commit))
    assert await run_newest(fleet) == ("succeeded", commit, "")
    assert (await visit(fleet), await fleet.visitors_see("one")) == ("two", True)
    assert traces(fleet) != []

    await tell(fleet, asked(commit, is_closed=True))
    async with fleet.store.transaction() as tx:
        found = await tx.connection.execute("SELECT id FROM environments WHERE going_since IS NOT NULL")
        going = int((await only(found))[0])
        volumes = await tx.connection.execute("SELECT count(*) FROM volumes WHERE environment = 'pr7'")
        assert await only(volumes) == (1,)
    await clear_environment(fleet.store, fleet.node, going)
    async with fleet.store.transaction() as tx:
        found = await tx.connection.execute(
            """
            SELECT (SELECT count(*) FROM environments), (SELECT count(*) FROM deployments),
                   (SELECT count(*) FROM volumes), (SELECT state FROM previews)
            """
        )
        assert await only(found) == (1, 1, 0, "closed")
    assert traces(fleet) == []
    assert await fleet.visitors_see("one")
