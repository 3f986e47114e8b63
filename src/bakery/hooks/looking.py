"""Asking the server of a repository where the branch is that an environment follows: when somebody wants to know, and
once an hour where pushes should tell, for a push that never arrived tells nothing."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from bakery.delivery.find import find_app, node_of_environment
from bakery.delivery.git_rows import credentials_of, read_source
from bakery.hooks.missed import Branch
from bakery.model.actor import Actor
from bakery.model.errors import BakeryError, Conflict
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.nodes.links import Links
from bakery.store.rows import typed
from bakery.store.store import Store

_AT_ONCE = 4
_EVERY = 30.0
_CLAIMED_FOR = timedelta(minutes=5)  # a process that dies meanwhile leaves it to the next
_NEXT = timedelta(hours=1)
_FOUND = """
SELECT git_sources.url, git_sources.branch, looks.commit, looks.at, coalesce(looks.problem, '') AS problem,
       coalesce(looks.hint, '') AS hint, live.version AS live, webhooks.environment_id IS NOT NULL AS has_webhook,
       coalesce(webhooks.is_on, false) AS is_on, push.decision, coalesce(push.why, '') AS why,
       made.number AS deployment, made.state,
       EXISTS (SELECT FROM deployments WHERE deployments.environment_id = git_sources.environment_id
               AND deployments.state IN ('queued', 'running')) AS is_deploying
FROM git_sources LEFT JOIN webhooks USING (environment_id)
LEFT JOIN branch_looks AS looks ON looks.environment_id = git_sources.environment_id
    AND looks.url = git_sources.url AND looks.branch = git_sources.branch
LEFT JOIN LATERAL (
    SELECT builds.version FROM slots JOIN releases ON releases.id = slots.release_id
    JOIN builds ON builds.id = releases.build_id AND builds.source = 'git'
    WHERE slots.environment_id = git_sources.environment_id AND slots.state = 'live'
) AS live ON true
LEFT JOIN LATERAL (
    SELECT decision, why FROM webhook_deliveries AS one
    WHERE one.environment_id = git_sources.environment_id AND is_signed AND one.commit = looks.commit
    AND ref = 'refs/heads/' || git_sources.branch ORDER BY one.id DESC LIMIT 1
) AS push ON true
LEFT JOIN LATERAL (
    SELECT deployments.number, deployments.state FROM deployments
    JOIN releases ON releases.id = deployments.release_id JOIN builds ON builds.id = releases.build_id
    WHERE deployments.environment_id = git_sources.environment_id
    AND looks.commit IN (builds.version, builds.ref) ORDER BY deployments.id DESC LIMIT 1
) AS made ON true
WHERE git_sources.environment_id = %s AND git_sources.url IS NOT NULL AND git_sources.branch IS NOT NULL
"""


async def show_branch(store: Store, where: AppAt, *, actor: Actor) -> Branch | None:
    """None: it follows no repository."""
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    return await _read(store, app.environment_id)


async def look_at_branch(store: Store, links: Links, where: AppAt, *, actor: Actor) -> Branch:
    """Asks its server now, from the app's node. What that refuses is part of what was found."""
    actor.require(Permission.DEPLOY)
    app = await find_app(store, where, actor)
    await _look(store, links, app.environment_id)
    found = await _read(store, app.environment_id)
    if found is None:
        raise Conflict(
            f"{where} follows no repository.", hint=f"Name one with: bakery source set {where.arguments} --repo URL"
        )
    return found


async def keep_looking_at_branches(store: Store, links: Links) -> None:
    while True:
        await look_at_due_branches(store, links)
        await asyncio.sleep(_EVERY)


async def look_at_due_branches(store: Store, links: Links) -> int:
    """At those whose time has come. Says how many; several processes share the work."""
    due = await _claim(store)
    async with asyncio.TaskGroup() as group:
        for environment_id in due:
            group.create_task(_look(store, links, environment_id))
    return len(due)


async def _claim(store: Store) -> list[int]:
    async with store.transaction() as tx:
        await tx.connection.execute(
            "INSERT INTO branch_looks (environment_id) SELECT environment_id FROM webhooks ON CONFLICT DO NOTHING"
        )
        cursor = await tx.connection.execute(
            """
            UPDATE branch_looks SET next_at = now() + %(claimed)s WHERE environment_id IN (
                SELECT environment_id FROM branch_looks JOIN webhooks USING (environment_id)
                JOIN git_sources USING (environment_id)
                WHERE next_at <= now() AND git_sources.url IS NOT NULL
                ORDER BY next_at LIMIT %(most)s FOR UPDATE OF branch_looks SKIP LOCKED)
            RETURNING environment_id
            """,
            {"claimed": _CLAIMED_FOR, "most": _AT_ONCE},
        )
        return [int(environment_id) for (environment_id,) in await cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a server said: where the branch is, or why not."""

    commit: str | None
    problem: str = ""
    hint: str = ""


async def _look(store: Store, links: Links, environment_id: int) -> None:
    async with store.connection() as connection:
        source = await read_source(connection, environment_id)
    node_id = await node_of_environment(store, environment_id)
    if source is None or node_id is None or source.url is None or source.branch is None:
        return
    before = await _read(store, environment_id)
    try:
        credentials = await credentials_of(store, source)
        node = await links.node(node_id)
        seen = _Seen(await node.sources.head(source.url, credentials, source.branch))
    except BakeryError as error:
        seen = _Seen(None, error.message, error.hint)
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            INSERT INTO branch_looks (environment_id, url, branch, commit, problem, hint, at, next_at)
            SELECT id, %(url)s, %(branch)s, %(commit)s, %(problem)s, %(hint)s, now(), now() + %(next)s
            FROM environments WHERE id = %(environment)s
            ON CONFLICT (environment_id) DO UPDATE SET url = excluded.url, branch = excluded.branch,
                commit = excluded.commit, problem = excluded.problem, hint = excluded.hint, at = excluded.at,
                next_at = excluded.next_at
            """,
            {
                "environment": environment_id,
                "url": source.url,
                "branch": source.branch,
                "commit": seen.commit,
                "problem": seen.problem,
                "hint": seen.hint,
                "next": _NEXT,
            },
        )
        if before is None or (before.commit, before.problem) != (seen.commit, seen.problem):
            cursor = await tx.connection.execute(
                "SELECT slug FROM apps JOIN environments ON app_id = apps.id WHERE environments.id = %s",
                (environment_id,),
            )
            for (slug,) in await cursor.fetchall():
                tx.publish(f"app:{slug}")


async def _read(store: Store, environment_id: int) -> Branch | None:
    async with store.connection() as connection, connection.cursor(row_factory=typed(Branch)) as cursor:
        await cursor.execute(_FOUND, (environment_id,))
        return await cursor.fetchone()
