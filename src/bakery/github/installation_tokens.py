"""Tokens of the GitHub App for one of its installations, each good for one purpose and for an hour. They rest sealed
until shortly before their end.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

import msgspec
from gidgethub import HTTPException, RateLimitExceeded

from bakery.github.app import GitHubApp, as_app, read_app
from bakery.github.asking import Opened, by_app
from bakery.github.installations import Installation, look_soon, read_installations
from bakery.model.errors import Conflict
from bakery.model.secret import Secret
from bakery.model.sources import server_of
from bakery.store.store import Store
from bakery.store.vault import Place

_EARLY = timedelta(minutes=5)  # before its end another token is asked for


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


class _Token(msgspec.Struct):
    token: str
    expires_at: datetime


async def token_to_list(store: Store, installation: int) -> Opened:
    return await _token(store, installation, Purpose.LIST)


async def token_to_tell(store: Store, installation: int, repository: int) -> Opened:
    return await _token(store, installation, Purpose.TELL, repository)


async def token_to_fetch(store: Store, installation: int, repository: int, url: str) -> Secret:
    """It goes to no other server than the one that it is of."""
    opened = await _token(store, installation, Purpose.FETCH, repository)
    if server_of(url) != server_of(f"{opened.url}/owner/name.git"):
        raise Conflict(f"The GitHub App is at {opened.url}, and this repository lies elsewhere.", hint="Give a token.")
    return opened.token


async def forget_tokens(store: Store, installation: int) -> None:
    """GitHub takes one of them no more, before its end: the next question is asked with another."""
    async with store.transaction() as tx:
        await tx.connection.execute("DELETE FROM github_tokens WHERE installation = %s", (installation,))


async def _token(store: Store, installation: int, purpose: Purpose, repository: int | None = None) -> Opened:
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
        return Opened(app.url, store.vault.open(_place(name), row[0]), by_app(found.account))
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
    return Opened(app.url, token, by_app(found.account))


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
