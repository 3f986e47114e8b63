"""Where an app's code is kept, as programs set it."""

from collections.abc import Iterator

import pytest

from tests.api.site import Site
from tests.support.git_server import GitServer, a_git_server
from tests.support.people import an_admin
from tests.web.goods import an_app

CANARY = "canary-token-0a3f"


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        server.repository("shop").commit("First", {"app.py": "1"})
        yield server


async def test_a_source_is_set_shown_and_deployed(site: Site, server: GitServer) -> None:
    await an_app(site)
    server.wants["shop"] = ("ann", CANARY)
    url = server.url("shop")
    async with site.as_(await an_admin(site.store)) as client:
        before = await client.get("/apps/shop/source")
        put = await client.put("/apps/shop/source", json={"url": url, "username": "ann", "token": CANARY})
        kept = await client.put("/apps/shop/source", json={"url": url, "base": "web", "username": "ann"})
        asked = await client.post("/apps/shop/deployments", json={})
        named = await client.post("/apps/shop/deployments", json={"ref": "next"})
        both = await client.post("/apps/shop/deployments", json={"ref": "next", "source": "x"})

    assert before.json()["kind"] == "folder"
    assert put.status_code == 200, put.text
    changed = kept.json()
    assert changed.pop("changed_at") is not None
    assert changed.pop("changed_by") is not None
    assert changed == {
        "kind": "git", "url": url, "branch": "main", "base": "web", "submodules": True, "username": "ann",
        "has_token": True, "has_github_link": False, "link_of": None, "github_account": None, "problem": "", "hint": "",
        "deploy_key": None, "host_keys": [], "image": None, "port": None,
    }  # fmt: skip
    assert CANARY not in put.text
    assert (asked.status_code, asked.json()["title"], asked.json()["version"]) == (201, "Newest commit of main", "")
    assert named.json()["title"] == "Newest commit of next"
    assert (both.status_code, both.json()["field"]) == (422, "ref")


async def test_what_does_not_answer_names_the_field_and_what_to_do(site: Site, server: GitServer) -> None:
    await an_app(site)
    async with site.as_(await an_admin(site.store)) as client:
        wrong = await client.put("/apps/shop/source", json={"url": server.url("shpo")})
    problem = wrong.json()
    assert (wrong.status_code, problem["field"]) == (422, "url")
    assert problem["hint"] == "Look for a typing error; a private one needs a token or a deploy key."


async def test_a_deploy_key_and_a_token_come_and_go(site: Site) -> None:
    await an_app(site)
    async with site.as_(await an_admin(site.store)) as client:
        minted = await client.post("/apps/shop/source/key")
        forgotten = await client.delete("/apps/shop/source/token")
    assert minted.json()["deploy_key"].startswith("ssh-ed25519 ")
    assert forgotten.json()["has_token"] is False
