"""Where a request comes from, which host it means, and where it is sent on to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest

from bakery.access.sessions import open_session
from bakery.model.permissions import Role, Scope
from bakery.web.identity import CSRF_HEADER
from bakery.web.server import create_web
from tests.api.site import BASE, Site
from tests.security.surface import a_client, asking, form_token, routes_of
from tests.support.people import PASSWORD, a_person, an_admin
from tests.support.tables import rows_of_all_tables

_EVIL = "https://evil.example"
_HTTPS = "https://bakery.example"
_FOREIGN = [
    {"origin": _EVIL},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://127.0.0.1:4101"},
    {"origin": "https://127.0.0.1:4100"},
    {"origin": "http://127.0.0.1:4100.evil.example"},
    {"origin": _EVIL, "sec-fetch-site": "same-origin"},
    {},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"origin": BASE, CSRF_HEADER: "wrong"},
    {"origin": BASE, CSRF_HEADER: ""},
    {"origin": BASE, CSRF_HEADER: "\u00e9"},
]
_HOSTS = [
    "evil.example",
    "evil.example:4100",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "",
    "127.0.0.1@evil",
    "bakery.example:81",
]
_NEXT = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\n/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "http:evil.example",
    "https:/evil.example",
    "//[",
    "http://[",
    "//\u2100",
    "/%5cevil.example",
    "/%2f%2fevil.example",
    "evil.example",
    "/\u2028/evil.example",
    "@evil.example",
    ":80",
    "?next=//evil.example",
    "#//evil.example",
    "/x\r\nset-cookie: a=b",
    "/\0",
    "",
]


async def test_a_change_that_another_site_sends_with_our_cookie_is_refused(site: Site) -> None:
    async with _signed_in(site) as (browser, token):
        before = await rows_of_all_tables(site.store)
        for foreign in _FOREIGN:
            sent = httpx.Headers({CSRF_HEADER: token, **foreign}, encoding="latin-1")
            for route in routes_of(site.web):
                if route.changes:
                    answer = await browser.request(route.method, route.address(person=1), headers=sent, json={})
                    assert answer.status_code == 403, (route, foreign)
        assert await rows_of_all_tables(site.store) == before


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "", "multipart/form-data; boundary=x"])
async def test_a_form_without_its_token_is_refused_whatever_it_says_it_is(site: Site, kind: str) -> None:
    async with _signed_in(site) as (browser, token):
        body = f"csrf_token={token}&name=Eve".encode() if kind in {"text/plain", ""} else b""
        answer = await browser.post("/account/profile", content=body, headers={"origin": BASE, "content-type": kind})
        assert answer.status_code == 403


async def test_the_token_of_another_session_is_not_good(site: Site) -> None:
    async with _signed_in(site) as (browser, mine), _signed_in(site, "eve@example.com") as (_, other):
        answers = [
            await browser.post("/account/profile", data={"name": "Ada", "csrf_token": token}, headers={"origin": BASE})
            for token in (other, mine)
        ]
    assert [answer.status_code for answer in answers] == [403, 303]


async def test_another_site_signs_nobody_in(site: Site) -> None:
    await an_admin(site.store)
    form = {"email": "ada@example.com", "password": PASSWORD.reveal()}
    async with a_client(site) as browser:
        for headers in ({"origin": _EVIL}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
            answer = await browser.post("/login", data=form, headers=headers)
            assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_a_cookie_does_not_help_a_wrong_token(site: Site) -> None:
    async with _signed_in(site) as (browser, _):
        answer = await browser.get("/api/apps", headers={"authorization": "Bearer bky_wrong"})
    assert answer.status_code == 401


@pytest.mark.parametrize("base_url", [None, _HTTPS])
async def test_a_host_that_is_not_ours_is_refused(site: Site, base_url: str | None) -> None:
    _at(site, base_url)
    async with a_client(site, headers={"x-forwarded-host": "bakery.example"}) as stranger:
        for host in _HOSTS:
            for path in ("/forgot", "/login", "/api/openapi.json", "/static/base.css", "/healthz", "/nothing"):
                answer = await stranger.get(path, headers={"host": host})
                assert answer.status_code == 421, (host, path)
                assert host == "" or host not in answer.text


async def test_links_are_built_from_the_address_that_is_set(site: Site) -> None:
    _at(site, f"{_HTTPS}/bakery")
    async with asking(site, await an_admin(site.store), scope=Scope.ADMIN) as admin:
        forged = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example", "x-forwarded-proto": "http"}
        made = await admin.post("/api/invites", json={"email": "new@example.com", "role": "viewer"}, headers=forged)
    assert made.json()["url"].startswith(f"{_HTTPS}/bakery/invite/")


async def test_signing_in_leads_to_a_page_of_ours(site: Site) -> None:
    await an_admin(site.store)
    for wanted in _NEXT:
        form = {"email": "ada@example.com", "password": PASSWORD.reveal(), "next": wanted}
        async with a_client(site, headers={"origin": BASE}) as browser:
            asked = await browser.get("/login", params={"next": wanted})
            entered = await browser.post("/login", data=form)
            again = await browser.get("/login", params={"next": wanted})
        assert (asked.status_code, entered.status_code, again.status_code) == (200, 303, 303), wanted
        _expect_local(entered.headers["location"])
        _expect_local(again.headers["location"])


async def test_who_is_sent_to_sign_in_stays_here(site: Site) -> None:
    await an_admin(site.store)
    async with a_client(site) as browser:
        for path in ("//evil.example/", "/apps?q=//evil.example", "/%5cevil.example", "/apps//evil.example"):
            answer = await browser.send(browser.build_request("GET", httpx.URL(BASE).copy_with(raw_path=path.encode())))
            if "location" in answer.headers:
                _expect_local(answer.headers["location"])


async def test_other_addresses_behind_a_made_up_header_are_still_one_caller(site: Site) -> None:
    await an_admin(site.store)
    statuses = []
    async with a_client(site, headers={"origin": BASE}, peer="203.0.113.9") as guesser:
        for number in range(20):
            answer = await guesser.post(
                "/login",
                data={"email": "ada@example.com", "password": "wrong"},
                headers={"x-forwarded-for": f"198.51.100.{number}", "x-real-ip": f"198.51.100.{number}"},
            )
            statuses.append(answer.status_code)
    assert (statuses[:10], set(statuses[10:])) == ([422] * 10, {429})
    assert int(answer.headers["retry-after"]) > 0
    async with a_client(site, headers={"origin": BASE}, peer="203.0.113.10") as owner:
        form = {"email": "ada@example.com", "password": PASSWORD.reveal()}
        assert (await owner.post("/login", data=form)).status_code == 303


async def test_a_trusted_proxy_says_who_calls_and_how(site: Site) -> None:
    settings = replace(site.parts.settings, trusted_proxies=("203.0.113.9", "203.0.113.8"))
    behind = Site(site.store, replace(site.parts, settings=settings), site.web)
    behind = replace(behind, web=create_web(behind.parts))
    told = {"x-forwarded-for": "made-up, 192.0.2.66, 198.51.100.7, 203.0.113.8", "x-forwarded-proto": "https"}
    await an_admin(site.store)
    for peer, address, is_encrypted in (("203.0.113.9", "198.51.100.7", True), ("203.0.113.7", "203.0.113.7", False)):
        async with a_client(behind, peer=peer) as browser:
            entered = await browser.post(
                "/login", data={"email": "ada@example.com", "password": PASSWORD.reveal()}, headers=told
            )
        assert entered.status_code == 303
        assert ("strict-transport-security" in entered.headers) is is_encrypted
        sessions = (await rows_of_all_tables(site.store))["sessions"]
        assert f'"address": "{address}"' in sessions[-1]


async def test_with_a_site_of_its_own_bakery_believes_the_nginx_of_its_machine(site: Site) -> None:
    await an_admin(site.store)
    told = {"x-forwarded-for": "made-up, 198.51.100.7", "x-forwarded-proto": "http"}
    for site.parts.has_own_site, address in ((False, "127.0.0.1"), (True, "198.51.100.7")):
        async with a_client(site, peer="127.0.0.1") as browser:
            form = {"email": "ada@example.com", "password": PASSWORD.reveal()}
            assert (await browser.post("/login", data=form, headers=told)).status_code == 303
        assert f'"address": "{address}"' in (await rows_of_all_tables(site.store))["sessions"][-1]


@pytest.mark.parametrize(
    ("base_url", "name", "secure"), [(None, "bakery", set()), (_HTTPS, "__Host-bakery", {"Secure"})]
)
async def test_the_cookie_is_for_us_alone(site: Site, base_url: str | None, name: str, secure: set[str]) -> None:
    _at(site, base_url)
    await an_admin(site.store)
    form = {"email": "ada@example.com", "password": PASSWORD.reveal()}
    async with a_client(
        site, headers={"origin": base_url or BASE, "host": urlsplit(base_url or BASE).netloc}
    ) as browser:
        entered = await browser.post("/login", data=form)
    cookie, *flags = entered.headers["set-cookie"].split("; ")
    assert cookie.startswith(f"{name}=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(flags)
    assert set(flags) & {"Secure"} == secure
    assert not any(flag.lower().startswith("domain") for flag in flags)


@asynccontextmanager
async def _signed_in(site: Site, email: str = "ada@example.com") -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A browser that sends its cookie and nothing else, and the token that its pages hold."""
    person = await a_person(site.store, email, Role.ADMIN)
    async with site.store.transaction() as tx:
        session = await open_session(tx, person, user_agent="a test")
    async with a_client(site, cookies={"bakery": session.token.reveal()}) as browser:
        yield browser, await form_token(site, session.token)


def _at(site: Site, base_url: str | None) -> None:
    site.parts.general = replace(site.parts.general, base_url=base_url)


def _expect_local(location: str) -> None:
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert httpx.URL(f"{BASE}/login").join(location).netloc == httpx.URL(BASE).netloc
    assert location.isprintable()
