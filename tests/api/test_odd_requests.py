"""Whatever a program sends to any address of the API: an answer that is described, and never a fault of ours."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from bakery.model.actor import Actor
from tests.api.site import BASE, Site, packed
from tests.support.people import an_admin

_EXAMPLES = 100 if os.environ.get("BAKERY_TEST_ALL") else 4
_ODD = ("\0", "%00", "../x", "a" * 5000, "\ud7ff", "'; --", "${x}", "１", "-1", str(2**63), "🍞", "a\nb", "{}", "null")


@pytest.fixture
async def person(site: Site) -> Actor:
    """An Admin, with an app that was asked to be deployed."""
    person = await an_admin(site.store)
    async with site.as_(person) as client:
        await client.post("/apps", json={"slug": "shop", "command": "true"})
        source = (await client.post("/apps/shop/sources", content=packed({"a": "b"}))).json()["id"]
        await client.post("/apps/shop/deployments", json={"source": source})
    return person


@pytest.mark.timeout(1800)
async def test_what_the_description_allows_or_forbids_gets_an_answer_that_it_describes(
    site: Site, person: Actor
) -> None:
    async with site.client() as anybody:
        description = (await anybody.get("/openapi.json")).json()
    del description["paths"]["/api/apps/{app}/sources"]["post"]["requestBody"]  # bytes; odd ones have their own test
    for mode in GenerationMode:
        for case in _cases(description, mode):
            async with site.as_(person) as client:  # anew: an earlier case may have revoked the token
                answer = await _send(client, case)
            described = description["paths"][case.operation.path][case.method.lower()]["responses"]
            said = f"{case.as_curl_command()}: {answer.status_code} {answer.text[:500]}"
            assert str(answer.status_code) in {*described, "405", "421"}, said
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", said


async def test_odd_values_in_any_place_of_an_address_are_refused_in_words(site: Site, person: Actor) -> None:
    paths = [
        "/apps/{}",
        "/apps/{}/deployments",
        "/apps/shop/deployments/{}",
        "/apps/shop/deployments/1/log?from_byte={}",
        "/apps?after={}",
        "/apps?containing={}",
        "/apps/shop?env={}",
        "/nodes/{}",
        "/users/{}",
        "/activity?app={}",
        "/activity?action={}",
        "/activity?after={}",
        "/audit?person={}",
        "/audit?since={}",
    ]
    async with site.as_(person) as client:
        for path in paths:
            for odd in _ODD:
                answer = await client.get(path.format(quote(odd, safe="")))
                assert answer.status_code < 500, (path, odd, answer.text)


def _cases(description: dict[str, Any], mode: GenerationMode) -> Iterator[Case[Any]]:
    schema = schemathesis.openapi.from_dict(description)
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        yield from _some(result.ok().as_strategy(generation_mode=mode))


def _some(strategy: SearchStrategy[Case[Any]]) -> list[Case[Any]]:
    found: list[Case[Any]] = []

    @settings(
        max_examples=_EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def take(case: Case[Any]) -> None:
        found.append(case)

    take()
    return found


async def _send(client: httpx.AsyncClient, case: Case[Any]) -> httpx.Response:
    request = case.as_transport_kwargs(base_url=BASE)
    headers = {
        name: value for name, value in request["headers"].items() if name.lower() not in {"authorization", "host"}
    }
    return await client.request(
        request["method"],
        request["url"],
        params=request.get("params"),
        headers=headers,
        json=request.get("json"),
        content=request.get("data"),
    )
