"""Previews are made what they are to be: one process looks, again and again, and does the next step of each. What
a kill cut is so done by the next look."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from psycopg import errors

from bakery.delivery.apps import show_app
from bakery.delivery.clone import Copied, copy_environment, copy_variables
from bakery.delivery.delete import delete_app
from bakery.delivery.find import find_app
from bakery.delivery.git_rows import read_source
from bakery.delivery.placing import expect_room_on
from bakery.delivery.request import request_deployment
from bakery.hooks.preview_decisions import Step, next_step
from bakery.hooks.preview_rows import PreviewRow, lock_preview, read_preview, read_unsettled
from bakery.model.actor import Actor, Origin
from bakery.model.audit import AuditEntry
from bakery.model.errors import BadInput, BakeryError, Conflict, NotFound, Unavailable
from bakery.model.names import AppAt
from bakery.model.nodes import NodeName
from bakery.model.previews import PreviewState
from bakery.model.runtimes import Runtime
from bakery.model.sources import Branch, Ref, parse_branch
from bakery.nodes.catalogue import NodeSummary
from bakery.store import leases
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.store.transaction import Transaction

log = structlog.get_logger()

_PAUSE = 2.0
_LEASE = "previews"
_A_WHILE = timedelta(minutes=1)
_SOON = timedelta(seconds=3)
_WAITS: Mapping[Step, tuple[PreviewState, timedelta]] = {
    Step.WAIT_FOR_APPROVAL: (PreviewState.APPROVAL, _A_WHILE),
    Step.WAIT_FOR_ROOM: (PreviewState.ROOM, _SOON),
    Step.WAIT_FOR_NODE: (PreviewState.NEW, _SOON),
}
_ENDS: Mapping[Step, str] = {Step.GROW_OLD: "old", Step.WAS_REMOVED: "person"}


async def keep_previews(store: Store, queue: Queue, now: Callable[[], datetime]) -> None:
    """What the worker runs, one process at a time."""

    async def settle_on() -> None:
        while True:
            await settle_previews(store, queue, now=now())
            await asyncio.sleep(_PAUSE)

    await leases.whenever_held(store, _LEASE, settle_on)


async def settle_previews(store: Store, queue: Queue, *, now: datetime) -> None:
    """Each its next step. What refuses is told, and tried again later."""
    full: set[int] = set()
    async for seen in read_unsettled(store):
        if next_step(seen.standing, seen.settings, now=now) is Step.REST:
            continue
        async with store.connection() as connection:  # those before it may have made room, or taken it
            one = await read_preview(connection, seen.id)
        if one is None:
            continue
        step = next_step(one.standing, one.settings, now=now)
        await _settle(store, queue, one, step, is_next=one.app_id not in full)
        if step is Step.WAIT_FOR_ROOM:
            full.add(one.app_id)


async def _settle(store: Store, queue: Queue, one: PreviewRow, step: Step, *, is_next: bool) -> None:
    """`is_next`: nobody waits for room before it. Strangers may open pull requests by the thousand, and only one of
    them is looked at again and again."""
    try:
        if step is Step.DEPLOY:
            await _deploy(store, queue, one)
        elif step is Step.REMOVE:
            await _remove(store, queue, one)
        elif step in _ENDS:
            await _end(store, one, _ENDS[step])
        elif step in _WAITS:
            state, later = _WAITS[step]
            later = later if is_next else _A_WHILE
            await _note(store, one, PreviewState.PLACED if one.has_environment else state, later=later)
    except Unavailable:
        raise
    except BakeryError as error:
        problem = f"{error.message} {error.hint}".strip()
        log.warning("preview_not_made", app=one.app, number=one.number, error=error.message)
        await _note(store, one, PreviewState.REFUSED, problem=problem, later=_A_WHILE)


async def _deploy(store: Store, queue: Queue, one: PreviewRow) -> None:
    actor = _author(one)
    environment_id = one.environment_id if one.has_environment else await _place(store, one, actor)
    if environment_id is None:  # it was closed meanwhile
        return
    # Once for each turn, also where a kill cuts before that is noted.
    key = f"preview:{environment_id}:{one.turn}"
    made = await request_deployment(store, queue, one.where, ref=Ref(one.head), actor=actor, idempotency_key=key)
    async with store.transaction() as tx:
        await tx.connection.execute(
            """
            UPDATE previews SET deployed_turn = %s, deployment = %s, state = 'placed', problem = '' WHERE id = %s
            """,
            (one.turn, made.number, one.id),
        )
        tx.publish(f"app:{one.app}")


async def _place(store: Store, one: PreviewRow, actor: Actor) -> int | None:
    """Its environment, like the one that the settings name. None: the pull request is another by now."""
    like = AppAt(one.app, one.like)
    original, found = await show_app(store, like, actor=actor), await find_app(store, like, actor)
    try:
        async with store.transaction() as tx:
            locked = await lock_preview(tx, one.id)
            if locked is None or (locked.turn, locked.is_open, locked.ended) != (one.turn, True, ""):
                return None
            if await read_source(tx.connection, found.environment_id) is None:
                raise Conflict(f"{like} follows no repository.", hint="Set its source.")
            node = await expect_room_on(tx, NodeName(original.node), original.runtime)
            if one.is_fork:
                _expect_apart(node, original.runtime)
            # A stranger's list of submodules would be fetched with what opens our own repositories.
            copied = Copied(
                found.id, one.where.environment, node.id, original.runtime, _branch(one), submodules=not one.is_fork
            )
            environment_id = await copy_environment(store, tx, found, copied, actor=actor)
            await _treat_visitors_alike(tx, found.environment_id, environment_id)
            if original.runtime is not Runtime.STATIC:
                await _limit(tx, environment_id, one)
            names = [] if one.is_fork else one.variables
            given = await copy_variables(store, tx, found, environment_id, actor, named=names)
            await tx.connection.execute(
                """
                UPDATE previews SET environment_id = %s, made_for_fork = %s, deployed_turn = 0, state = 'new'
                WHERE id = %s
                """,
                (environment_id, one.is_fork, one.id),
            )
            tx.publish("apps", f"app:{one.app}")
            told = {"number": one.number, "environment": one.where.environment, "like": one.like, "variables": given}
            tx.record(AuditEntry(actor, "preview.made", "app", str(one.app_id), one.app, app_id=one.app_id, after=told))
    except errors.UniqueViolation as error:
        raise Conflict(
            f"{one.app} has an environment {one.where.environment} already, which is no preview.",
            hint="Delete it, or it is in the way.",
        ) from error
    return environment_id


def _expect_apart(node: NodeSummary, runtime: Runtime) -> None:
    """A stranger's code runs where it cannot read what other apps are given."""
    if runtime is Runtime.DOCKER or (node.facts is not None and node.facts.is_root):
        return
    raise Conflict(
        f"{node.slug} runs all apps as one user, so that a stranger's code could read what the others are given.",
        hint="Run the app in Docker, or Bakery on that node as root.",
    )


