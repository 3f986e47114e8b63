"""A repository, fetched on a real machine with systemd: asked for by `bakery-agent`, over OpenSSH on both ways."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bakery.model.errors import BadInput
from bakery.model.names import AppName, EnvironmentName
from bakery.model.sources import GitUrl, Ref
from bakery.nodes.git_sources import GitCredentials, GitFetch, GitSources
from bakery.nodes.helper_calls import ON_NODE, Helper
from bakery.nodes.homes import Place
from bakery.nodes.jobs import Jobs, JobState, new_job_key
from bakery.nodes.login import mint_key
from tests.lab.agent import agent_of
from tests.lab.nodes import Node

PLACE = Place(AppName("shop"), EnvironmentName("production"))
URL = GitUrl("ssh://git@127.0.0.1/home/git/shop.git")
RELEASE = "/var/lib/bakery/node/apps/shop/production/releases/1"
MAKE = """
git init --quiet --bare --initial-branch=main ~/shop.git
git clone --quiet ~/shop.git ~/work && cd ~/work && git checkout --quiet -B main
echo 'print(1)' > app.py && ln -s app.py main.py && git add .
git -c user.name=Ann -c user.email=ann@bakery.example commit --quiet -m 'Fix the cart total'
git push --quiet origin main
"""


@pytest.fixture
async def helper(node: Node) -> AsyncIterator[Helper]:
    async with agent_of(node) as helper:
        node.run("useradd", "--create-home", "--user-group", "--shell=/bin/sh", "git")
        node.run("su", "git", "-c", MAKE)
        yield helper


async def test_a_private_repository_becomes_a_release_and_its_key_is_nowhere(node: Node, helper: Helper) -> None:
    public, private = mint_key("of a test")
    sources, jobs = GitSources(helper), Jobs(helper._transport, ON_NODE)
    credentials = GitCredentials(private_key=private)
    with pytest.raises(BadInput, match="does not let us in"):
        await sources.check(URL, credentials)
    node.run("install", "--directory", "--owner=git", "--group=git", "--mode=700", "/home/git/.ssh")
    node.put("/home/git/.ssh/authorized_keys", public.encode())
    node.run("chown", "git:", "/home/git/.ssh/authorized_keys")

    found = await sources.check(URL, credentials)
    assert (found.branches, found.default, len(found.host_keys)) == (["main"], "main", 1)

    fetch = GitFetch(PLACE, 1, URL, Ref("refs/heads/main"), replace(credentials, host_keys=tuple(found.host_keys)))
    key = new_job_key()
    async with jobs.followed(sources.fetching(key, fetch)) as following:
        log = b"".join([piece async for piece in following]).decode()

    status = await jobs.status(key)
    assert (status.state, status.exit_status) == (JobState.EXITED, 0), log
    commit = await sources.look(PLACE, 1)
    assert (commit.title, commit.author) == ("Fix the cart total", "Ann")
    names = node.run("find", RELEASE, "-mindepth", "1", "-printf", "%P %u\n").split()
    assert sorted(names[::2]) == ["app.py", "main.py"]
    assert set(names[1::2]) == {"bk-903fef0d5516b093"}
    assert json.loads(await helper.say("tree-names", "shop", "production", "1")) == {
        "sizes": {"app.py": 9}, "links": ["main.py"],
    }  # fmt: skip
    secret = private.reveal().splitlines()[2]
    searched = node.run("sh", "-c", f"grep -rlF '{secret}' /var/lib/bakery /run /dev/shm /tmp /etc || true")
    assert searched == ""
