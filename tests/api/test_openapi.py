"""The description of the API says what the API does."""

from typing import Any

import pytest

from tests.api.site import Site


@pytest.fixture
async def description(site: Site) -> dict[str, Any]:
    async with site.client() as anybody:
        found: dict[str, Any] = (await anybody.get("/openapi.json")).json()
    return found


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]


async def test_the_description_is_of_the_api_and_of_nothing_else(description: dict[str, Any]) -> None:
    assert {path.split("/")[1] for path in description["paths"]} == {"api"}
    assert len(description["paths"]) > 25


async def test_every_operation_has_a_name_a_summary_and_a_description(description: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(set(names)) == len(names)
    for path, method, operation in operations(description):
        assert operation["summary"], (path, method)
        assert operation["description"].endswith("."), (path, method)
        assert operation["tags"], (path, method)


async def test_every_refusal_is_a_problem_with_a_hint(description: dict[str, Any]) -> None:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, method, operation in operations(description):
        refusals = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert {"400", "401", "403", "404", "422", "503"} <= set(refusals), (path, method)
        for answer in refusals.values():
            assert answer["content"] == problem, (path, method)


async def test_an_upload_is_described_as_one(description: dict[str, Any]) -> None:
    body = description["paths"]["/api/apps/{app}/sources"]["post"]["requestBody"]
    assert list(body["content"]) == ["application/gzip"]


async def test_only_signing_in_and_what_is_signed_needs_no_token(description: dict[str, Any]) -> None:
    open_ones = {path for path, _, operation in operations(description) if operation.get("security") == [{}]}
    assert open_ones == {"/api/cli-logins", "/api/cli-logins/poll", "/api/apps/{app}/webhook"}
