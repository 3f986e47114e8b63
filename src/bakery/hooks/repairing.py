"""Webhooks that Bakery put into repositories at GitHub: looked at once an hour, and put back where somebody took them
away: a push that is not told tells nothing. Those that are of no use any more are taken away."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bakery.github.left_hooks import take_away_left_hooks
from bakery.github.repository_hooks import is_hook_there
from bakery.hooks.provision import add_to_github
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, TooMany, Unavailable
from bakery.model.names import AppAt, AppName, EnvironmentName
from bakery.store.rows import typed
from bakery.store.store import Connection, Store

log = structlog.get_logger()

_EVERY = timedelta(hours=1)
_PAUSE = 60.0
_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of the last one. `problem` says why it is not there, or why nobody knows; empty: it is."""

    repaired_at: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Due:
    environment_id: int
    app: AppName
    environment: EnvironmentName
    person: int
    repository: str
    hook: int

    @property
    def where(self) -> AppAt:
        return AppAt(self.app, self.environment)


async def keep_repairing(store: Store, base: Callable[[], str | None]) -> None:
    """What the worker runs; several processes share the work. `base` is Bakery's own address."""
    while True:
        await repair_missing_hooks(store, base())
        await take_away_left_hooks(store)
        await asyncio.sleep(_PAUSE)


async def repair_missing_hooks(store: Store, base: str | None) -> None:
    """Those whose time has come, where a push is to deploy: who turned that off may have taken the webhook away."""
    async with store.transaction() as tx, tx.connection.cursor(row_factory=typed(_Due)) as cursor:
        await cursor.execute(
            """
            UPDATE github_hooks SET checked_at = now()
            FROM environments, apps WHERE environments.id = github_hooks.environment_id AND apps.id = app_id
            AND github_hooks.environment_id IN (
                SELECT hooks.environment_id FROM github_hooks AS hooks
                JOIN git_sources ON git_sources.environment_id = hooks.environment_id AND github_person = person_id
                JOIN webhooks AS heard ON heard.environment_id = hooks.environment_id AND is_on
                JOIN environments AS staying ON staying.id = hooks.environment_id AND going_since IS NULL
                JOIN apps AS stays ON stays.id = staying.app_id AND deleted_at IS NULL
                WHERE checked_at <= now() - %s ORDER BY checked_at LIMIT %s FOR UPDATE OF hooks SKIP LOCKED)
            RETURNING github_hooks.environment_id, slug AS app, environments.name AS environment, person_id AS person,
                      repository, github_hooks.hook
            """,
            (_EVERY, _AT_ONCE),
        )
        due = await cursor.fetchall()
    for one in due:
        await _look(store, one, base)


async def read_repair(connection: Connection, environment_id: int) -> Repair:
    async with connection.cursor(row_factory=typed(Repair)) as cursor:
        await cursor.execute(
            "SELECT repaired_at, problem FROM github_hooks WHERE environment_id = %s", (environment_id,)
        )
        return await cursor.fetchone() or Repair()


async def _look(store: Store, one: _Due, base: str | None) -> None:
    """GitHub that is away says nothing about the webhook."""
    problem, is_put_back = "", False
    try:
        is_there = await is_hook_there(store, one.person, one.repository, one.hook)
    except (TooMany, Unavailable) as error:
        log.warning("github_hook_not_seen", app=one.app, error=error.message)
        return
    except BakeryError as error:  # such as a link that was revoked there
        is_there, problem = True, f"{error.message} {error.hint}".strip()
    if not is_there:
        try:
            await add_to_github(store, one.where, base=base, actor=Actor.system())
            is_put_back = True
        except BakeryError as error:
            problem = f"It is missing there, and could not be put back. {error.message} {error.hint}".strip()
    async with store.transaction() as tx:
        changed = await tx.connection.execute(
            """
            UPDATE github_hooks SET problem = %(problem)s,
                repaired_at = CASE WHEN %(is_put_back)s THEN now() ELSE repaired_at END
            WHERE environment_id = %(environment)s AND (problem <> %(problem)s OR %(is_put_back)s)
            """,
            {"problem": problem, "is_put_back": is_put_back, "environment": one.environment_id},
        )
        if changed.rowcount:
            tx.publish(f"app:{one.app}")
