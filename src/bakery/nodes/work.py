"""Jobs as people ask for them: a row and its place in the queue, which a worker turns into work on the node."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bakery.commands.command import command
from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.deployments import require_move
from bakery.model.errors import BakeryError, Conflict, NodeUnreachable, NotFound, Unavailable
from bakery.model.jobs import NEXT_STATES, JobState, parse_seconds
from bakery.model.nodes import expect_node_name
from bakery.model.permissions import Permission
from bakery.nodes import tasks
from bakery.nodes.catalogue import show_node
from bakery.nodes.jobs import JobKey, new_job_key
from bakery.nodes.links import Links
from bakery.store import logs
from bakery.store.lanes import Lane
from bakery.store.queue import Queue, request_id
from bakery.store.rows import Page, only, typed
from bakery.store.store import Store
from bakery.store.transaction import Transaction

log = structlog.get_logger()

PAGE = 50
LONGEST = 3600  # seconds that a command may take
_CLEARED_AT_ONCE = 200
_LARGEST_NUMBER = 2**63 - 1  # that a column of the database holds


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job in a list. `is_interrupted`: no sign of life for a minute; Bakery goes on with it by itself."""

    id: int
    node_id: int
    node: str
    kind: str
    title: str
    state: JobState
    exit_status: int | None
    reason: str
    log_stream: int
    asked_by: str
    request_id: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    is_cancelling: bool
    is_interrupted: bool


async def request_exec(
    store: Store, queue: Queue, slug: str, words: tuple[str, ...], *, actor: Actor, seconds: int = LONGEST
) -> JobSummary:
    """Runs a command on a node, as the user that Bakery logs in as there."""
    actor.require(Permission.MANAGE_NODES)
    node = await show_node(store, slug, actor=actor)
    seconds = parse_seconds(seconds)
    title = str(command(*words))
    async with store.transaction() as tx:
        stream = await logs.open_stream(tx.connection)
        cursor = await tx.connection.execute(
            """
            INSERT INTO jobs (key, node_id, kind, title, argv, log_stream_id, seconds, person_id, asked_by, request_id)
            VALUES (%(key)s, %(node)s, 'exec', %(title)s, %(argv)s, %(stream)s, %(seconds)s, %(person)s, %(asked_by)s,
                    %(request)s)
            RETURNING id
            """,
            {
                "key": new_job_key(),
                "node": node.id,
                "title": title,
                "argv": list(words),
                "stream": stream,
                "seconds": seconds,
                "person": actor.person_id,
                "asked_by": actor.label,
                "request": request_id(),
            },
        )
        job_id = int((await only(cursor))[0])
        lock = tasks.job_lock(job_id)
        waiting = await queue.enqueue(tx, tasks.RUN_JOB, job_id, lock=lock, lane=Lane.COMMANDS)
        await tx.connection.execute("UPDATE jobs SET queue_id = %s WHERE id = %s", (waiting, job_id))
        _record(tx, actor, "job.requested", slug, job_id, after={"command": title})
    return await show_job(store, slug, job_id, actor=actor)


async def show_job(store: Store, slug: str, job_id: int, *, actor: Actor) -> JobSummary:
    actor.require(Permission.MANAGE_NODES)
    expect_node_name(slug)
    if job_id > _LARGEST_NUMBER:
        raise NotFound("There is no such job.")
    async with store.connection() as connection, connection.cursor(row_factory=typed(JobSummary)) as cursor:
        await cursor.execute(_JOBS, {"id": job_id, "slug": slug, "before": None, "size": 1})
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("There is no such job.")
    return found


async def list_jobs(store: Store, slug: str, *, before: int | None = None, actor: Actor) -> Page[JobSummary]:
    """Of a node, the newest first."""
    actor.require(Permission.MANAGE_NODES)
    node = await show_node(store, slug, actor=actor)
    async with store.connection() as connection, connection.cursor(row_factory=typed(JobSummary)) as cursor:
        await cursor.execute(_JOBS, {"id": None, "slug": node.slug, "before": before, "size": PAGE + 1})
        return Page.cut(await cursor.fetchall(), PAGE, lambda job: str(job.id))


async def list_busy_jobs(store: Store, *, actor: Actor) -> tuple[JobSummary, ...]:
    """Of all nodes: what waits or runs, and what failed within the last day."""
    actor.require(Permission.MANAGE_NODES)
    async with store.connection() as connection, connection.cursor(row_factory=typed(JobSummary)) as cursor:
        await cursor.execute(_BUSY_JOBS, {"size": PAGE})
        return tuple(await cursor.fetchall())


async def is_stream_of_job(store: Store, stream: int) -> bool:
    """For those who watch `log:STREAM`."""
    async with store.connection() as connection:
        cursor = await connection.execute("SELECT FROM jobs WHERE log_stream_id = %s", (stream,))
        return await cursor.fetchone() is not None


async def cancel_job(store: Store, slug: str, job_id: int, *, actor: Actor) -> None:
    """What waits never begins; what runs is ended by the worker that follows it, with all its processes."""
    actor.require(Permission.MANAGE_NODES)
    job = await show_job(store, slug, job_id, actor=actor)
    async with store.transaction() as tx:
        state = await _locked_state(tx, job_id)
        if state.is_over:
            is_over = f"was {state}" if state in {JobState.CANCELLED, JobState.LOST} else str(state)
            raise Conflict(f"This job is over already: it {is_over}.")
        if state is JobState.QUEUED:
            await move_job(tx, job_id, JobState.CANCELLED)
        else:
            await tx.connection.execute(
                "UPDATE jobs SET cancel_asked_at = coalesce(cancel_asked_at, now()) WHERE id = %s", (job_id,)
            )
        _record(tx, actor, "job.cancelled", slug, job_id, after={"command": job.title})
        tx.publish(f"job:{job_id}")


