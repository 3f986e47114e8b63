from collections.abc import Iterator

import pytest

from bakery.delivery.sources import show_source
from tests.api.site import Site
from tests.support.git_server import GitServer, a_git_server
from tests.support.people import SYSTEM, a_viewer
from tests.support.places import at
from tests.web.browser import Browser, a_browser
from tests.web.goods import an_app

CANARY = "canary-token-7e1d"


@pytest.fixture
def server() -> Iterator[GitServer]:
    with a_git_server() as server:
        server.repository("shop").commit("First", {"app.py": "1"})
        yield server


async def follow(admin: Browser, url: str, **more: str) -> str:
    page = await admin.send("/apps/shop/source", {"url": url, "submodules": "on", **more})
    return page.text


async def test_an_app_without_a_repository_says_how_it_is_deployed(site: Site, admin: Browser) -> None:
    await an_app(site)
    page = await admin.get("/apps/shop/source")
    assert page.heading == "Source"
    assert "Deployed from folders that are uploaded" in page.text
    assert "Deploy now" not in page.text
    assert "Workflow files" in page.text


async def test_a_repository_that_answers_is_followed_and_deployed(
    site: Site, admin: Browser, server: GitServer
) -> None:
    await an_app(site)
    text = await follow(admin, server.url("shop"), base="web")
    assert "The repository answers, and is followed from now on." in text
    assert f"Follows main of {server.url('shop')}" in text
    assert "Deploy now" in (await admin.get("/apps/shop")).text

    plan = await admin.send("/apps/shop/plan", {"ref": "mian"})
    assert "There is no branch “mian” in the repository." in plan.text

    deployment = await admin.send("/apps/shop/deploy")

    assert "Newest commit of main" in deployment.text
    assert "changed the source of" in (await admin.get("/activity")).text


async def test_what_is_wrong_stands_below_its_field(site: Site, admin: Browser, server: GitServer) -> None:
    await an_app(site)
    assert "There is no repository at" in await follow(admin, server.url("shpo"))
    text = await follow(admin, server.url("shop"), branch="mian")
    assert "There is no branch “mian” in the repository. Did you mean main?" in text
    assert (await show_source(site.store, at("shop"), actor=SYSTEM)).url is None


async def test_a_token_never_comes_back_and_is_forgotten_when_asked(
    site: Site, admin: Browser, server: GitServer
) -> None:
    await an_app(site)
    server.wants["shop"] = ("ann", CANARY)
    page = await admin.send("/apps/shop/source", {"url": server.url("shop"), "username": "ann", "token": CANARY})
    assert CANARY not in page.html
    assert "One is stored; left empty, it stays." in page.text
    kept = await follow(admin, server.url("shop"), username="ann")
    assert "One is stored" in kept

    forgotten = await admin.send("/apps/shop/source/forget-token")

    assert "Token forgotten." in forgotten.text
    assert "One is stored" not in forgotten.text


async def test_a_deploy_key_is_made_and_shown(site: Site, admin: Browser) -> None:
    await an_app(site)
    page = await admin.send("/apps/shop/source/key")
    assert "Deploy key made. Add it to the repository." in page.text
    assert "ssh-ed25519 " in page.text
    assert "PRIVATE" not in page.html


async def test_who_only_reads_sees_what_is_followed_and_changes_nothing(
    site: Site, admin: Browser, server: GitServer
) -> None:
    await an_app(site)
    await follow(admin, server.url("shop"))
    async with a_browser(site, await a_viewer(site.store)) as viewer:
        page = await viewer.get("/apps/shop/source")
        assert server.url("shop") in page.text
        assert "<input" not in page.html.partition("h-repository")[2].partition("</section>")[0]
        refused = await viewer.send("/apps/shop/source", {"url": server.url("shop")})
    assert refused.status == 403


async def test_an_app_without_a_repository_is_not_deployed_by_a_button(site: Site, admin: Browser) -> None:
    await an_app(site)
    page = await admin.send("/apps/shop/deploy")
    assert page.status == 409
    assert "shop has no repository that it could be fetched from." in page.text
