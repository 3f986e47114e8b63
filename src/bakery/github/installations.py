"""Where the GitHub App is installed, which repositories were chosen for it there, and the tokens that it gets for
them."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from gidgethub import HTTPException, RateLimitExceeded

from bakery.github.app import GitHubApp, as_app, read_app
from bakery.github.asking import asking
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, Conflict, NotFound, Unavailable
from bakery.model.github import GitHubUrl
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.model.sources import server_of
from bakery.store import leases
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.vault import Place

MOST_REPOSITORIES = 1000
_EARLY = timedelta(minutes=5)  # before its end another token is asked for
_NEXT = timedelta(minutes=15)
_PAUSE = 3.0
_TRY_EVERY = 5.0  # to hold what another process held
_LEASE = "github:app"
_SELECT = """
SELECT number, account, settings_url, has_all, suspended_at, gone_at,
       (SELECT count(*) FROM github_repositories WHERE installation = number) AS repositories
FROM github_installations
"""


class Purpose(StrEnum):
    """For what a token is good; none is good for more than its purpose."""

    LIST = "list"  # of all repositories that were chosen, what they are and their branches
    FETCH = "fetch"  # the code of one repository: it goes to a node
    TELL = "tell"  # all that the App may do, at one repository


_MAY: Mapping[Purpose, Mapping[str, str] | None] = {
    Purpose.LIST: {"metadata": "read", "contents": "read"},
    Purpose.FETCH: {"contents": "read"},
    Purpose.TELL: None,
}


@dataclass(frozen=True, slots=True)
class Installation:
    """`number` is as GitHub counts, `settings_url` where its repositories are chosen."""

    number: int
    account: str
    settings_url: str
    has_all: bool
    suspended_at: datetime | None
    gone_at: datetime | None
    repositories: int

    @property
    def problem(self) -> tuple[str, str]:
        """Why it opens nothing, and what to do; empty: it does."""
        if self.gone_at is not None:
            return (
                f"The GitHub App was uninstalled from {self.account}.",
                f"An owner of {self.account} installs it again, under Settings → GitHub. Or choose another connection.",
            )
        if self.suspended_at is not None:
            return (
                f"{self.account} suspended the GitHub App.",
                f"An owner of {self.account} ends that: {self.settings_url}",
            )
        return "", ""


@dataclass(frozen=True, slots=True)
class AppDetail:
    """`names`: of the repositories that were chosen, by installation."""

    app: GitHubApp
    installations: Sequence[Installation]
    names: Mapping[int, Sequence[str]]


class _Account(msgspec.Struct):
    login: str


class _Installed(msgspec.Struct):
    id: int
    account: _Account
    repository_selection: str
    html_url: str
    suspended_at: datetime | None = None


class _Repository(msgspec.Struct):
    id: int
    full_name: str


class _Token(msgspec.Struct):
    token: str
    expires_at: datetime


async def show_app(store: Store, *, actor: Actor) -> AppDetail | None:
    """As it was seen last; None: there is none."""
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.connection() as connection:
        app = await read_app(connection)
        if app is None:
            return None
        installations = await read_installations(connection)
        found = await connection.execute("SELECT installation, full_name FROM github_repositories ORDER BY full_name")
        rows = await found.fetchall()
    names = {one.number: [name for number, name in rows if number == one.number] for one in installations}
    return AppDetail(app, installations, names)


async def accounts_of_app(store: Store, *, actor: Actor) -> list[str]:
    """Whose repositories it opens, for choosing an app's source."""
    actor.require(Permission.READ)
    async with store.connection() as connection:
        return [one.account for one in await read_installations(connection) if not any(one.problem)]


async def read_installations(connection: Connection) -> list[Installation]:
    async with connection.cursor(row_factory=typed(Installation)) as cursor:
        await cursor.execute(f"{_SELECT} ORDER BY lower(account), number".encode())
        return await cursor.fetchall()


async def find_installation(connection: Connection, url: str) -> Installation | None:
    """That opens the repository at this address, by its owner. One that is there goes before one that was."""
    app = await read_app(connection)
    if app is None or server_of(url) != server_of(f"{app.url}/owner/name.git"):
        return None
    owner = urlsplit(url).path.strip("/").partition("/")[0]
    async with connection.cursor(row_factory=typed(Installation)) as cursor:
        await cursor.execute(
            f"{_SELECT} WHERE lower(account) = lower(%s) ORDER BY gone_at IS NOT NULL, number DESC LIMIT 1".encode(),
            (owner,),
        )
        return await cursor.fetchone()


async def is_chosen(connection: Connection, found: Installation, repository: int) -> bool:
    """As far as all of them were read."""
    rows = await connection.execute(
        "SELECT FROM github_repositories WHERE installation = %s AND number = %s", (found.number, repository)
    )
    return rows.rowcount > 0 or found.repositories >= MOST_REPOSITORIES


