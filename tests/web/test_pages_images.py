"""An app that is made from an image of a registry, in a browser."""

import pytest

from bakery.nodes.images import Images
from tests.api.site import Site
from tests.support.git_server import a_git_server
from tests.web.browser import Browser
from tests.web.images import DIGEST, NEWER, Registry

PASSWORD = "canary-registry-78"
SHOP = "a.example/shop:1"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    registry = Registry({SHOP: DIGEST, "a.example/shop:2": NEWER}, {SHOP: PASSWORD})
    monkeypatch.setattr(Images, "resolve", registry.resolve)
    return registry


@pytest.mark.usefixtures("registry")
async def test_an_app_is_made_of_an_image_and_another_tag_is_deployed(admin: Browser) -> None:
    form = {"slug": "shop", "kind": "image", "node": "local", "image": SHOP, "username": "ci", "do": "create"}
    refused = await admin.send("/apps/new", form)
    assert "A user of a registry comes with a password or a token." in refused.text
    made = await admin.send("/apps/new", {**form, "token": PASSWORD})
    assert (made.status, made.heading) == (200, "shop")
    assert "Its source answers: deploy it." in made.text
    assert f"Its first deployment pulls {SHOP}" in made.text

    page = await admin.get("/apps/shop/deploy")
    assert f"Made from the image {SHOP}" in page.text
    plan = await admin.send("/apps/shop/plan", {"tag": "2"})
    assert f"$ docker pull a.example/shop@{NEWER}" in plan.text
    wrong = await admin.send("/apps/shop/deploy", {"tag": "a b"})
    assert "This cannot be the tag of an image." in wrong.text
    asked = await admin.send("/apps/shop/deploy", {"tag": "2"})
    assert "a.example/shop:2" in asked.text


async def test_a_source_becomes_an_image_and_a_repository_again(site: Site, admin: Browser, registry: Registry) -> None:
    await admin.send("/apps/new", {"slug": "shop", "kind": "folder", "runtime": "docker", "node": "local"})
    unknown = await admin.send("/apps/shop/source", {"image": "a.example/shpo:1"})
    assert (unknown.status, "There is no a.example/shpo:1. Look for a typing error." in unknown.text) == (422, True)
    saved = await admin.send(
        "/apps/shop/source", {"image": SHOP, "port": "8080", "username": "ci", "token": PASSWORD}
    )  # fmt: skip
    assert "The registry shows the image, and the app is made from it from now on." in saved.text
    assert "One is stored; left empty, it stays." in saved.text
    assert PASSWORD not in saved.html
    registry.wants = {}
    forgotten = await admin.send("/apps/shop/source/forget-token")
    assert "One is stored" not in forgotten.text
    with a_git_server() as server:
        server.repository("shop").commit("First", {"Dockerfile": "FROM x"})
        back = await admin.send("/apps/shop/source", {"url": server.url("shop")})
    assert f"Follows main of {server.url('shop')}" in back.text
    assert "Made from the image" not in back.text
