"""Secrets are where they belong, and nowhere else: no page, no answer, no line of the log, no row in clear."""

import base64
import re
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pyotp
import pytest

from bakery.access.setup import renew_setup_code
from bakery.model.dotenv import write_dotenv
from bakery.model.secret import Secret
from bakery.store.store import Store
from bakery.store.vault import Key, Vault
from bakery.web.server import create_web
from tests.api.site import BASE, Site, a_site
from tests.security.surface import a_client, asking, routes_of
from tests.support.canaries import found_in
from tests.support.people import an_admin
from tests.support.tables import rows_of_all_tables
from tests.web.goods import a_live_app

_HREF = re.compile(r'(?:href|hx-get|src)="(/[^"#]*)')
_TOTP_SECRET = re.compile(r"\b[A-Z2-7]{32}\b")
_RECOVERY_CODE = re.compile(r"\b(?:[A-Z]{4}-){3}[A-Z]{4}\b")

Canaries = dict[str, str]


@pytest.fixture
def canaries() -> Canaries:
    """By what each is. Those that Bakery makes come in as they are made."""
    key = secrets.token_bytes(32)
    return {
        "password": f'canary +/=é"< {secrets.token_hex(8)}',
        "encryption key": base64.b64encode(key).decode(),
        "encryption key in hex": key.hex(),
        "session secret": secrets.token_hex(20),
        "database url": f"postgresql://bakery:{secrets.token_hex(12)}@db.example/bakery",
        "admin password": secrets.token_hex(12),
    }


@pytest.fixture
async def store(migrated_database_url: str, canaries: Canaries) -> AsyncIterator[Store]:
    async with Store(migrated_database_url, Vault([Key(Secret(canaries["encryption key"]))])) as store:
        yield store


@pytest.fixture
async def site(store: Store, tmp_path: Path, canaries: Canaries) -> Site:
    """With canaries for all that its settings hold."""
    made = await a_site(store, tmp_path)
    settings = replace(
        made.parts.settings,
        database_url=Secret(canaries["database url"]),
        encryption_keys=(Secret(canaries["encryption key"]),),
        session_secret=Secret(canaries["session secret"]),
        admin_password=Secret(canaries["admin password"]),
    )
    parts = replace(made.parts, settings=settings, signing_key=Secret(canaries["session secret"]))
    return Site(store, parts, create_web(parts))


async def test_no_secret_is_seen_again(site: Site, canaries: Canaries, said: Callable[[], str]) -> None:
    await a_live_app(site, "shop")
    async with asking(site, await an_admin(site.store)) as admin:
        canaries["own session"] = admin.cookies["bakery"]
        await _make_secrets(site, admin, canaries)
        seen = await _crawl(site, admin)
        seen |= await _go_wrong(site, admin, canaries)
    assert len(canaries) > 15
    for path, answer in seen.items():
        assert found_in(answer, canaries) == [], path
    for table, rows in (await rows_of_all_tables(site.store)).items():
        assert found_in("\n".join(rows), canaries) == [], table
    log = said()
    assert "UndefinedTable" in log
    assert found_in(log, canaries) == []
    assert found_in(repr(site.parts), canaries) == []


async def test_a_canary_is_found_in_every_form(canaries: Canaries) -> None:
    """So that the test above is not content because it looks for nothing."""
    secret = canaries["password"]
    forms = [
        secret,
        f"x{secret}x",
        secret.encode().hex(),
        base64.b64encode(b"user:" + secret.encode() + b"@host").decode(),
        str(httpx.QueryParams(q=secret)).replace("+", "%20"),
    ]
    for form in forms:
        assert found_in(form, canaries) == ["password"], form


