"""The GitHub App that was made for this Bakery: from a manifest, in an Admin's browser, and known here ever after."""

import base64
import binascii
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import msgspec
from gidgethub import HTTPException
from gidgethub.apps import get_jwt
from gidgethub.httpx import GitHubAPI

from bakery.github.asking import asking_without_token
from bakery.github.oauth import expect_state, mint_state
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, Conflict
from bakery.model.github import PUBLIC, GitHubUrl, parse_github_url, parse_organisation
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction
from bakery.store.vault import Place, Vault

WHERE = "Settings → GitHub"
PERMISSIONS: Mapping[str, str] = {
    "metadata": "read", "contents": "read", "statuses": "write", "deployments": "write", "pull_requests": "write",
}  # fmt: skip
_EVENTS = ("push", "pull_request", "repository")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_LONGEST_NAME = 34  # of an App, at GitHub
_CLOCKS_DIFFER = timedelta(seconds=45)
_HERE = "/settings/github/app"
_SELECT = """
SELECT url, number, slug, name, owner, client_id, webhook_secret, pem, problem, hint, looked_at, made_by, made_at
FROM github_apps
"""


class AppRefused(Conflict):
    """GitHub takes nothing from the App as it is known here."""


@dataclass(frozen=True, slots=True)
class GitHubApp:
    """Its secrets stay sealed until somebody opens them. `number` is as GitHub counts; `problem` is of the last
    look."""

    url: GitHubUrl
    number: int
    slug: str
    name: str
    owner: str
    client_id: str
    webhook_secret: bytes
    pem: bytes
    problem: str
    hint: str
    looked_at: datetime | None
    made_by: str
    made_at: datetime

    @property
    def page(self) -> str:
        return f"{self.url}/{'apps' if self.url == PUBLIC else 'github-apps'}/{self.slug}"

    @property
    def install_page(self) -> str:
        """Where an account chooses repositories for it."""
        return f"{self.page}/installations/new"

    def open_webhook_secret(self, vault: Vault) -> Secret:
        return vault.open(_place("webhook_secret"), self.webhook_secret)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the browser sends to GitHub, and where."""

    address: str
    text: str


class _Owner(msgspec.Struct):
    login: str


class _Made(msgspec.Struct):
    id: int
    slug: str
    name: str
    owner: _Owner
    client_id: str
    client_secret: str
    webhook_secret: str
    pem: str


async def begin_app(
    store: Store, key: Secret, *, url: str, owner: str, base: str | None, now: datetime, actor: Actor
) -> Manifest:
    """Changes nothing. `owner` is an organisation; empty: who presses the button at GitHub. `base` is Bakery's own
    address."""
    session = _session_of(actor)
    server, organisation = parse_github_url(url), parse_organisation(owner)
    async with store.connection() as connection:
        _expect_none(await read_app(connection))
    if base is None:
        raise Conflict("GitHub needs an address to deliver to.", hint="Set the base URL under Settings → General.")
    where = f"/organizations/{organisation}/settings/apps/new" if organisation else "/settings/apps/new"
    marked = base64.urlsafe_b64encode(server.encode()).rstrip(b"=").decode()
    state = f"{marked}~{mint_state(key, f'app {server} {session}', now)}"
    return Manifest(f"{server}{where}?{urlencode({'state': state})}", json.dumps(_manifest(base)))


async def complete_app(store: Store, key: Secret, *, code: str, state: str, now: datetime, actor: Actor) -> GitHubApp:
    """What GitHub sent the browser back with: a code that is good once, for all that the App's owner has to know."""
    session = _session_of(actor)
    marked, _, signed = state.partition("~")
    server = _server_in(marked)
    expect_state(key, f"app {server} {session}", signed, now, hint=f"Begin again under {WHERE}.")
    if not _CODE.fullmatch(code):
        raise BadInput("GitHub sent no code.", field="code", hint=f"Begin again under {WHERE}.")
    async with store.connection() as connection:
        _expect_none(await read_app(connection))
    made = await _convert(server, code)
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            INSERT INTO github_apps (url, number, slug, name, owner, client_id, client_secret, webhook_secret, pem,
                                     made_by)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
            """,
            (
                server, made.id, made.slug, made.name, made.owner.login, made.client_id,
                store.vault.seal(_place("client_secret"), Secret(made.client_secret)),
                store.vault.seal(_place("webhook_secret"), Secret(made.webhook_secret)),
                store.vault.seal(_place("pem"), Secret(made.pem)), actor.label,
            ),
        )  # fmt: skip
        app = await read_app(tx.connection)
        if app is None or not cursor.rowcount:
            raise _already()
        told = {"server": server, "number": made.id, "owner": made.owner.login}
        _record(tx, actor, "github_app.made", app, after=told)
    return app


async def apps_by_github_app(store: Store, *, actor: Actor) -> list[str]:
    """What the App opens, and nothing else does: without it they are fetched no more."""
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.connection() as connection:
        return await _opened(connection)


async def forget_app(store: Store, *, actor: Actor) -> None:
    """Here: at GitHub its owner deletes it. What it opens is opened by nothing then. Harmless when there is none."""
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.transaction() as tx:
        app = await read_app(tx.connection, for_update=True)
        if app is None:
            return
        opened = await _opened(tx.connection)
        await tx.connection.execute("DELETE FROM github_apps")
        _record(tx, actor, "github_app.forgotten", app, before={"server": app.url, "apps": opened})


async def read_app(connection: Connection, *, for_update: bool = False) -> GitHubApp | None:
    async with connection.cursor(row_factory=typed(GitHubApp)) as cursor:
        await cursor.execute(f"{_SELECT}{' FOR UPDATE' if for_update else ''}".encode())
        return await cursor.fetchone()


async def has_app(store: Store) -> bool:
    """For offering links: where there is an App, nobody needs one."""
    async with store.connection() as connection:
        return await read_app(connection) is not None


@asynccontextmanager
async def as_app(store: Store, app: GitHubApp) -> AsyncIterator[tuple[GitHubAPI, str]]:
    """GitHub's API, and what says in each request that it is the App who asks, for less than ten minutes."""
    pem = store.vault.open(_place("pem"), app.pem)
    jwt = get_jwt(app_id=str(app.number), private_key=pem.reveal())
    async with asking_without_token(app.url) as github:
        try:
            yield github, jwt
        except HTTPException as error:
            if int(error.status_code) == HTTPStatus.UNAUTHORIZED:
                raise _refused(error, app) from error
            raise


