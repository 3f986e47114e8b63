"""Odd and hostile values in every field: taken and shown as they are, or refused by name. Never a fault."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import httpx
import pytest

from bakery.access.invitations import invite
from bakery.access.resets import make_reset_link
from bakery.model.actor import Actor
from bakery.model.permissions import Role
from bakery.model.site_options import USUAL, texts
from tests.api.site import BASE, Site
from tests.security.surface import a_client, asking, routes_of
from tests.support.authenticator import enrol
from tests.support.hostile import SURROGATES, VALUES
from tests.support.machines import a_new_node
from tests.support.people import PASSWORD, a_viewer, an_admin
from tests.support.tables import TRACES, rows_of_all_tables
from tests.web.goods import a_live_app

# By default each field meets a sixth of the values, each another one.
_STRIDE = 1 if os.environ.get("BAKERY_TEST_ALL") else 6
# What a person typed for an app that they are about to make stays, also where it is refused.
_KEPT_ANYWAY = TRACES | {"drafts"}
_LIVE = re.compile(r"<script>|<img |<svg onload|<iframe|<base |<style", re.IGNORECASE)
_ANSWERS = {200, 201, 202, 204, 303, 304, 400, 401, 403, 404, 405, 409, 412, 413, 421, 422}


@dataclass(frozen=True)
class Entry:
    """Something to fill in: one field after the other gets the odd values, the rest is good."""

    path: str
    good: Mapping[str, object]
    fields: Sequence[str] = ()
    method: str = "POST"
    hashes: bool = False  # a password, which takes a while

    @property
    def odd_fields(self) -> Sequence[str]:
        return self.fields or tuple(self.good)


_PASSWORDS = {"current_password": PASSWORD.reveal(), "password": "another long password"}
_PROVIDER = {
    "name": "our-bind", "zones": "example.com", "server": "192.0.2.53", "port": "53", "key_name": "bakery-key",
    "algorithm": "HMAC-SHA256", "secret": "bm90IHRoYXQga2V5IGF0IGFsbA==", "wait": "60", "plugin": "rfc2136",
}  # fmt: skip
_ACCOUNT = {"server": "192.0.2.53", "port": 53, "key_name": "bakery-key", "secret": "bm90IHRoYXQga2V5IGF0IGFsbA=="}
FORMS = [
    Entry("/login", {"email": "ada@example.com", "password": "wrong", "next": "/", "stay": "on"}, hashes=True),
    Entry("/setup", {"code": "BDFG", "email": "ada@example.com", "password": "a long password"}, hashes=True),
    Entry("/account/profile", {"name": "Ada"}),
    Entry("/account/security/password", _PASSWORDS, hashes=True),
    Entry("/account/security/second-factor/confirm", {"code": "000000"}),
    Entry("/account/security/second-factor/off", {"password": "x", "code": "000000", "answer": "off"}, hashes=True),
    Entry("/account/tokens", {"name": "CI", "scope": "deploy", "app": "shop", "expires": "90", "code": ""}),
    Entry("/account/preferences", {"theme": "dark", "shortcuts": "on"}),
    Entry("/cli", {"code": "BDFG-HJKL", "answer": "confirm", "second_factor": ""}),
    Entry("/team/invites", {"email": "new@example.com", "role": "viewer"}),
    Entry("/team/members/2", {"role": "viewer", "all_apps": "", "apps": "shop"}),
    Entry("/team/members/2/remove", {"confirm": "no"}),
    Entry(
        "/apps/new",
        {
            "kind": "folder",
            "slug": "new-app",
            "name": "",
            "runtime": "docker",
            "command": "true",
            "health": "/",
            "node": "local",
            "base": "",
            "skip_tests": "",
            "section": "address",
            "do": "next",
        },
    ),
    Entry(
        "/apps/new",
        {
            "section": "source",
            "kind": "git",
            "url": "http://127.0.0.1:9/shop.git",
            "branch": "main",
            "username": "",
            "token": "x",
            "do": "save",
        },
    ),
    Entry("/apps/new", {"section": "variables", "value-A": "1", "forget": "A", "text": "A=1", "do": "save"}),
    Entry("/apps/new/draft", {"section": "build", "kind": "git", "url": "x", "command": "x", "value-B": "1"}),
    Entry("/apps/shop/delete", {"confirm": "no", "volumes": "data"}),
    Entry("/apps/shop/clone", {"slug": "shop"}),
    Entry("/apps/shop/environments", {"name": "staging", "branch": "main", "variables": "on"}),
    Entry("/apps/shop/domains", {"host": "shop.example.com"}),
    Entry("/apps/shop/certificates", {"certificate": "no PEM", "key": "no PEM"}),
    Entry("/apps/shop/certificates/renew", {"anew": "1"}),
    Entry("/apps/shop/certificates/remove", {"certificate": "999999"}),
    Entry("/apps/shop/domains/primary", {"host": "nothing.example.com"}),
    Entry("/apps/shop/domains/remove", {"host": "nothing.example.com"}),
    Entry("/apps/shop/domains/verify", {"host": "nothing.example.com"}),
    Entry("/apps/shop/site", dict(texts(USUAL))),
    Entry("/apps/shop/site/users", {"user": "ann", "password": "open sesame"}),
    Entry("/apps/shop/site/users/remove", {"user": "ann"}),
    Entry(
        "/apps/shop/source",
        {"url": "http://127.0.0.1:9/shop.git", "branch": "main", "base": "", "username": "", "token": "x"},
    ),
    Entry(
        "/apps/shop/settings",
        {
            "name": "Shop",
            "command": "true",
            "health": "/",
            "strategy": "recreate",
            "volumes": "data:data",
            "memory": "512",
            "cpus": "1",
            "health_kind": "tcp",
            "health_status": "200-399",
            "health_command": "true",
            "health_interval": "5s",
            "health_timeout": "5",
            "health_threshold": "2",
            "health_successes": "2",
            "health_grace": "0s",
            "drain": "30s",
            "bake": "5m",
            "warm": "10m",
            "auto_rollback": "yes",
        },
    ),
    Entry("/apps/shop/source", {"image": "nginx", "port": "80", "username": "ci", "token": "x"}),
    Entry(
        "/apps/new",
        {
            "slug": "new-app",
            "kind": "image",
            "runtime": "docker",
            "node": "nothing",
            "image": "Nginx",
            "port": "80",
            "username": "ci",
            "token": "x",
        },  # neither a node nor an image: no registry is asked
    ),
    Entry("/apps/shop/deploy", {"ref": "main"}),
    Entry("/apps/shop/deploy", {"tag": "1"}),
    Entry("/apps/shop/plan", {"ref": "main"}),
    Entry("/apps/shop/deployments/1/rollback", {"variables": "then"}),
    Entry(
        "/apps/shop/previews",
        {
            "is_on": "on",
            "like": "production",
            "variables": "KEY",
            "most": "5",
            "days": "14",
            "memory": "512M",
            "cpus": "1",
            "forks": "never",
        },
    ),
    Entry("/apps/shop/previews/42/approve", {"commit": "a" * 40}),
    Entry("/apps/shop/deliveries", {"is_on": "on", "paths": "web/**", "tags": "v*"}),
    Entry("/apps/shop/processes", {"process": "worker", "count": "2"}),
    Entry("/apps/shop/variables", {"name": "KEY", "value": "1", "scope": "run", "secret": "on", "version": "0"}),
    Entry("/apps/shop/variables/bulk", {"text": "KEY=1", "version": "0"}),
    Entry("/apps/shop/variables/unset", {"name": "NO_SUCH_KEY"}),
    Entry("/apps/shop/variables/reveal", {"name": "NO_SUCH_KEY"}),
    Entry("/apps/shop/variables/restore", {"number": "1", "version": "0"}),
    Entry("/nodes/new", {"slug": "oven-1", "host": "127.0.0.1", "port": "22", "user": "", "bastion": "", "name": ""}),
    Entry(
        "/nodes/oven-2/settings",
        {
            "name": "Oven",
            "host": "127.0.0.1",
            "port": "9",
            "user": "ops",
            "bastion": "",
            "apps_domain": "example.com",
            "public_address": "",
            "public_ipv6": "",
        },
    ),
    Entry("/nodes/oven-2/accept-key", {"seen": "SHA256:nothing"}),
    Entry("/nodes/oven-2/remove", {"confirm": "no"}),
    Entry("/nodes/local/jobs", {"command": "true"}),
    Entry("/nodes/local/volumes/shop/data/delete", {"confirm": "no"}),
    Entry("/settings/apps", {"memory": "512", "cpus": "1", "drain": "30s", "bake": "5m", "warm": "10m"}),
    Entry("/settings/address", {"is_wanted": "off"}),
    Entry("/settings/dns", _PROVIDER),
    Entry("/settings/dns/change", _PROVIDER),
    Entry("/settings/dns/remove", {"name": "nothing"}),
    Entry("/apps/new/github", {"repository": "acme/shop", "branch": "main", "of": "acme"}),
    Entry("/settings/github", {"url": "https://127.0.0.1:9", "client_id": "Iv1.8a61", "client_secret": "s3cret"}),
    Entry("/settings/general", {"public_ip": "192.0.2.1", "apps_domain": "example.com", "base_url": ""}),
]
"""Those of a person who is signed in as an Admin. `base_url` is last: what is accepted changes where Bakery lives."""

BODIES = [
    Entry("/api/apps", {"slug": "another", "name": "New", "runtime": "process", "command": "true", "health": "/"}),
    Entry(
        "/api/apps/shop/source",
        {"url": "http://127.0.0.1:9/shop.git", "branch": "main", "base": "", "username": "", "token": "x"},
        fields=["url"],  # nothing answers there, whatever else is said
        method="PUT",
    ),
    Entry("/api/invites", {"email": "new@example.com", "role": "viewer"}),
    Entry("/api/users/2/role", {"role": "viewer"}, method="PUT"),
    Entry("/api/users/2/grants", {"apps": ["shop"]}, method="PUT"),
    Entry("/api/users/2/access", {"role": "viewer", "apps": ["shop"]}, method="PUT"),
    Entry("/api/users/2/reset", {"clears_second_factor": False}),
    Entry("/api/tokens", {"name": "CI", "scope": "read", "app": None, "expires": 9, "code": ""}),
    Entry("/api/cli-logins", {"machine": "laptop"}),
    Entry("/api/cli-logins/poll", {"poll_token": "x"}),
    Entry("/api/apps/shop/deployments", {"source": "x", "at": None}, fields=["source"]),
    Entry("/api/apps/shop/deployments", {"ref": "main"}),
    Entry("/api/apps/shop/deployments", {"image": "nginx"}, fields=["image"]),
    Entry("/api/apps/shop/deployments", {"tag": "1"}, fields=["tag"]),
    Entry("/api/apps/shop/cancel", {"number": 1}),
    Entry("/api/apps/shop/rollback", {"release": 1, "variables": "then"}),
    Entry("/api/apps/shop/webhook", {"is_on": True, "paths": ["web/**"], "tags": "v*"}, method="PATCH"),
    Entry(
        "/api/apps/shop/previews/settings",
        {
            "is_on": True,
            "like": "production",
            "variables": ["KEY"],
            "most": 5,
            "days": 14,
            "memory": "512M",
            "cpus": "1",
            "forks": "never",
        },
        method="PATCH",
    ),
    Entry("/api/apps/shop/previews/42/approve", {"commit": "a" * 40}),
    Entry("/api/apps/shop/run", {"command": ["true"], "terminal": None}),
    Entry("/api/apps/shop/run/nothing", {"input": "", "ends": False, "terminal": None}),
    Entry("/api/apps/shop/env/KEY", {"value": "1", "scope": "run", "is_secret": True}, method="PUT"),
    Entry(
        "/api/apps/shop/env",
        {"text": "KEY=1", "replace": False, "unset": [], "scope": "run", "is_secret": True},
        method="PATCH",
    ),
    Entry(
        "/api/apps/shop",
        {
            "name": "Shop",
            "command": "true",
            "health": "/",
            "strategy": "recreate",
            "volumes": "data:data",
            "memory": 512,
            "cpus": 1,
            "health_kind": "tcp",
            "health_status": "200-399",
            "health_command": "true",
            "health_interval": "5s",
            "health_timeout": 5,
            "health_threshold": 2,
            "health_successes": 2,
            "health_grace": "0s",
            "drain": "30s",
            "bake": "5m",
            "warm": "10m",
            "auto_rollback": True,
        },
        method="PATCH",
    ),
    Entry("/api/apps/shop/clone", {"slug": "shop", "node": ""}),
    Entry("/api/apps/shop/certificates", {"certificate": "no PEM", "key": "no PEM"}),
    Entry("/api/apps/shop/certificates/renew", {"anew": True}),
    Entry("/api/apps/shop/domains", {"host": "shop.example.com"}),
    Entry("/api/apps/shop/environments", {"name": "staging", "branch": "", "node": "", "variables": False}),
    Entry("/api/apps/shop/env/reveal", {"names": []}),
    Entry("/api/apps/shop/env/restore", {"version": 1}),
    Entry("/api/apps/shop/processes", {"counts": {}}, method="PUT"),
    Entry(
        "/api/apps/shop/site", {**texts(USUAL), "redirects": [], "headers": [], "rate": 1, "gzip": True}, method="PATCH"
    ),
    Entry("/api/apps/shop/site/users/ann", {"password": "open sesame"}, method="PUT"),
    Entry("/api/nodes", {"slug": "oven-1", "host": "127.0.0.1", "port": 22, "user": "ops", "bastion": "", "name": ""}),
    Entry(
        "/api/nodes/oven-2",
        {
            "name": "Oven",
            "host": "127.0.0.1",
            "port": 9,
            "user": "ops",
            "bastion": "",
            "apps_domain": "example.com",
            "public_address": "",
            "public_ipv6": "",
        },
        method="PATCH",
    ),
    Entry("/api/nodes/oven-2/accept-key", {"fingerprint": "SHA256:nothing"}),
    Entry("/api/nodes/oven-2/bootstrap", {"take_over": False, "with_postgres": False}),
    Entry("/api/nodes/local/jobs", {"command": ["true"], "seconds": 60}),
    Entry(
        "/api/system/defaults",
        {"memory": 512, "cpus": 1, "drain": "30s", "bake": "5m", "warm": "10m", "auto_rollback": True},
        method="PATCH",
    ),
    Entry(
        "/api/system/github",
        {"url": "https://127.0.0.1:9", "client_id": "Iv1.8a61", "client_secret": "s3cret"},
        method="PUT",
    ),
    Entry("/api/system/own-site", {"is_wanted": False}, method="PUT"),
    Entry(
        "/api/dns-providers",
        {"name": "our-bind", "plugin": "rfc2136", "zones": ["example.com"], "fields": _ACCOUNT, "wait": 60},
    ),
    Entry("/api/dns-providers/nothing", {"fields": _ACCOUNT}, method="PATCH"),
    Entry("/api/system/settings", {"base_url": None, "public_ip": None, "apps_domain": "localhost"}, method="PUT"),
]
QUERIES = [
    Entry("/login", {"next": "/"}),
    Entry("/setup", {"code": ""}),
    Entry("/cli", {"code": ""}),
    Entry("/apps/new/github", {"q": "", "repository": "", "of": ""}),
    Entry("/settings/github/app/new", {"server": "", "owner": ""}),
    Entry("/settings/github/app/back", {"code": "", "state": ""}),
    Entry("/api/system/github/left-hooks", {"after": ""}),
    Entry("/api/github/repositories", {"containing": "", "account": ""}),
    Entry("/api/github/branches", {"repository": "", "account": ""}),
    Entry("/account/github/back", {"code": "", "state": "", "error": ""}),
    Entry("/apps", {"q": "", "after": ""}),
    Entry("/sidebar", {"q": ""}),
    Entry("/palette", {"q": ""}),
    Entry("/apps/shop/deployments", {"after": ""}),
    Entry("/apps/shop/deliveries", {"after": ""}),
    Entry("/apps/shop/previews", {"after": ""}),
    Entry("/apps/shop/logs", {"slot": "", "process": "", "since": ""}),
    Entry("/apps/shop/variables", {"q": "", "edit": "", "new": ""}),
    Entry("/apps/shop/variables/history", {"after": ""}),
    Entry("/activity", {"app": "", "user": "", "action": "", "since": "", "until": "", "after": ""}),
    Entry("/nodes/local/commands", {"after": "", "request_id": ""}),
    Entry("/nodes/local/jobs", {"after": ""}),
    Entry("/nodes/local", {"range": "1h", "table": "1"}),
    Entry("/events", {"topics": "nothing", "after": ""}, fields=["topics"]),
    Entry("/static/base.css", {"v": ""}),
]


@pytest.mark.parametrize("entry", FORMS, ids=lambda entry: entry.path)
async def test_a_form_takes_or_refuses_whatever_is_typed(site: Site, entry: Entry) -> None:
    await _a_team(site)
    eve = await an_admin(site.store, "eve@example.com")
    async with asking(site, eve) as client:
        client.headers["accept"] = "text/html"
        if entry.path.endswith("/off"):
            await enrol(site.store, eve)
        for name, odd in _odd_fillings(entry):
            body = urlencode({**entry.good, name: odd}).encode()
            kind = {"content-type": "application/x-www-form-urlencoded"}
            answer = await _ask(site, client, entry.method, entry.path, name, odd, content=body, headers=kind)
            if answer.status_code == 422:
                assert _is_told(answer.text), (name, odd)


@pytest.mark.parametrize("entry", BODIES, ids=lambda entry: entry.path)
async def test_the_api_takes_or_refuses_whatever_is_sent(site: Site, entry: Entry) -> None:
    await _a_team(site)
    async with asking(site, await an_admin(site.store, "eve@example.com")) as client:
        for name, odd in _odd_fillings(
            entry, more=[*SURROGATES, None, 0, 1, -(2**70), 1.5, True, [], {}, ["\0"], {"a": []}]
        ):
            body = json.dumps({**entry.good, name: odd}).encode()
            kind = {"content-type": "application/json"}
            answer = await _ask(site, client, entry.method, entry.path, name, odd, content=body, headers=kind)
            if answer.status_code == 422:
                assert answer.json().get("field") in _named(entry, name), (name, odd, answer.text)


@pytest.mark.parametrize("entry", BODIES, ids=lambda entry: entry.path)
async def test_a_field_that_is_left_out_is_named(site: Site, entry: Entry) -> None:
    await _a_team(site)
    async with asking(site, await an_admin(site.store, "eve@example.com")) as client:
        for name in entry.odd_fields:
            body = json.dumps(_without(entry, name)).encode()
            kind = {"content-type": "application/json"}
            answer = await _ask(site, client, entry.method, entry.path, name, None, content=body, headers=kind)
            if answer.status_code == 422:
                assert answer.json().get("field") in _named(entry, name), (name, answer.text)


def _named(entry: Entry, name: str) -> set[str]:
    """The field, or one within it."""
    within = entry.good[name]
    return {name, *within} if isinstance(within, dict) else {name}


@pytest.mark.parametrize("entry", FORMS, ids=lambda entry: entry.path)
async def test_a_field_that_a_form_leaves_out_is_told(site: Site, entry: Entry) -> None:
    await _a_team(site)
    eve = await an_admin(site.store, "eve@example.com")
    async with asking(site, eve) as client:
        client.headers["accept"] = "text/html"
        if entry.path.endswith("/off"):
            await enrol(site.store, eve)
        for name in entry.good:
            body = urlencode(_without(entry, name)).encode()
            kind = {"content-type": "application/x-www-form-urlencoded"}
            answer = await _ask(site, client, entry.method, entry.path, name, None, content=body, headers=kind)
            if answer.status_code == 422:
                assert _is_told(answer.text), name


@pytest.mark.parametrize("entry", QUERIES, ids=lambda entry: entry.path)
async def test_an_address_takes_or_refuses_whatever_is_asked(site: Site, entry: Entry) -> None:
    await _a_team(site)
    async with asking(site, await an_admin(site.store, "eve@example.com")) as client:
        for name, odd in _odd_fillings(entry):
            await _ask(site, client, "GET", entry.path, name, odd, params={**entry.good, name: odd})


async def test_a_body_may_be_anything(site: Site) -> None:
    await _a_team(site)
    bodies = [
        b"",
        b"null",
        b"[]",
        b"{",
        b'"x"',
        b"\xff\xfe",
        b'{"a":' * 2000,
        b"=",
        b"%",
        b"%ff",
        b"&&&",
        b"a" * 100_000,
    ]
    kinds = [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "x",
        "",
    ]
    async with asking(site, await an_admin(site.store, "eve@example.com")) as client:
        for entry in (*FORMS, *BODIES):
            for number, body in enumerate(bodies):
                kind = {"content-type": kinds[number % len(kinds)]}
                await _ask(site, client, entry.method, entry.path, "", body, content=body, headers=kind)


async def test_links_and_their_forms_take_anything(site: Site) -> None:
    ada = await _a_team(site)
    offer = await invite(site.store, "new@example.com", Role.VIEWER, actor=ada)
    link = await make_reset_link(site.store, "vic@example.com", actor=ada)
    short = [odd for odd in VALUES[::_STRIDE] if len(odd) < 10]  # too short for a password: the link stays good
    async with a_client(site, headers={"origin": BASE}) as client:
        for odd in short:
            for path in (f"/invite/{offer.token.reveal()}", f"/reset/{link.token.reveal()}"):
                form = {"name": odd, "password": odd}
                answer = await _ask(site, client, "POST", path, "password", odd, data=form)
                assert answer.status_code == 422


async def test_every_place_of_an_address_takes_anything(site: Site) -> None:
    await _a_team(site)
    routes = [route for route in routes_of(site.web) if "{" in route.path]
    async with asking(site, await an_admin(site.store, "eve@example.com")) as client:
        for number, odd in enumerate(VALUES[::_STRIDE]):
            place = quote(odd[:200], safe="") or "%20"
            for route in routes[number % 4 :: 4]:
                names = (
                    "app",
                    "slug",
                    "name",
                    "token",
                    "number",
                    "person",
                    "invitation",
                    "session_id",
                    "token_id",
                    "node",
                    "job",
                )
                path = route.address(**dict.fromkeys(names, place))
                await _ask(site, client, route.method, path, "", odd, content=b"{}" if route.changes else None)


def _odd_fillings(entry: Entry, more: Sequence[object] = ()) -> list[tuple[str, object]]:
    stride = _STRIDE * (4 if entry.hashes else 1)
    return [
        (name, odd)
        for number, name in enumerate(entry.odd_fields)
        for odd in (*VALUES[number % stride :: stride], *more)
    ]


def _without(entry: Entry, name: str) -> dict[str, object]:
    return {field: value for field, value in entry.good.items() if field != name}


async def _a_team(site: Site) -> Actor:
    ada = await an_admin(site.store)
    await a_viewer(site.store)
    await a_live_app(site, "shop")
    await a_new_node(site.store, "oven-2")
    return ada


async def _ask(
    site: Site, client: httpx.AsyncClient, method: str, path: str, name: str, odd: object, **rest: object
) -> httpx.Response:
    """An answer in words, and nothing stored when it is a refusal. Nobody is slowed down here."""
    general = site.parts.general
    async with site.store.transaction() as tx:
        await tx.connection.execute("DELETE FROM attempts")
    before = await rows_of_all_tables(site.store, but=_KEPT_ANYWAY)
    answer = await client.request(method, path, **rest)  # type: ignore[arg-type]  # what httpx takes
    what = f"{method} {path} {name}={ascii(odd)[:80]}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code in _ANSWERS, what
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert not _LIVE.search(answer.text), what
    if answer.status_code >= 400:
        assert await rows_of_all_tables(site.store, but=_KEPT_ANYWAY) == before, what
    site.parts.general = general  # where Bakery lives, should that have been accepted
    return answer


def _is_told(page: str) -> bool:
    """Below the field, or above the form where the field is a list."""
    return 'aria-invalid="true"' in page or 'role="alert"' in page