def _branch(one: PreviewRow) -> Branch | None:
    """That is deployed by hand: a fork's is not in the repository that is followed."""
    if one.is_fork:
        return None
    try:
        return parse_branch(one.branch)
    except BadInput:
        return None


async def _treat_visitors_alike(tx: Transaction, original: int, environment_id: int) -> None:
    """Who may not see the original without a password does not see its preview either."""
    await tx.connection.execute(
        "INSERT INTO site_options (environment_id, options) SELECT %s, options FROM site_options "
        "WHERE environment_id = %s",
        (environment_id, original),
    )


async def _limit(tx: Transaction, environment_id: int, one: PreviewRow) -> None:
    await tx.connection.execute(
        """
        UPDATE environments SET memory_bytes = coalesce(%s, memory_bytes), cpu_percent = coalesce(%s, cpu_percent)
        WHERE id = %s
        """,
        (one.memory_bytes, one.cpu_percent, environment_id),
    )


async def _remove(store: Store, queue: Queue, one: PreviewRow) -> None:
    """The environment with all that is its own, volumes too. That it went is noted with it: a kill cuts neither off."""

    async def note(tx: Transaction) -> None:
        await _note_removed(tx, one)

    try:
        await delete_app(store, queue, one.where, actor=Actor.system(), then=note)
    except NotFound:  # somebody deletes it already
        async with store.transaction() as tx:
            await note(tx)


async def _note_removed(tx: Transaction, one: PreviewRow) -> None:
    await tx.connection.execute(
        "UPDATE previews SET state = 'closed', problem = '', deployed_turn = 0, next_at = now() WHERE id = %s",
        (one.id,),
    )
    await _call_next(tx, one.app_id)
    tx.publish(f"app:{one.app}")
    told = {"number": one.number, "environment": one.where.environment, "why": one.ended or "closed"}
    target = ("app", str(one.app_id), one.app)
    tx.record(AuditEntry(Actor.system(), "preview.removed", *target, app_id=one.app_id, before=told))


async def _end(store: Store, one: PreviewRow, why: str) -> None:
    """Until the next push. What it has is removed by the next look."""
    async with store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE previews SET ended = %s, state = %s WHERE id = %s AND turn = %s",
            (why, PreviewState.CLOSED, one.id, one.turn),
        )
        await _call_next(tx, one.app_id)
        tx.publish(f"app:{one.app}")


async def _call_next(tx: Transaction, app_id: int) -> None:
    """Who waits for room longest."""
    await tx.connection.execute(
        """
        UPDATE previews SET next_at = now() WHERE id = (
            SELECT min(id) FROM previews WHERE app_id = %s AND is_open AND state = 'room')
        """,
        (app_id,),
    )


async def _note(
    store: Store, one: PreviewRow, state: PreviewState, *, problem: str = "", later: timedelta = timedelta()
) -> None:
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            WITH was AS (SELECT id, state, problem FROM previews WHERE id = %(id)s AND turn = %(turn)s FOR UPDATE)
            UPDATE previews SET state = %(state)s, problem = %(problem)s, next_at = now() + %(later)s
            FROM was WHERE was.id = previews.id RETURNING (was.state, was.problem) <> (%(state)s, %(problem)s)
            """,
            {"id": one.id, "turn": one.turn, "state": state, "problem": problem, "later": later},
        )
        row = await cursor.fetchone()
        if row is not None and row[0]:
            tx.publish(f"app:{one.app}")


def _author(one: PreviewRow) -> Actor:
    """Who opened the pull request asks for its preview, which they may: the app's people said so."""
    return Actor(Origin("push"), label=one.author or "Somebody", is_system=True)