async def note_chosen(store: Store, installation: int, number: int, full_name: str) -> None:
    """GitHub just showed it, before the next look does."""
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            INSERT INTO github_repositories (installation, number, full_name)
            SELECT number, %s, %s FROM github_installations WHERE number = %s
            ON CONFLICT (installation, number) DO UPDATE SET full_name = excluded.full_name
            """,
            (number, full_name, installation),
        )


async def find_account(connection: Connection, account: str) -> Installation:
    for one in await read_installations(connection):
        if one.account.lower() == account.lower() and one.gone_at is None:
            return one
    raise NotFound(f"The GitHub App is not installed at {account}.", hint="See Settings → GitHub.")


async def look_at_installations(store: Store, *, actor: Actor) -> None:
    """Asks GitHub now. What it refuses is part of what is known then."""
    actor.require(Permission.MANAGE_SYSTEM)
    await look(store)


async def look_soon(store: Store) -> None:
    """GitHub told that something changed: it is asked what is so, and not believed."""
    async with store.transaction() as tx:
        await tx.connection.execute("UPDATE github_apps SET due_at = now()")


async def keep_looking_at_app(store: Store) -> None:
    """What the worker runs, one process at a time."""
    holder = uuid4()

    async def look_on() -> None:
        while True:
            await look_if_due(store)
            await asyncio.sleep(_PAUSE)

    try:
        while True:
            await leases.while_held(store, _LEASE, holder, look_on)
            await asyncio.sleep(_TRY_EVERY)
    finally:
        with suppress(Unavailable):
            await leases.give_up(store, holder)


async def look_if_due(store: Store) -> bool:
    async with store.connection() as connection:
        found = await connection.execute("SELECT FROM github_apps WHERE due_at <= now()")
        is_due = found.rowcount > 0
    if is_due:
        await look(store)
    return is_due


async def look(store: Store) -> None:
    async with store.connection() as connection:
        app = await read_app(connection)
    if app is None:
        return
    try:
        found = await _ask(store, app)
    except BakeryError as error:
        await _note(store, app, None, error)
    else:
        await _note(store, app, found, None)


async def token_to_list(store: Store, installation: int) -> tuple[GitHubUrl, Secret]:
    return await _token(store, installation, Purpose.LIST)


async def token_to_tell(store: Store, installation: int, repository: int) -> tuple[GitHubUrl, Secret]:
    return await _token(store, installation, Purpose.TELL, repository)


async def token_to_fetch(store: Store, installation: int, repository: int, url: str) -> Secret:
    """It goes to no other server than the one that it is of."""
    server, token = await _token(store, installation, Purpose.FETCH, repository)
    if server_of(url) != server_of(f"{server}/owner/name.git"):
        raise Conflict(f"The GitHub App is at {server}, and this repository lies elsewhere.", hint="Give a token.")
    return token


async def _ask(store: Store, app: GitHubApp) -> list[tuple[_Installed, list[_Repository]]]:
    async with as_app(store, app) as (github, jwt):
        try:
            rows = [row async for row in github.getiter("/app/installations?per_page=100", jwt=jwt)]
        except HTTPException as error:
            if int(error.status_code) == HTTPStatus.NOT_FOUND:
                raise Conflict(
                    "The GitHub App is not there any more: its owner deleted it.",
                    hint="Forget it here, and make another.",
                ) from error
            raise
        installed = msgspec.convert(rows, list[_Installed])
    await _write(store, app, installed)
    return [(one, [] if one.suspended_at else await _chosen(store, one.id)) for one in installed]


async def _chosen(store: Store, installation: int) -> list[_Repository]:
    url, token = await token_to_list(store, installation)
    found: list[_Repository] = []
    async with asking(url, token) as github:
        async for row in github.getiter("/installation/repositories?per_page=100", iterable_key="repositories"):
            found.append(msgspec.convert(row, _Repository))
            if len(found) == MOST_REPOSITORIES:
                break
    return found


async def _write(store: Store, app: GitHubApp, installed: Sequence[_Installed]) -> None:
    """Those that are not there are known as gone: apps may still name them."""
    async with store.transaction() as tx:
        now = await read_app(tx.connection, for_update=True)
        if now is None or now.number != app.number:
            return
        for one in installed:
            await tx.connection.execute(
                """
                INSERT INTO github_installations (number, account, settings_url, has_all, suspended_at)
                VALUES (%s, %s, %s, %s, %s)
                ON CONFLICT (number) DO UPDATE SET account = excluded.account, settings_url = excluded.settings_url,
                    has_all = excluded.has_all, suspended_at = excluded.suspended_at, gone_at = NULL
                """,
                (one.id, one.account.login, one.html_url, one.repository_selection == "all", one.suspended_at),
            )
        await tx.connection.execute(
            "UPDATE github_installations SET gone_at = now() WHERE gone_at IS NULL AND NOT number = ANY(%s)",
            ([one.id for one in installed],),
        )
        await tx.connection.execute(
            """
            DELETE FROM github_installations WHERE gone_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM git_sources WHERE github_installation = number)
            """
        )


async def _note(
    store: Store,
    app: GitHubApp,
    found: Sequence[tuple[_Installed, Sequence[_Repository]]] | None,
    error: BakeryError | None,
) -> None:
    async with store.transaction() as tx:
        for one, repositories in found or ():
            await tx.connection.execute("DELETE FROM github_repositories WHERE installation = %s", (one.id,))
            await tx.connection.execute(
                """
                INSERT INTO github_repositories (installation, number, full_name)
                SELECT installations.number, chosen.number, chosen.full_name FROM github_installations AS installations,
                     unnest(%s::bigint[], %s::text[]) AS chosen (number, full_name)
                WHERE installations.number = %s
                """,
                ([each.id for each in repositories], [each.full_name for each in repositories], one.id),
            )
        await tx.connection.execute(
            """
            UPDATE github_apps SET problem = %s, hint = %s, looked_at = now(), due_at = now() + %s WHERE number = %s
            """,
            (error.message if error else "", error.hint if error else "", _NEXT, app.number),
        )
        tx.publish("settings")


async def _token(
    store: Store, installation: int, purpose: Purpose, repository: int | None = None
) -> tuple[GitHubUrl, Secret]:
    """One that is good for some minutes yet. Two that ask at once get two, which is harmless."""
    name = f"{installation} {purpose} {repository or ''}".strip()
    async with store.connection() as connection:
        app = await read_app(connection)
        found = next((one for one in await read_installations(connection) if one.number == installation), None)
        kept = await connection.execute(
            "SELECT token FROM github_tokens WHERE name = %s AND ends_at > now() + %s", (name, _EARLY)
        )
        row = await kept.fetchone()
    if app is None or found is None:
        raise Conflict("The GitHub App is not known here any more.", hint="Choose another connection for the app.")
    problem, hint = found.problem
    if problem:
        raise Conflict(problem, hint=hint)
    if row is not None:
        return app.url, store.vault.open(_place(name), row[0])
    made = await _mint(store, app, found, purpose, repository)
    token = Secret(made.token)
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            INSERT INTO github_tokens (name, installation, token, ends_at)
            SELECT %s, number, %s, %s FROM github_installations WHERE number = %s
            ON CONFLICT (name) DO UPDATE SET token = excluded.token, ends_at = excluded.ends_at
            """,
            (name, store.vault.seal(_place(name), token), made.expires_at, installation),
        )
        await tx.connection.execute("DELETE FROM github_tokens WHERE ends_at < now()")
    return app.url, token