def _refused(error: HTTPException, app: GitHubApp) -> AppRefused:
    """By GitHub's own clock, and not by its words: else the key is the reason."""
    told = (error.headers or {}).get("date", "")
    try:
        ahead = datetime.now(UTC) - parsedate_to_datetime(told)
    except (ValueError, TypeError):
        ahead = timedelta()
    if abs(ahead) > _CLOCKS_DIFFER:
        minutes, way = max(round(abs(ahead).total_seconds() / 60), 1), "ahead of" if ahead > timedelta() else "behind"
        return AppRefused(
            f"GitHub takes nothing from the App, for the clock here is {minutes} min {way} GitHub's.",
            hint="Set this machine's clock, best by NTP. Bakery then goes on by itself.",
        )
    return AppRefused(
        "GitHub does not take the App's key any more: it was revoked, or the App was deleted.",
        hint=f"Forget the App under {WHERE}, and make another. What is live stays live. Its page there: {app.page}",
    )


async def _convert(server: GitHubUrl, code: str) -> _Made:
    async with asking_without_token(server) as github:
        try:
            made = await github.post("/app-manifests/{code}/conversions", {"code": code}, data=b"")
        except HTTPException as error:
            if int(error.status_code) in {HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}:
                raise Conflict(
                    "GitHub does not know this code any more: it is good once, within an hour.",
                    hint=f"Delete the App that was made there, and begin again under {WHERE}.",
                ) from error
            raise
        return msgspec.convert(made, _Made)


def _manifest(base: str) -> Mapping[str, object]:
    host = urlsplit(base).hostname or ""
    return {
        "name": f"Bakery {host}"[:_LONGEST_NAME],
        "url": base,
        "description": "Deploys repositories by Bakery, and tells them what became of each push.",
        "hook_attributes": {"url": f"{base}/hooks/github", "active": True},
        "redirect_url": f"{base}{_HERE}/back",
        "setup_url": f"{base}{_HERE}/installed",
        "setup_on_update": True,
        "public": False,
        "default_permissions": dict(PERMISSIONS),
        "default_events": list(_EVENTS),
    }


def _server_in(marked: str) -> GitHubUrl:
    try:
        return parse_github_url(base64.b64decode(marked + "=" * (-len(marked) % 4), altchars=b"-_").decode())
    except (ValueError, binascii.Error, BadInput):
        return PUBLIC  # which its signature does not fit


def _expect_none(app: GitHubApp | None) -> None:
    if app is not None:
        raise _already()


def _already() -> Conflict:
    return Conflict("There is a GitHub App already.", hint=f"Forget it first, under {WHERE}.")


async def _opened(connection: Connection) -> list[str]:
    found = await connection.execute(
        """
        SELECT DISTINCT slug FROM git_sources JOIN environments ON environments.id = environment_id
        JOIN apps ON apps.id = app_id AND deleted_at IS NULL WHERE github_installation IS NOT NULL ORDER BY slug
        """
    )
    return [slug for (slug,) in await found.fetchall()]


def _session_of(actor: Actor) -> str:
    """What a state fits: one session of one Admin."""
    actor.require(Permission.MANAGE_SYSTEM)
    actor.require_own_password()
    if actor.session_id is None:
        raise Conflict("A GitHub App is made in a browser.", hint=f"Open {WHERE} there.")
    return f"{actor.person_id} {actor.session_id}"


def _place(column: str) -> Place:
    return Place("github_apps", 1, column)


def _record(
    tx: Transaction,
    actor: Actor,
    action: str,
    app: GitHubApp,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    tx.record(AuditEntry(actor, action, "settings", "github-app", app.name, before=before, after=after))
    tx.publish("settings")