async def _make_secrets(site: Site, admin: httpx.AsyncClient, canaries: Canaries) -> None:
    """Each is shown once, to whom it is for: here."""
    value = canaries["variable"] = f"canary ${{HOME}} '+/=é\" {secrets.token_hex(8)}"
    first = {"text": write_dotenv([("KEY", Secret(value)), ("KEPT", Secret(value))]).reveal()}
    assert (await admin.patch("/api/apps/shop/env", json=first)).status_code == 200
    assert (await admin.put("/api/apps/shop/env/KEY", json={"value": f"{value}2"})).status_code == 200
    form = {"name": "FROM_A_FORM", "value": value, "scope": "run", "secret": "on", "version": "2"}
    assert (await admin.post("/apps/shop/variables", data=form)).status_code == 303
    seen = (await admin.post("/api/apps/shop/env/reveal", json={"names": ["KEPT"]})).json()
    assert seen == {"values": {"KEPT": value}}
    canaries["setup code"] = (await renew_setup_code(site.store)).reveal()
    canaries["API token"] = (await admin.post("/api/tokens", json={"name": "for CI", "scope": "admin"})).json()["token"]
    accepted = await _invite(admin, "new@example.com")
    canaries["accepted invitation"] = accepted
    canaries["open invitation"] = await _invite(admin, "other@example.com")
    async with a_client(site, headers={"origin": BASE}) as new:
        begun = await new.post("/api/cli-logins", json={"machine": "laptop"})
        canaries["poll token"] = begun.json()["poll_token"]
        entry = {"name": "New", "password": canaries["password"]}
        entered = await new.post(f"/invite/{accepted}", data=entry)
        canaries["session"] = entered.cookies["bakery"]
    async with a_client(site, headers={"origin": BASE}) as again:
        for password, status in ((f"{canaries['password']}!", 422), (canaries["password"], 303)):
            form = {"email": "new@example.com", "password": password}
            assert (await again.post("/login", data=form)).status_code == status
    person = next(row["id"] for row in (await admin.get("/api/users")).json()["items"] if row["name"] == "New")
    link = (await admin.post(f"/api/users/{person}/reset", json={})).json()["url"]
    canaries["reset link"] = link.rpartition("/")[2]
    page = (await admin.post("/account/security/second-factor")).text
    canaries["TOTP secret"] = _TOTP_SECRET.findall(page.replace(" ", ""))[0]
    code = pyotp.TOTP(canaries["TOTP secret"]).now()
    page = (await admin.post("/account/security/second-factor/confirm", data={"code": code})).text
    for number, recovery_code in enumerate(_RECOVERY_CODE.findall(page)):
        canaries[f"recovery code {number}"] = recovery_code


async def _invite(admin: httpx.AsyncClient, email: str) -> str:
    made = await admin.post("/api/invites", json={"email": email, "role": "viewer"})
    return str(made.json()["url"]).rpartition("/")[2]


async def _crawl(site: Site, admin: httpx.AsyncClient) -> dict[str, str]:
    """Every address that can be read, and all that pages link to."""
    known = {"app": "shop", "slug": "shop", "number": 1, "person": 1, "node": "local"}
    waiting = {route.address(**known) for route in routes_of(site.web) if not route.changes and route.path != "/events"}
    seen: dict[str, str] = {}
    while waiting:
        path = waiting.pop()
        answer = await admin.get(path, headers={"accept": "text/html"})
        assert answer.status_code < 500, path
        seen[path] = f"{answer.headers!r}{answer.text}"
        links = {link.replace("&amp;", "&") for link in _HREF.findall(answer.text)}
        waiting |= {link for link in links if not link.startswith("/static/")} - seen.keys()
    assert len(seen) > 40
    return seen


async def _go_wrong(site: Site, admin: httpx.AsyncClient, canaries: Canaries) -> dict[str, str]:
    """What is told and logged while secrets are on the way, and the ground is missing."""
    async with site.store.transaction() as tx:
        await tx.connection.execute("ALTER TABLE attempts RENAME TO gone")
    requests = [
        ("/login", {"email": "new@example.com", "password": canaries["password"]}),
        (f"/invite/{canaries['open invitation']}", {"name": "Other", "password": canaries["password"]}),
        (f"/reset/{canaries['reset link']}", {"password": canaries["password"]}),
        ("/account/security/password", {"current_password": canaries["password"], "password": "a long new password"}),
        ("/account/tokens", {"name": "x", "scope": "read", "expires": "90", "code": canaries["recovery code 0"]}),
    ]
    answers = {path: await admin.post(path, data=form) for path, form in requests}
    async with site.store.transaction() as tx:
        await tx.connection.execute("ALTER TABLE gone RENAME TO attempts")
    assert {answer.status_code for answer in answers.values()} == {500}
    return {path: answer.text for path, answer in answers.items()}
