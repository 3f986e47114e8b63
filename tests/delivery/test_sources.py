"""Sources in Git: saved after their repository was asked, sealed, and read again when a deployment fetches."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bakery.delivery.git_rows import note_commit, read_fetch
from bakery.delivery.history import show_deployment
from bakery.delivery.request import request_deployment
from bakery.delivery.sources import forget_token, mint_deploy_key, set_source, show_source
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, Conflict, NotAllowed, NotFound
from bakery.model.secret import Secret
from bakery.model.sources import parse_new_source, parse_ref
from bakery.nodes.git_sources import why_not_fetched
from bakery.nodes.jobs import JobState, JobStatus, new_job_key
from bakery.nodes.login import fingerprint
from bakery.store.store import Store
from tests.api.site import Site, a_site
from tests.support.git_server import AUTHOR, GitServer, Repository, a_git_server
from tests.support.people import SYSTEM, a_developer, a_viewer
from tests.support.places import at
from tests.support.ssh_server import KEY_PUBLIC, SshServer, host_key, shown
from tests.support.tables import rows_of_all_tables
from tests.web.goods import an_app

CANARY = "canary-token-91b2"


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> Site:
    return await a_site(store, tmp_path)


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        yield server


async def a_repository(server: GitServer, name: str = "shop") -> Repository:
    repository = server.repository(name)
    await asyncio.to_thread(repository.commit, "Fix the cart total", {"web/app.py": "1"})
    return repository


async def follow(
    site: Site, url: str, *, token: str = "", actor: Actor = SYSTEM, branch: str = "", base: str = ""
) -> None:
    given = Secret(token) if token else None
    new = parse_new_source(url=url, token=given, branch=branch, base=base)
    await set_source(site.store, site.parts.links, at("shop"), new, actor=actor)


async def release_of(site: Site, number: int) -> tuple[int, int]:
    """Its id, and that of its build."""
    async with site.store.connection() as connection:
        cursor = await connection.execute("SELECT id, build_id FROM releases WHERE number = %s", (number,))
        row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1]


async def test_a_repository_is_asked_before_it_is_saved(site: Site, server: GitServer) -> None:
    await an_app(site)
    repository = await a_repository(server)

    await follow(site, repository.url, base="web")

    found = await show_source(site.store, at("shop"), actor=SYSTEM)
    assert (found.url, found.branch, found.base, found.has_token) == (repository.url, "main", "web", False)


async def test_what_does_not_answer_is_not_saved(site: Site, server: GitServer) -> None:
    await an_app(site)
    with pytest.raises(BadInput, match="There is no repository at") as refused:
        await follow(site, server.url("shop"))
    assert refused.value.field == "url"
    assert (await show_source(site.store, at("shop"), actor=SYSTEM)).url is None


async def test_an_unknown_branch_is_refused_with_those_that_are_near(site: Site, server: GitServer) -> None:
    await an_app(site)
    repository = await a_repository(server)
    with pytest.raises(BadInput, match=r"^There is no branch “mian” in the repository\.$") as refused:
        await follow(site, repository.url, branch="mian")
    assert (refused.value.field, refused.value.hint) == ("branch", "Did you mean main?")


async def test_a_token_rests_sealed_and_is_marked_in_the_audit(site: Site, server: GitServer) -> None:
    await an_app(site)
    repository = await a_repository(server)
    server.wants["shop"] = ("x-access-token", CANARY)

    await follow(site, repository.url, token=CANARY)

    found = await show_source(site.store, at("shop"), actor=SYSTEM)
    assert (found.has_token, found.username) == (True, "x-access-token")
    assert CANARY not in json.dumps(await rows_of_all_tables(site.store), default=str)
    async with site.store.connection() as connection:
        cursor = await connection.execute("SELECT after ->> 'token' FROM audit WHERE action = 'source.changed'")
        row = await cursor.fetchone()
    assert row is not None
    assert row[0].startswith("hmac-sha256:")


async def test_a_stored_token_stays_with_its_server(site: Site, server: GitServer) -> None:
    await an_app(site)
    repository = await a_repository(server)
    server.wants["shop"] = ("x-access-token", CANARY)
    await follow(site, repository.url, token=CANARY)

    await follow(site, repository.url, branch="main")
    assert (await show_source(site.store, at("shop"), actor=SYSTEM)).has_token

    with a_git_server() as elsewhere:
        await follow(site, (await a_repository(elsewhere)).url)
        assert {given for _, given in elsewhere.asked} == {""}
    assert not (await show_source(site.store, at("shop"), actor=SYSTEM)).has_token


async def test_a_token_is_forgotten(site: Site, server: GitServer) -> None:
    await an_app(site)
    await follow(site, (await a_repository(server)).url, token=CANARY)

    for _ in range(2):
        assert not (await forget_token(site.store, at("shop"), actor=SYSTEM)).has_token


async def test_a_deploy_key_waits_for_its_repository(site: Site) -> None:
    await an_app(site)
    first = await mint_deploy_key(site.store, at("shop"), actor=SYSTEM)
    second = await mint_deploy_key(site.store, at("shop"), actor=SYSTEM)
    assert first.deploy_key is not None
    assert first.deploy_key.startswith("ssh-ed25519 ")
    assert first.deploy_key != second.deploy_key
    assert second.url is None
    assert "PRIVATE KEY" not in json.dumps(await rows_of_all_tables(site.store), default=str)


async def test_only_who_may_deploy_changes_a_source(site: Site, server: GitServer) -> None:
    await an_app(site)
    url = (await a_repository(server)).url
    viewer = await a_viewer(site.store)
    for act in (
        lambda: follow(site, url, actor=viewer),
        lambda: forget_token(site.store, at("shop"), actor=viewer),
        lambda: mint_deploy_key(site.store, at("shop"), actor=viewer),
    ):
        with pytest.raises(NotAllowed):
            await act()


async def test_outside_of_ones_grants_there_is_no_source(site: Site) -> None:
    await an_app(site)
    stranger = await a_developer(site.store, apps=frozenset())
    with pytest.raises(NotFound):
        await show_source(site.store, at("shop"), actor=stranger)


@contextlib.asynccontextmanager
async def over_ssh(server: GitServer, key: str | None) -> AsyncIterator[SshServer]:
    """The same repositories for who has the key; None: for nobody whom we know."""
    ssh = SshServer(server.folder, accepts=key or KEY_PUBLIC)
    await ssh.start()
    try:
        yield ssh
    finally:
        await ssh.stop()


async def fetch_all(site: Site, number: int) -> str:
    """As a deployment does; the log."""
    fetch = await read_fetch(site.store, (await release_of(site, number))[0])
    node = await site.parts.machine.node()
    async with node.jobs.followed(node.sources.fetching(new_job_key(), fetch)) as following:
        log = b"".join([piece async for piece in following]).decode()
    await node.homes.remove(fetch.place)
    return log


# Deployments.


async def test_a_deployment_without_an_upload_is_of_the_branch_that_is_followed(site: Site, server: GitServer) -> None:
    await an_app(site)
    repository = await a_repository(server)
    server.wants["shop"] = ("x-access-token", CANARY)
    await follow(site, repository.url, token=CANARY, base="web")

    asked = await request_deployment(site.store, site.parts.queue, at("shop"), actor=SYSTEM)
    release, _ = await release_of(site, asked.number)
    fetch = await read_fetch(site.store, release)

    assert (asked.title, asked.version) == ("Newest commit of main", "")
    assert (fetch.place.app, fetch.number, fetch.url, fetch.ref) == ("shop", 1, repository.url, "refs/heads/main")
    assert fetch.credentials.token == Secret(CANARY)


async def test_the_same_key_again_is_the_same_deployment_and_never_one_of_another_ref(
    site: Site, server: GitServer
) -> None:
    await an_app(site)
    await follow(site, (await a_repository(server)).url)
    queue = site.parts.queue
    first = await request_deployment(site.store, queue, at("shop"), actor=SYSTEM, idempotency_key="k")
    again = await request_deployment(site.store, queue, at("shop"), actor=SYSTEM, idempotency_key="k")
    assert again.number == first.number
    with pytest.raises(Conflict, match="was used for another source"):
        await request_deployment(
            site.store, queue, at("shop"), ref=parse_ref("next"), actor=SYSTEM, idempotency_key="k"
        )


async def test_an_app_without_a_repository_has_nothing_to_fetch(site: Site) -> None:
    await an_app(site)
    with pytest.raises(Conflict, match="shop has no repository") as refused:
        await request_deployment(site.store, site.parts.queue, at("shop"), actor=SYSTEM)
    assert "bakery source set shop --repo URL" in refused.value.hint


async def test_what_is_fetched_names_the_deployment(site: Site, server: GitServer) -> None:
    await an_app(site)
    repository = await a_repository(server)
    await follow(site, repository.url)
    asked = await request_deployment(site.store, site.parts.queue, at("shop"), actor=SYSTEM)
    release, build = await release_of(site, asked.number)
    node = await site.parts.machine.node()
    fetch = await read_fetch(site.store, release)

    async with node.jobs.followed(node.sources.fetching(new_job_key(), fetch)) as following:
        log = b"".join([piece async for piece in following]).decode()
    commit = await node.sources.look(fetch.place, fetch.number)
    await note_commit(site.store, build, commit)

    found = (await show_deployment(site.store, at("shop"), asked.number, actor=SYSTEM)).deployment
    assert (found.title, found.version) == ("Fix the cart total", commit.commit)
    assert commit.author == AUTHOR
    assert log.splitlines()[0] == f"Fetching main of {repository.url}"
    tree = await node.trees.tree(fetch.place, fetch.number)
    assert set(tree.sizes) == {"web/app.py"}
    await node.homes.remove(fetch.place)

    again = await request_deployment(
        site.store, site.parts.queue, at("shop"), ref=parse_ref(commit.commit[:8]), actor=SYSTEM
    )
    assert again.title == commit.commit[:7]
    with pytest.raises(BadInput, match="never deployed from a commit that begins with 0000000") as refused:
        await request_deployment(site.store, site.parts.queue, at("shop"), ref=parse_ref("0000000"), actor=SYSTEM)
    assert refused.value.hint == "Print them in the repository with: git rev-parse 0000000"


def test_a_failed_fetch_has_a_sentence_and_a_hint() -> None:
    reason = "The repository is empty.\nHint: Push a commit to it, and deploy again."
    status = JobStatus(JobState.EXITED, 1, reason)
    assert why_not_fetched(status) == ("The repository is empty.", "Push a commit to it, and deploy again.")
    assert why_not_fetched(JobStatus(JobState.EXITED, -9, "ended by SIGKILL")) == ("The fetch ended by SIGKILL.", "")
    assert why_not_fetched(JobStatus(JobState.TIMED_OUT, None, "did not end within 60 s and was stopped")) == (
        "The fetch did not end within 60 s and was stopped.",
        "",
    )


# Over SSH.


async def test_a_deploy_key_opens_a_repository_whose_host_key_is_pinned(site: Site, server: GitServer) -> None:
    await an_app(site)
    repository = await a_repository(server)
    minted = await mint_deploy_key(site.store, at("shop"), actor=SYSTEM)
    async with over_ssh(server, minted.deploy_key) as ssh:
        await follow(site, f"ssh://git@127.0.0.1:{ssh.port}{repository.bare}")
        found = await show_source(site.store, at("shop"), actor=SYSTEM)
        asked = await request_deployment(site.store, site.parts.queue, at("shop"), actor=SYSTEM)
        log = await fetch_all(site, asked.number)

    assert found.branch == "main"
    assert found.host_keys == (f"[127.0.0.1]:{ssh.port} {fingerprint(shown(ssh.keys[0]))}",)
    assert "1 file, 0 kB." in log


async def test_another_host_key_is_not_believed_until_somebody_says_so(site: Site, server: GitServer) -> None:
    await an_app(site)
    repository = await a_repository(server)
    minted = await mint_deploy_key(site.store, at("shop"), actor=SYSTEM)
    async with over_ssh(server, minted.deploy_key) as ssh:
        url = f"ssh://git@127.0.0.1:{ssh.port}{repository.bare}"
        await follow(site, url)
        await ssh.stop()
        ssh.keys = [host_key()]
        await ssh.start()
        with pytest.raises(BadInput, match=r"127\.0\.0\.1 shows another host key than the one that is pinned"):
            await follow(site, url)
        new = parse_new_source(url=url, accepts_host_key=True)
        found = await set_source(site.store, site.parts.links, at("shop"), new, actor=SYSTEM)
    assert found.host_keys == (f"[127.0.0.1]:{ssh.port} {fingerprint(shown(ssh.keys[0]))}",)


async def test_over_ssh_without_a_key_it_says_how_to_get_one(site: Site, server: GitServer) -> None:
    await an_app(site)
    repository = await a_repository(server)
    async with over_ssh(server, None) as ssh:
        with pytest.raises(BadInput, match="does not let us in to") as refused:
            await follow(site, f"ssh://git@127.0.0.1:{ssh.port}{repository.bare}")
    assert refused.value.hint.endswith("Make one with: bakery source key shop")