async def move_job(
    tx: Transaction, job_id: int, then: JobState, *, exit_status: int | None = None, reason: str = ""
) -> None:
    """The one way in which a job changes its state. A final state closes its log."""
    require_move(NEXT_STATES, f"Job {job_id}", await _locked_state(tx, job_id), then)
    cursor = await tx.connection.execute(
        """
        UPDATE jobs SET state = %(state)s, exit_status = %(exit_status)s, reason = %(reason)s,
            started_at = CASE WHEN %(begins)s THEN now() ELSE started_at END,
            heartbeat_at = CASE WHEN %(begins)s THEN now() ELSE heartbeat_at END,
            ended_at = CASE WHEN %(ends)s THEN now() END
        WHERE id = %(id)s RETURNING log_stream_id, (SELECT slug FROM nodes WHERE nodes.id = node_id)
        """,
        {
            "id": job_id,
            "state": then,
            "exit_status": exit_status,
            "reason": reason,
            "begins": then is JobState.RUNNING,
            "ends": then.is_over,
        },
    )
    stream, slug = await only(cursor)
    if then.is_over:
        await logs.close_stream(tx.connection, stream)
    tx.publish(f"job:{job_id}", f"node:{slug}")


async def clear_jobs(store: Store, links: Links, *, older_than: timedelta) -> None:
    """Rows go with their logs after a while; folders of jobs that are over go from the nodes that answer."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            "DELETE FROM jobs WHERE ended_at < now() - %s AND cleared_at IS NOT NULL RETURNING log_stream_id",
            (older_than,),
        )
        gone = [stream for (stream,) in await cursor.fetchall()]
        await tx.connection.execute("DELETE FROM log_streams WHERE id = ANY(%s)", (gone,))
    last, away = 0, set[int]()
    while waiting := await _to_clear(store, last, away):
        for job_id, key, node_id in waiting:
            last = job_id
            if node_id in away:
                continue
            try:
                await clear_job(store, links, job_id, JobKey(key), node_id)
            except NodeUnreachable:
                away.add(node_id)
            except Unavailable:
                raise
            except BakeryError as error:  # the next time; it keeps no other from it
                log.info("job_not_cleared", job=job_id, error=error.message)


async def _to_clear(store: Store, after: int, away: Collection[int]) -> list[tuple[int, str, int]]:
    """The next ones, but for those on nodes that turned out to be away."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            """
            SELECT jobs.id, jobs.key, node_id FROM jobs JOIN nodes ON nodes.id = node_id
            WHERE jobs.ended_at IS NOT NULL AND cleared_at IS NULL AND nodes.state = 'online'
            AND jobs.id > %s AND node_id <> ALL(%s) ORDER BY jobs.id LIMIT %s
            """,
            (after, list(away), _CLEARED_AT_ONCE),
        )
        return await cursor.fetchall()


async def clear_job(store: Store, links: Links, job_id: int, key: JobKey, node_id: int) -> None:
    """Its log is in the database; nothing of it stays on the node."""
    jobs = await links.jobs(node_id)
    await jobs.forget(key)  # of one that was given up, something may still run
    async with store.connection() as connection:
        await connection.execute("UPDATE jobs SET cleared_at = now() WHERE id = %s", (job_id,))


async def _locked_state(tx: Transaction, job_id: int) -> JobState:
    cursor = await tx.connection.execute("SELECT state FROM jobs WHERE id = %s FOR UPDATE", (job_id,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such job.")
    return JobState(row[0])


def _record(
    tx: Transaction, actor: Actor, action: str, slug: str, job_id: int, *, after: dict[str, object] | None = None
) -> None:
    tx.publish(f"node:{slug}")
    tx.record(AuditEntry(actor, action, "job", f"{slug}/{job_id}", f"{slug} job {job_id}", after=after))


_FACTS = """
SELECT jobs.id, node_id, nodes.slug AS node, jobs.kind, title, jobs.state, exit_status, reason,
       log_stream_id AS log_stream, asked_by, request_id, jobs.created_at, started_at, ended_at,
       cancel_asked_at IS NOT NULL AND ended_at IS NULL AS is_cancelling,
       (jobs.state = 'running' AND heartbeat_at < now() - interval '60 seconds') IS TRUE AS is_interrupted
FROM jobs JOIN nodes ON nodes.id = node_id
"""
_JOBS = f"""{_FACTS}
WHERE nodes.slug = %(slug)s AND (%(id)s::bigint IS NULL OR jobs.id = %(id)s)
AND (%(before)s::bigint IS NULL OR jobs.id < %(before)s)
ORDER BY jobs.id DESC LIMIT %(size)s
"""
_BUSY_JOBS = f"""{_FACTS}
WHERE ended_at IS NULL OR (jobs.state IN ('failed', 'lost') AND ended_at > now() - interval '24 hours')
ORDER BY ended_at DESC NULLS FIRST, jobs.id LIMIT %(size)s
"""
