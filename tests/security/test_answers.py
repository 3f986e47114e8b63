"""What every answer carries, and how little the bad ones tell."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import httpx
import pytest
from litestar.types import HTTPReceiveMessage, HTTPScope, Message

from bakery.model.permissions import Scope
from bakery.store.store import Store
from bakery.web.server import create_web
from tests.api.site import BASE, Site
from tests.security.surface import a_client, asking
from tests.support.people import an_admin
from tests.web.goods import an_app

_EVERYWHERE = {
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "x-request-id",
}
_HSTS = "strict-transport-security"
_TELLS = re.compile(
    r"Traceback|psycopg|relation|SELECT|LINE \d|/src/|\.py\b|site-packages|nodes_are_gone", re.IGNORECASE
)


async def test_every_kind_of_answer_carries_the_headers(site: Site) -> None:
    await an_app(site)
    async with asking(site, await an_admin(site.store)) as admin:
        etag = (await admin.get("/api/apps/shop")).headers["etag"]
        answers = {
            "page": (200, await admin.get("/", headers={"accept": "text/html"})),
            "json": (200, await admin.get("/api/apps")),
            "static": (200, await admin.get("/static/base.css")),
            "head": (200, await admin.head("/login?next=/apps", follow_redirects=True)),
            "not modified": (304, await admin.get("/api/apps/shop", headers={"if-none-match": etag})),
            "redirect": (303, await admin.get("/account")),
            "options": (403, await admin.options("/apps")),
            "refused": (403, await admin.post("/logout", headers={"origin": "https://evil.example"})),
            "no page": (404, await admin.get("/nothing", headers={"accept": "text/html"})),
            "no file": (404, await admin.get("/static/nothing.css")),
            "wrong method": (405, await admin.delete("/apps")),
            "another host": (421, await admin.get("/", headers={"host": "evil.example"})),
            "mistake": (422, await admin.post("/api/apps", json={})),
            "health": (200, await admin.get("/healthz")),
        }
        await _break(site)
        answers["bug"] = (500, await admin.get("/api/nodes"))
    for what, (status, answer) in answers.items():
        assert answer.status_code == status, what
        _expect_headers(answer.headers, what)


async def test_a_stream_carries_the_headers(site: Site) -> None:
    async with asking(site, await an_admin(site.store)) as admin:
        status, headers = await _beginning_of(site, "/events", cookie=f"bakery={admin.cookies['bakery']}")
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    _expect_headers(headers, "stream")


async def test_only_an_encrypted_connection_is_told_to_stay_so(site: Site) -> None:
    for base, is_told in ((BASE, False), (BASE.replace("http:", "https:"), True)):
        async with a_client(site) as client:
            for path in ("/login", "/healthz", "/nothing", "/api/apps", "/static/base.css"):
                answer = await client.get(f"{base}{path}", headers={"x-forwarded-proto": "https"})
                assert (_HSTS in answer.headers) is is_told


@pytest.mark.parametrize("path", ["/nodes", "/api/nodes"])
async def test_a_bug_tells_its_id_and_nothing_else(site: Site, said: Callable[[], str], path: str) -> None:
    await _break(site)
    async with asking(site, await an_admin(site.store)) as admin:
        answer = await admin.get(path, headers={"accept": "application/json" if "api" in path else "text/html"})
    request_id = answer.headers["x-request-id"]
    assert answer.status_code == 500
    assert request_id in answer.text
    assert not _TELLS.search(answer.text)
    logged = [json.loads(line) for line in said().splitlines() if '"bug"' in line]
    assert [(line["id"], line["level"]) for line in logged] == [(request_id, "error")]
    assert "UndefinedTable" in logged[0]["exception"]


async def test_without_its_database_bakery_says_when_to_come_again(site: Site) -> None:
    async with (
        asking(site, await an_admin(site.store)) as browser,
        asking(site, await an_admin(site.store, "eve@example.com"), scope=Scope.ADMIN) as program,
    ):
        cookie, token = browser.cookies["bakery"], program.headers["authorization"]
    async with Store(_nowhere(site.store.dsn), site.store.vault, patience=0.2) as away:
        parts = replace(site.parts, store=away)
        without = Site(away, parts, create_web(parts))
        async with a_client(without, headers={"accept": "text/html"}, cookies={"bakery": cookie}) as client:
            pages = [await client.get(path) for path in ("/", "/apps", "/apps/shop", "/account/profile")]
            sent = await client.post("/login", data={"email": "a@b", "password": "x"}, headers={"origin": BASE})
            gates = [await client.get(path) for path in ("/healthz", "/static/base.css")]
        async with a_client(without, headers={"authorization": token}) as client:
            answers = [await client.get(path) for path in ("/api/apps", "/api/whoami", "/readyz")]
    for page in [*pages, sent]:
        assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert "The database is not answering." in page.text
    for answer in answers[:2]:
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert answer.json()["hint"] == "Bakery goes on by itself as soon as it is back."
    for answer in [*pages, sent, *answers]:
        assert int(answer.headers["retry-after"]) > 0
        assert not _TELLS.search(answer.text)
    assert [gate.status_code for gate in gates] == [200, 200]


async def _break(site: Site) -> None:
    """A fault like one of ours: the statement and the table are in its text."""
    async with site.store.transaction() as tx:
        await tx.connection.execute("ALTER TABLE nodes RENAME TO nodes_are_gone")


def _nowhere(dsn: str) -> str:
    return f"{dsn} host=127.0.0.1 port=1 sslmode=disable"


def _expect_headers(headers: httpx.Headers, what: str) -> None:
    assert _EVERYWHERE - headers.keys() == set(), what
    policy = headers["content-security-policy"]
    assert "'unsafe-" not in policy
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(
        policy.split("; ")
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


async def _beginning_of(site: Site, path: str, *, cookie: str) -> tuple[int, httpx.Headers]:
    """Of an answer that has no end."""
    said: list[Message] = []
    said_enough = asyncio.Event()

    async def receive() -> HTTPReceiveMessage:
        await said_enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        said.append(message)
        if message["type"] == "http.response.body":
            said_enough.set()

    scope = httpx.Request("GET", f"{BASE}{path}", headers={"cookie": cookie})
    asked = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"topics=apps",
        "headers": [(name.lower(), value) for name, value in scope.headers.raw],
        "client": ("127.0.0.1", 40000),
        "scheme": "http",
        "root_path": "",
    }
    await asyncio.wait_for(site.web(cast(HTTPScope, asked), receive, send), 10)
    start = said[0]
    assert start["type"] == "http.response.start"
    return start["status"], httpx.Headers(list(start["headers"]))
