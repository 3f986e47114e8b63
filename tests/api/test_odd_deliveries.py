"""Deliveries whose signature holds, with an odd value in each of their places: read or refused, and never a fault."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.site import Site
from tests.api.test_webhook import a_server, a_shop
from tests.hooks.pull_requests import FORK, pushed
from tests.hooks.pull_requests import github as a_request
from tests.hooks.pushes import A, B, signed
from tests.hooks.pushes import github as a_push
from tests.support.people import an_admin

_ODD: tuple[object, ...] = ("\0", None, 2**70, [], "9999-12-31T23:59:59Z")


@pytest.mark.parametrize(
    ("event", "told"),
    [("push", a_push(A, B)), ("pull_request", pushed(A, B)), ("pull_request", a_request(head=FORK))],
    ids=["push", "pull request", "of a fork"],
)
async def test_each_value_may_be_of_another_kind(site: Site, event: str, told: dict[str, Any]) -> None:
    address, secret = await a_shop(site)
    async with a_server(site) as server, site.as_(await an_admin(site.store)) as client:
        wanted = {"is_on": True, "forks": "approval"}
        (await client.patch("/apps/shop/previews/settings", json=wanted)).raise_for_status()
        for number, (place, body) in enumerate(_with_odd_values(told)):
            headers = dict(signed(body, event=event, delivery=f"odd-{number}", secret=secret))
            answer = await server.post(address, content=body, headers=headers)
            assert answer.status_code == 202, (place, answer.text)
        assert (await client.get("/apps/shop/previews")).status_code == 200
        assert (await client.get("/apps/shop/webhook/deliveries")).status_code == 200


async def test_a_hook_whose_name_no_database_takes_is_no_hook_and_a_form_of_too_many_fields_no_push(site: Site) -> None:
    address, secret = await a_shop(site)
    async with a_server(site) as server:
        assert (await server.post("/hooks/github/%00", content=b"{}")).status_code == 401
        form = b"&" * 20
        headers = {**signed(form, event="push", secret=secret), "content-type": "application/x-www-form-urlencoded"}
        assert (await server.post(address, content=form, headers=headers)).status_code < 500


def _with_odd_values(told: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], bytes]]:
    for place in _places(told):
        for odd in _ODD:
            changed = copy.deepcopy(told)
            holder: Any = changed
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = odd
            yield place, json.dumps(changed).encode()


def _places(told: object, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for key, value in inner:
        yield (*above, key)
        yield from _places(value, (*above, key))