async def _mint(store: Store, app: GitHubApp, found: Installation, purpose: Purpose, repository: int | None) -> _Token:
    wanted: dict[str, object] = {"repository_ids": [repository]} if repository else {}
    if may := _MAY[purpose]:
        wanted["permissions"] = dict(may)
    async with as_app(store, app) as (github, jwt):
        try:
            made = await github.post(
                "/app/installations/{number}/access_tokens", {"number": str(found.number)}, data=wanted, jwt=jwt
            )
        except HTTPException as error:
            await look_soon(store)  # what is known of it is old
            if (refusal := _refusal(error, found, repository)) is not None:
                raise refusal from error
            raise
        return msgspec.convert(made, _Token)


def _refusal(error: HTTPException, found: Installation, repository: int | None) -> Conflict | None:
    if isinstance(error, RateLimitExceeded):
        return None
    match int(error.status_code):
        case HTTPStatus.NOT_FOUND:
            return Conflict(
                f"The GitHub App was uninstalled from {found.account}.",
                hint=f"An owner of {found.account} installs it again. Or choose another connection.",
            )
        case HTTPStatus.FORBIDDEN if "retry-after" not in (error.headers or {}):
            return Conflict(
                f"{found.account} suspended the GitHub App.",
                hint=f"An owner of {found.account} ends that: {found.settings_url}",
            )
        case HTTPStatus.UNPROCESSABLE_ENTITY if repository:
            return taken_out(found)
    return None


def taken_out(found: Installation) -> Conflict:
    return Conflict(
        f"The repository was taken out of the GitHub App's installation at {found.account}.",
        hint=f"An owner of {found.account} chooses it again: {found.settings_url}",
    )


def _place(name: str) -> Place:
    return Place("github_tokens", name, "token")
