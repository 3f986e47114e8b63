"""Who may call what: each route declares it, the page of the documentation lists it, and the running thing does it."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bakery.model.actor import Actor
from bakery.model.permissions import Permission, Scope
from tests.api.site import BASE, Site
from tests.security.surface import Caller, Route, a_client, asking, routes_of
from tests.support.people import a_developer, a_person, an_admin
from tests.test_docs import generated
from tests.web.goods import a_failed_deployment, an_app

_REFUSED = {401, 403}
_IDS = re.compile(r"[0-9a-f]{16,}|theirs|nothing")
_BODIES: Mapping[str, Any] = {
    "cancel": {"number": 1},
    "clone": {"slug": "another"},
    "domains": {"host": "shop.example.com"},
    "certificates": {"certificate": "no PEM", "key": "no PEM"},
    "renew": {},
    "environments": {"name": "staging"},
    "approve": {"commit": "a" * 40},
    "{run}": {"input": ""},
    "processes": {"counts": {"web": 1}},
    "run": {"command": ["id"]},
    "{user}": {"password": "open sesame"},
    "webhook": {},
}


async def test_every_route_declares_who_may_call_it(site: Site) -> None:
    assert [str(route) for route in routes_of(site.web) if route.permission is None] == []


async def test_the_documentation_lists_every_route_with_who_may_call_it(site: Site) -> None:
    generated(Path("docs/permissions.md"), "matrix", _matrix(routes_of(site.web)))


@pytest.mark.parametrize("caller", Caller, ids=lambda caller: caller.name.lower())
async def test_what_the_documentation_says_is_what_happens(site: Site, caller: Caller) -> None:
    shop = await an_app(site)
    person = await a_person(site.store, "somebody@example.com", caller.role)
    wrong = []
    async with _asking_as(site, caller, person, shop) as client:
        for route in sorted(routes_of(site.web), key=lambda route: route.path == "/logout"):  # in the end
            is_allowed = caller.may_call(route) and not route.is_signed
            # What is allowed to go, is looked for where nothing is.
            slug = "nothing" if is_allowed and route.permission is Permission.DELETE_APP else "shop"
            answer = await client.request(
                route.method,
                route.address(app=slug, slug=slug, node="local"),
                params={"topics": "nothing"} if route.path == "/events" else None,
                json={} if route.changes else None,
            )
            if (answer.status_code not in _REFUSED) != is_allowed or answer.status_code >= 500:
                wrong.append((str(route), answer.status_code, answer.text[:200]))
    assert wrong == []


@pytest.mark.parametrize("role_or_scope", ["a developer", "a token for one app"])
async def test_a_foreign_app_looks_like_one_that_nobody_has(site: Site, role_or_scope: str) -> None:
    mine = await an_app(site, "mine")
    await an_app(site, "theirs")
    deployment = await a_failed_deployment(site, "theirs", log=b"of nobody's concern\n")
    if role_or_scope == "a developer":
        person, scope, app = await a_developer(site.store, apps=frozenset({mine})), None, None
    else:
        person, scope, app = await an_admin(site.store), Scope.DEPLOY, mine
    questions = [
        (route.method, route.address(number=1), {"params": {}, "json": _BODIES.get(route.path.rpartition("/")[2], {})})
        for route in routes_of(site.web)
        if route.is_of_an_app
    ] + [
        ("GET", "/events", {"params": {"topics": "app:nothing"}}),
        ("GET", "/activity", {"params": {"app": "nothing"}}),
        ("GET", "/api/activity", {"params": {"app": "nothing"}}),
        ("GET", "/apps", {"params": {"q": "nothing"}}),
        ("GET", "/api/apps", {"params": {"containing": "nothing"}}),
        ("GET", "/palette", {"params": {"q": "nothing"}}),
        ("GET", "/sidebar", {"params": {"q": "nothing"}}),
        ("POST", "/api/tokens", {"json": {"name": "x", "scope": "deploy", "app": "nothing"}}),
    ]
    async with asking(site, person, scope=scope, app=app) as client:
        for method, path, rest in questions:
            unknown = await client.request(method, path, **rest)
            about_theirs = json.loads(json.dumps(rest).replace("nothing", "theirs"))
            foreign = await client.request(method, path.replace("nothing", "theirs"), **about_theirs)
            assert _seen(foreign) == _seen(unknown), (method, path)
        for topic in (f"deployment:{deployment.id}", f"log:{deployment.log_stream}"):
            foreign = await client.get("/events", params={"topics": topic})
            unknown = await client.get("/events", params={"topics": topic.partition(":")[0] + ":999999"})
            assert (foreign.status_code, _seen(foreign)) == (404, _seen(unknown))


async def test_every_route_of_an_app_answers_whom_it_is_granted(site: Site) -> None:
    """So that the test above is not content with a surface that refuses all."""
    mine = await an_app(site, "mine")
    await a_failed_deployment(site, "mine")
    async with asking(site, await a_developer(site.store, apps=frozenset({mine}))) as client:
        for route in routes_of(site.web):
            if route.is_of_an_app and route.permission is Permission.READ:
                answer = await client.get(route.address(app="mine", slug="mine", number=1))
                assert answer.status_code == 200, route


async def test_what_the_framework_answers_by_itself_tells_and_changes_nothing(site: Site) -> None:
    async with a_client(site, headers={"origin": BASE}) as nobody:
        for route in routes_of(site.web):
            answer = await nobody.options(route.address(app="shop", slug="shop"))
            assert (answer.status_code, answer.content) == (204, b"") or answer.status_code in _REFUSED


@asynccontextmanager
async def _asking_as(site: Site, caller: Caller, person: Actor, app: int) -> AsyncIterator[httpx.AsyncClient]:
    if caller is Caller.NOBODY:
        async with a_client(site, headers={"accept": "application/json", "origin": BASE}) as client:
            yield client
        return
    app_of_token = app if caller is Caller.BOUND else None
    async with asking(site, person, scope=caller.scope, app=app_of_token, half=caller is Caller.HALF) as client:
        yield client


def _seen(answer: httpx.Response) -> tuple[int, str]:
    """Without ids, and without the name that was asked for."""
    return answer.status_code, _IDS.sub("…", answer.text)


def _matrix(routes: list[Route]) -> str:
    head = ["Route", "Permission", *(caller.value for caller in Caller)]
    lines = [_line(head), _line(["---", "---", *(":-:" for _ in Caller)])]
    for route in routes:
        marks = ["yes" if caller.may_call(route) else "–" for caller in Caller]
        lines.append(_line([f"`{route}`", f"{route.permission}", *marks]))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
