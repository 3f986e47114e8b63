"""Apps that are made from an image of a registry, as programs make them."""

import pytest

from bakery.nodes.images import Images
from tests.api.site import Site
from tests.support.people import an_admin
from tests.web.images import DIGEST, NEWER, Registry

SHOP = "a.example:5000/team/shop"
PASSWORD = "canary-registry-77"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    registry = Registry({f"{SHOP}:1": DIGEST, f"{SHOP}:2": NEWER, "nginx:latest": DIGEST}, {f"{SHOP}:1": PASSWORD})
    monkeypatch.setattr(Images, "resolve", registry.resolve)
    return registry


async def test_an_app_is_made_of_a_private_image_and_deployed_with_another_tag(site: Site, registry: Registry) -> None:
    wanted = {"slug": "shop", "image": f"{SHOP}:1", "port": 8080, "username": "ci"}
    async with site.as_(await an_admin(site.store)) as client:
        refused = await client.post("/apps", json={**wanted, "token": "wrong"})
        nothing = await client.get("/apps/shop")
        made = await client.post("/apps", json={**wanted, "token": PASSWORD})
        source = await client.get("/apps/shop/source")
        asked = await client.post("/apps/shop/deployments", json={})
        tagged = await client.post("/apps/shop/deployments", json={"tag": "2"})
        other = await client.post("/apps/shop/deployments", json={"image": "nginx"})
        branch = await client.post("/apps/shop/deployments", json={"ref": "main"})
        both = await client.post("/apps/shop/deployments", json={"tag": "2", "image": "nginx"})
        audit = await client.get("/audit")

    assert (refused.status_code, refused.json()["field"], nothing.status_code) == (422, "image", 404)
    assert (made.status_code, made.json()["runtime"]) == (201, "docker"), made.text
    shown = source.json()
    assert (shown["kind"], shown["image"], shown["port"], shown["username"], shown["has_token"]) == (
        "image", f"{SHOP}:1", 8080, "ci", True,
    )  # fmt: skip
    assert PASSWORD not in made.text + source.text + audit.text
    assert (asked.json()["title"], asked.json()["version"]) == (f"{SHOP}:1", "")
    assert (tagged.json()["title"], other.json()["title"]) == (f"{SHOP}:2", "nginx:latest")
    assert (branch.status_code, branch.json()["hint"]) == (
        422, "Name a tag of it with: bakery deploy shop --tag TAG",
    )  # fmt: skip
    assert (both.status_code, both.json()["field"]) == (422, "tag")


async def test_a_password_stays_with_its_registry_and_its_user(site: Site, registry: Registry) -> None:
    registry.shown |= {"evil.example/shop:latest": NEWER}
    async with site.as_(await an_admin(site.store)) as client:
        await client.post(
            "/apps", json={"slug": "shop", "image": f"{SHOP}:1", "username": "ci", "token": PASSWORD}
        )  # fmt: skip
        kept = await client.put("/apps/shop/source", json={"image": f"{SHOP}:2", "username": "ci"})
        elsewhere = await client.put("/apps/shop/source", json={"image": "evil.example/shop", "username": "ci"})
        another = await client.put("/apps/shop/source", json={"image": f"{SHOP}:2", "username": "eve"})
        foreseen = await client.post("/apps/shop/plan", json={"image": "evil.example/shop"})
        forgotten = await client.delete("/apps/shop/source/token")
    assert (kept.status_code, kept.json()["has_token"]) == (200, True)
    assert [found.json()["field"] for found in (elsewhere, another)] == ["token", "token"]
    assert foreseen.status_code == 200, foreseen.text
    assert (forgotten.json()["has_token"], forgotten.json()["username"]) == (False, None)
    assert registry.asked == [
        (f"{SHOP}:1", PASSWORD), (f"{SHOP}:2", PASSWORD), ("evil.example/shop:latest", None),
    ]  # fmt: skip


async def test_what_will_be_pulled_is_told_by_its_digest(site: Site, registry: Registry) -> None:
    async with site.as_(await an_admin(site.store)) as client:
        await client.post("/apps", json={"slug": "shop", "image": f"{SHOP}:2"})
        plan = (await client.post("/apps/shop/plan", json={})).json()
        registry.platforms = ("linux/arm64",)
        refused = await client.post("/apps/shop/plan", json={})
    assert (plan["ref"], plan["commit"], plan["title"]) == (f"{SHOP}:2", NEWER, f"{SHOP}:2")
    told = {part["key"]: [line["text"] for line in part["lines"]] for part in plan["parts"]}
    assert plan["found"] is None
    assert told["pull"] == [f"$ docker pull {SHOP}@{NEWER}"]
    assert "Listens on 0.0.0.0, the port that the image exposes, in its container." in told["start"]
    assert refused.json()["detail"] == f"{SHOP}:2 is for linux/arm64, and its node is linux/amd64."


async def test_only_what_docker_runs_is_made_of_an_image(site: Site, registry: Registry) -> None:
    async with site.as_(await an_admin(site.store)) as client:
        process = await client.post("/apps", json={"slug": "shop", "runtime": "process", "image": "nginx"})
        await client.post("/apps", json={"slug": "shop", "command": "true"})
        later = await client.put("/apps/shop/source", json={"image": "nginx"})
        once = await client.post("/apps/shop/deployments", json={"image": "nginx"})
        await client.post("/apps", json={"slug": "box", "runtime": "docker"})
        tag = await client.post("/apps/box/deployments", json={"tag": "2"})
    assert (process.status_code, process.json()["field"]) == (422, "runtime")
    assert [found.json()["detail"] for found in (later, once)] == [
        "shop does not run in Docker, so it cannot be deployed from an image."
    ] * 2
    assert tag.json()["field"] == "tag"
    assert registry.asked == []
