"""Asking GitHub where the App is installed, and which repositories were chosen for it: now, from time to time, and when
GitHub told that something changed.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

import msgspec
from gidgethub import HTTPException

from bakery.github.app import GitHubApp, as_app, read_app
from bakery.github.asking import asking
from bakery.github.installation_tokens import token_to_list
from bakery.github.installations import MOST_REPOSITORIES
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, Conflict
from bakery.model.permissions import Permission
from bakery.store import leases
from bakery.store.store import Store

_NEXT = timedelta(minutes=15)
_PAUSE = 3.0
_LEASE = "github:app"


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


async def look_at_installations(store: Store, *, actor: Actor) -> None:
    """Asks GitHub now. What it refuses is part of what is known then."""
    actor.require(Permission.MANAGE_SYSTEM)
    await look(store)


async def keep_looking_at_app(store: Store) -> None:
    """What the worker runs, one process at a time."""

    async def look_on() -> None:
        while True:
            await look_if_due(store)
            await asyncio.sleep(_PAUSE)

    await leases.whenever_held(store, _LEASE, look_on)


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
    found: list[tuple[_Installed, list[_Repository]]] = []
    refused: BakeryError | None = None
    try:
        installed = await _installed(store, app)
    except BakeryError as error:
        installed, refused = [], error
    for one in installed:
        try:
            found.append((one, [] if one.suspended_at else await _chosen(store, one.id)))
        except BakeryError as error:  # of the others it is known all the same
            refused = error
    await _note(store, app, found, refused)


async def _installed(store: Store, app: GitHubApp) -> list[_Installed]:
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
    return installed


async def _chosen(store: Store, installation: int) -> list[_Repository]:
    opened = await token_to_list(store, installation)
    found: list[_Repository] = []
    async with asking(opened) as github:
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
    found: Sequence[tuple[_Installed, Sequence[_Repository]]],
    error: BakeryError | None,
) -> None:
    async with store.transaction() as tx:
        for one, repositories in found:
            await tx.connection.execute("DELETE FROM github_repositories WHERE installation = %s", (one.id,))
            await tx.connection.execute(
                """
                INSERT INTO github_repositories (installation, number, full_name)
                SELECT installations.number, chosen.number, chosen.full_name FROM github_installations AS installations,
                     unnest(%s::bigint[], %s::text[]) AS chosen (number, full_name)
                WHERE installations.number = %s ON CONFLICT DO NOTHING
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
