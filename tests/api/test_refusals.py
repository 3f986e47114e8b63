"""What the API refuses before any of our code runs: in the same shape, with the field and with what to do."""

import httpx
import pytest

from tests.api.site import Site, packed

_DESCRIBED = "The API is described at /api/openapi.json."


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/nothing/at/all", "/api/openapi.yaml"])
async def test_an_address_that_is_not_there_is_a_problem_like_any_other(site: Site, path: str) -> None:
    async with site.client() as anybody:
        for method in ("GET", "POST", "DELETE"):
            refused = await anybody.request(method, f"http://127.0.0.1:4100{path}")
            assert refused.headers["content-type"] == "application/problem+json"
            assert (refused.status_code, refused.json()["hint"]) == (404, _DESCRIBED)


async def test_what_the_framework_refuses_says_what_to_do(admin: httpx.AsyncClient) -> None:
    answers = {
        400: await admin.post("/apps", content=b"{"),
        405: await admin.delete("/apps"),
        413: await admin.post("/apps", content=b"a" * 2_000_000),
        422: await admin.post("/apps", json={"slug": 5}),
    }
    assert {status: (answer.status_code, answer.json()["hint"]) for status, answer in answers.items()} == {
        400: (400, f"Send JSON. {_DESCRIBED}"),
        405: (405, "It takes GET, OPTIONS, POST."),
        413: (413, "A request has at most 1 MB, an upload 500 MB."),
        422: (422, _DESCRIBED),
    }


async def test_a_field_that_is_missing_is_named(admin: httpx.AsyncClient) -> None:
    refused = await admin.post("/apps", json={})
    assert (refused.json()["detail"], refused.json()["field"]) == ("“slug” is missing.", "slug")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"'])
async def test_a_body_that_is_no_object_names_no_field(admin: httpx.AsyncClient, body: bytes) -> None:
    refused = (await admin.post("/apps", content=body)).json()
    assert (refused["detail"], refused.get("field")) == ("The body is not what this address expects.", None)


async def test_a_host_that_is_not_ours_is_a_problem_for_programs(site: Site) -> None:
    async with site.client() as anybody:
        refused = await anybody.get("/apps", headers={"host": "evil.example"})
    assert (refused.status_code, refused.headers["content-type"]) == (421, "application/problem+json")
    assert refused.json()["title"] == "Not this host"
    assert refused.json()["hint"] == "Use the base URL that is set for it."


async def test_an_app_begins_with_production(admin: httpx.AsyncClient) -> None:
    refused = await admin.post("/apps", params={"env": "staging"}, json={"slug": "shop", "command": "true"})
    assert (refused.status_code, refused.json()["detail"]) == (422, "An app begins with production.")
    assert (await admin.get("/apps/shop")).status_code == 404
    made = await admin.post("/apps", params={"env": "production"}, json={"slug": "shop", "command": "true"})
    assert made.status_code == 201


async def test_an_upload_that_cannot_be_kept_is_said_with_the_reason(site: Site, admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json={"slug": "shop", "command": "true"})
    (site.parts.settings.node_dir / "uploads").write_text("in the way")
    refused = await admin.post("/apps/shop/sources", content=packed({"a": "b"}))
    assert (refused.status_code, refused.json()["detail"]) == (
        503,
        "The upload cannot be kept on the node local: File exists.",
    )


async def test_an_upload_is_taken_on_the_machine_of_its_node_alone(site: Site, admin: httpx.AsyncClient) -> None:
    await admin.post("/apps", json={"slug": "shop", "command": "true"})
    (site.parts.settings.node_dir / "machine-id").write_text("of another machine")
    refused = await admin.post("/apps/shop/sources", content=packed({"a": "b"}))
    assert (refused.status_code, refused.json()["hint"]) == (
        409,
        "Upload to the Bakery on the machine of the node “local”.",
    )
