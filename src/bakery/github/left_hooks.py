"""Webhooks that stay in repositories at GitHub although nothing here listens to them any more: remembered, also
without their app, and taken away as soon as GitHub does that. What it never does is told, for a person to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import msgspec
import structlog
from gidgethub import BadRequest
from gidgethub.httpx import GitHubAPI

from bakery.github.asking import asking
from bakery.github.links import usable_link
from bakery.github.repositories import split_name
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BakeryError, Conflict, NotFound, TooMany, Unavailable
from bakery.model.permissions import Permission
from bakery.nodes.leaving import leave_hooks
from bakery.store.rows import typed
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

log = structlog.get_logger()

_AT_ONCE = 20
_FIRST = timedelta(minutes=1)  # until it is tried again, and twice as long each time
_LAST = timedelta(hours=6)
_PATIENCE = timedelta(days=7)
_TOLD_FOR = timedelta(days=30)  # after it was given up
_TURN = timedelta(minutes=5)  # for which who tries is alone with it
_SELECT = """
SELECT id, environment_id, app_id, app, environment, person_id, server, repository, hook, since, tries, next_at,
       problem, given_up_at
FROM github_left_hooks
"""


@dataclass(frozen=True, slots=True)
class LeftHook:
    """`app` and `environment` are the names that they had. `person_id` None: whose link it was is gone."""

    id: int
    environment_id: int
    app_id: int
    app: str
    environment: str
    person_id: int | None
    server: str
    repository: str
    hook: int
    since: datetime
    tries: int
    next_at: datetime
    problem: str
    given_up_at: datetime | None

    @property
    def page(self) -> str:
        """Where a person takes it away."""
        return f"{self.server}/{self.repository}/settings/hooks/{self.hook}"


class GaveUp(Conflict):
    """Asking again does not help."""


async def drop_hook(store: Store, environment_id: int) -> None:
    """It is remembered before GitHub is asked: no kill, and no end of its app, makes it forgotten."""
    async with store.transaction() as tx:
        left = await leave(tx, environment_id, wait=_TURN)
    if left is not None:
        await _take_away(store, left)


async def leave(
    tx: Transaction, environment_id: int, *, but: int | None = None, wait: timedelta = timedelta()
) -> LeftHook | None:
    """What the environment has at GitHub is of no use to it any more, unless it is the one of the number `but`."""
    left = await leave_hooks(tx, [environment_id], but=but, wait=wait)
    return await _find(tx.connection, left[0]) if left else None


async def keep(tx: Transaction, server: str, hook: int) -> None:
    """It is of use again."""
    await tx.connection.execute("DELETE FROM github_left_hooks WHERE server = %s AND hook = %s", (server, hook))


async def take_away_left_hooks(store: Store) -> None:
    """Those whose time has come; several processes share the work."""
    async with store.transaction() as tx:
        await tx.connection.execute("DELETE FROM github_left_hooks WHERE given_up_at < now() - %s", (_TOLD_FOR,))
        cursor = await tx.connection.execute(
            """
            UPDATE github_left_hooks SET next_at = now() + %s WHERE id IN (
                SELECT id FROM github_left_hooks WHERE given_up_at IS NULL AND next_at <= now()
                ORDER BY next_at LIMIT %s FOR UPDATE SKIP LOCKED)
            RETURNING id
            """,
            (_TURN, _AT_ONCE),
        )
        due = [await _find(tx.connection, number) for (number,) in await cursor.fetchall()]
    for one in due:
        await _take_away(store, one)


async def read_left_hooks(connection: Connection, environment_id: int) -> list[LeftHook]:
    async with connection.cursor(row_factory=typed(LeftHook)) as cursor:
        await cursor.execute(f"{_SELECT} WHERE environment_id = %s ORDER BY id LIMIT 20".encode(), (environment_id,))
        return await cursor.fetchall()


async def list_left_hooks(store: Store, *, before: int | None = None, limit: int, actor: Actor) -> list[LeftHook]:
    """The newest first. `before` is the id of one: those that are older."""
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.connection() as connection, connection.cursor(row_factory=typed(LeftHook)) as cursor:
        await cursor.execute(
            f"{_SELECT} WHERE %(before)s::numeric IS NULL OR id < %(before)s::numeric "
            "ORDER BY id DESC LIMIT %(limit)s".encode(),
            {"before": before, "limit": limit},
        )
        return await cursor.fetchall()


async def take_away_now(store: Store, number: int, *, actor: Actor) -> LeftHook | None:
    """Also one that was given up. None: GitHub has it no more; else it says why it stays."""
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.connection() as connection:
        one = await _find(connection, number)
    await _take_away(store, one)
    async with store.connection() as connection:
        try:
            return await _find(connection, number)
        except NotFound:
            return None


async def forget_left_hook(store: Store, number: int, *, actor: Actor) -> None:
    """Somebody took it away at GitHub, or lets it be there."""
    actor.require(Permission.MANAGE_SYSTEM)
    async with store.transaction() as tx:
        one = await _find(tx.connection, number)
        await _forget(tx, one)
        _record(tx, one, "webhook.left_forgotten", actor)


async def _find(connection: Connection, number: int) -> LeftHook:
    async with connection.cursor(row_factory=typed(LeftHook)) as cursor:
        await cursor.execute(f"{_SELECT} WHERE id = %s::numeric".encode(), (number,))
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("No such webhook is left at GitHub.", hint="It may have been taken away by now.")
    return found


async def _take_away(store: Store, one: LeftHook) -> None:
    try:
        await _ask(store, one)
    except BakeryError as error:
        log.warning("github_hook_stays", repository=one.repository, hook=one.hook, error=error.message)
        await _note(store, one, error)
        return
    async with store.transaction() as tx:
        await _forget(tx, one)


async def _ask(store: Store, one: LeftHook) -> None:
    if one.person_id is None:
        raise GaveUp("Whose link added it has no link any more.", hint="An admin of the repository takes it away.")
    opened = await usable_link(store, one.person_id)
    if one.server not in {"", opened.url}:
        raise GaveUp(f"It is at {one.server}, where nobody is linked any more.", hint="Take it away there.")
    place = split_name(one.repository)
    async with asking(opened) as github:
        try:
            await github.delete("/repos/{owner}/{name}/hooks/{hook}", {**place, "hook": str(one.hook)})
        except BadRequest as error:
            if error.status_code not in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                raise
            if not await _administers(github, place):
                raise GaveUp(
                    f"GitHub does not show the webhooks of {one.repository} to {opened.by.name} any more.",
                    hint="If the repository is still there, an admin of it takes the webhook away.",
                ) from error


async def _administers(github: GitHubAPI, place: Mapping[str, str]) -> bool:
    """Who does is shown all webhooks that there are."""
    try:
        found = await github.getitem("/repos/{owner}/{name}", place)
    except BadRequest as error:
        if error.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            return False
        raise
    return msgspec.convert(found, _Repository).permissions.get("admin", True)


class _Repository(msgspec.Struct):
    permissions: dict[str, bool] = {}


async def _note(store: Store, one: LeftHook, error: BakeryError) -> None:
    asked = error.retry_after if isinstance(error, TooMany | Unavailable) else 0
    wait = max(min(_FIRST * 2 ** min(one.tries, 20), _LAST), timedelta(seconds=asked))
    async with store.transaction() as tx:
        changed = await tx.connection.execute(
            """
            UPDATE github_left_hooks SET tries = tries + 1, problem = %(problem)s, next_at = now() + %(wait)s,
                given_up_at = CASE WHEN given_up_at IS NOT NULL THEN given_up_at
                                   WHEN %(at_once)s OR since < now() - %(patience)s THEN now() END
            WHERE id = %(id)s RETURNING given_up_at = now()
            """,
            {
                "id": one.id,
                "problem": f"{error.message} {error.hint}".strip(),
                "wait": wait,
                "at_once": isinstance(error, GaveUp),
                "patience": _PATIENCE,
            },
        )
        row = await changed.fetchone()
        if row is not None and row[0]:
            _record(tx, one, "webhook.left_at_github", Actor.system())
        _publish(tx, one)


async def _forget(tx: Transaction, one: LeftHook) -> None:
    await tx.connection.execute("DELETE FROM github_left_hooks WHERE id = %s", (one.id,))
    _publish(tx, one)


def _record(tx: Transaction, one: LeftHook, action: str, actor: Actor) -> None:
    told = {"environment": one.environment, "repository": one.repository, "hook": one.hook}
    tx.record(AuditEntry(actor, action, "app", str(one.app_id), one.app, app_id=one.app_id, after=told))


def _publish(tx: Transaction, one: LeftHook) -> None:
    tx.publish("settings", f"app:{one.app}")
