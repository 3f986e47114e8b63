"""Following a job to its end, whatever breaks in between.

What the node's file holds comes into the log stream once: bytes, and the offset up to which they are there, are
written in one transaction, and only on top of what is there already. A worker that was killed is followed by another
that begins at the offset; the job on the node notices nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass

import psycopg
import structlog

from bakery.model.actor import Actor
from bakery.model.audit import AuditEntry
from bakery.model.errors import BakeryError, CommandFailed, NodeUnreachable, NotFound, Unavailable
from bakery.model.jobs import JobState
from bakery.nodes.jobs import DEFAULT_LOG_BYTES, JobKey, JobLimits, Jobs, JobSpec, JobStatus
from bakery.nodes.jobs import JobState as Found
from bakery.nodes.links import Links
from bakery.nodes.touch import chance, pause_after
from bakery.nodes.work import clear_job, move_job
from bakery.store import logs
from bakery.store.ending import end_tasks
from bakery.store.rows import typed
from bakery.store.store import Store

log = structlog.get_logger()

_BEAT = 1.0
_MOST_WAITING = 2 * 1024 * 1024  # bytes
_FAILURES_ALLOWED = 3
_STUCK_ALLOWED = 10
_BESIDE_THE_LOG = 64 * 1024  # bytes of our own lines, which tell of gaps
_GIVEN_UP_AFTER = 3600.0  # seconds beyond the job's own deadline, without a word from its node

Sleep = Callable[[float], Awaitable[None]]


class OutOfStep(BakeryError):
    """The stream is not where we left it: the database lost a moment in a crash, or another process follows too."""


@dataclass(frozen=True, slots=True)
class Job:
    """What following needs of the row."""

    id: int
    key: str
    node_id: int
    node: str
    title: str
    argv: tuple[str, ...]
    state: JobState
    log_stream: int
    log_offset: int
    seconds: int
    memory_bytes: int | None
    cpu_percent: int | None
    age: float  # seconds since it was begun

    def spec(self, log_bytes: int) -> JobSpec:
        limits = JobLimits(
            seconds=self.seconds, memory_bytes=self.memory_bytes, cpu_percent=self.cpu_percent, log_bytes=log_bytes
        )
        return JobSpec(key=JobKey(self.key), argv=self.argv, limits=limits)


async def run_job(
    store: Store,
    links: Links,
    job_id: int,
    *,
    log_bytes: int = DEFAULT_LOG_BYTES,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """From its place in the queue to its end. Harmless for one that is over; started again after a kill, it goes on.

    `log_bytes` is how much of its log is kept, of a job that begins now."""
    job = await _begin(store, job_id)
    if job is None:
        return
    try:
        async with _beside(_beat(store, links, job, sleep)):
            status = await _follow_to_the_end(store, links, job, log_bytes, sleep)
        await _end(store, job, status)
    except (Unavailable, psycopg.OperationalError, NotFound, asyncio.CancelledError):
        raise  # the queue starts it again, or it went with its node
    except BaseException:  # a mistake of ours: it stays loud, but nobody waits for the job any longer
        await _end(store, job, JobStatus(Found.LOST, reason="Bakery made a mistake; its own log has the details."))
        raise
    with contextlib.suppress(NodeUnreachable, CommandFailed, NotFound):  # later, with the others
        await clear_job(store, links, job.id, JobKey(job.key), job.node_id)


async def _begin(store: Store, job_id: int) -> Job | None:
    async with store.transaction() as tx:
        cursor = await tx.connection.execute("SELECT state FROM jobs WHERE id = %s FOR UPDATE", (job_id,))
        row = await cursor.fetchone()
        if row is None or JobState(row[0]).is_over:
            return None
        if row[0] == JobState.QUEUED:
            await move_job(tx, job_id, JobState.RUNNING)
    return await _look(store, job_id)


async def _look(store: Store, job_id: int) -> Job | None:
    async with store.connection() as connection, connection.cursor(row_factory=typed(Job)) as cursor:
        await cursor.execute(
            """
            SELECT jobs.id, key, node_id, nodes.slug AS node, title, argv, jobs.state, log_stream_id AS log_stream,
                   log_offset, seconds, memory_bytes, cpu_percent,
                   coalesce(extract(epoch FROM now() - started_at), 0)::float8 AS age
            FROM jobs JOIN nodes ON nodes.id = node_id WHERE jobs.id = %s
            """,
            (job_id,),
        )
        return await cursor.fetchone()


async def _follow_to_the_end(store: Store, links: Links, job: Job, log_bytes: int, sleep: Sleep) -> JobStatus:
    misses = failures = stuck = 0
    offset = job.log_offset
    until = time.monotonic() + job.seconds - job.age + _GIVEN_UP_AFTER
    while True:
        now = await _look(store, job.id)
        if now is None:
            raise NotFound("The job's node was removed.")
        try:
            return await _follow(store, await links.jobs(job.node_id), now, now.spec(log_bytes))
        except OutOfStep as error:
            log.warning("job_out_of_step", job=job.id, error=error.message)
            stuck = 0 if now.log_offset > offset else stuck + 1
            offset = now.log_offset
            if stuck == _STUCK_ALLOWED:
                return JobStatus(Found.LOST, reason=f"Its node speaks of a log that it does not send: {error.message}")
        except CommandFailed as error:
            failures += 1
            if failures == _FAILURES_ALLOWED:
                has_begun = now.log_offset > 0
                return JobStatus(Found.LOST if has_begun else Found.UNKNOWN, reason=error.message)
        except NodeUnreachable as error:
            misses += 1
            if time.monotonic() > until:
                reason = f"Its node did not answer until long after its time was over: {error.message}"
                return JobStatus(Found.LOST, reason=reason)
        await sleep(pause_after(min(misses, 3), chance()))


async def _follow(store: Store, jobs: Jobs, job: Job, spec: JobSpec) -> JobStatus:
    """Starting it again is harmless: what ran, or runs, is found by its key."""
    writing = StreamWriter(store, job, most=spec.limits.log_bytes + _BESIDE_THE_LOG)
    if job.log_offset == 0:
        async with jobs.start_and_follow(spec) as arriving:
            await writing.copy(arriving)
    else:
        await jobs.start(spec)
        async with contextlib.aclosing(jobs.follow(JobKey(job.key), job.log_offset)) as arriving:
            await writing.copy(arriving)
    status = await jobs.status(JobKey(job.key))
    if status.state is Found.RUNNING or status.log_bytes > writing.offset:
        raise OutOfStep(f"Job {job.id} was followed up to byte {writing.offset} only.")
    return status


class StreamWriter:
    """Writes what arrives to the job's stream, while more arrives; what waits for the database is bounded."""

    def __init__(self, store: Store, job: Job, *, most: int, sleep: Sleep = asyncio.sleep) -> None:
        self._store = store
        self._most = most
        self._job = job
        self.offset = job.log_offset
        self._sleep = sleep

    async def copy(self, arriving: AsyncIterator[bytes]) -> None:
        """Returns when everything that arrived is in the database, also when more should have come."""
        waiting = Waiting(_MOST_WAITING)
        reading = asyncio.create_task(waiting.fill(arriving))
        try:
            while data := await waiting.take():  # all of it is one write: the slower the database, the larger it is
                room = self._most - self.offset
                if data[:room]:
                    await self._write(data[:room])
                if len(data) > room:  # the helper keeps the limit, unless it is no longer ours
                    raise CommandFailed("Its node sends more of a log than a job may write.", exit_status=1)
            await reading
        finally:
            await end_tasks(reading)

    async def _write(self, data: bytes) -> None:
        """A database that is away for a while is waited for. A commit whose answer was lost is not made twice."""
        while True:
            try:
                await self._append(data)
            except Unavailable:
                await self._sleep(_BEAT)
                if await self._stored() == self.offset + len(data):
                    break
            else:
                break
        self.offset += len(data)

    async def _append(self, data: bytes) -> None:
        async with self._store.connection() as connection, connection.transaction():
            await connection.execute("SET LOCAL synchronous_commit = off")
            moved = await connection.execute(
                "UPDATE jobs SET log_offset = %s WHERE id = %s AND log_offset = %s",
                (self.offset + len(data), self._job.id, self.offset),
            )
            if not moved.rowcount:
                raise OutOfStep(f"The log of job {self._job.id} is not at byte {self.offset}.")
            await logs.append_within(connection, self._job.log_stream, data)

    async def _stored(self) -> int | None:
        try:
            now = await _look(self._store, self._job.id)
        except Unavailable:
            return None
        return now.log_offset if now else None


class Waiting:
    """Bytes on their way to the database. While there are `most`, who reads them waits, and with that the node."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = bytearray()
        self._is_over = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def add(self, chunk: bytes) -> None:
        self._bytes += chunk
        self._news.set()
        if len(self._bytes) >= self._most:
            self._room.clear()
        await self._room.wait()

    @property
    def has_some(self) -> bool:
        return bool(self._bytes)

    def end(self) -> None:
        self._is_over = True
        self._news.set()

    async def fill(self, arriving: AsyncIterator[bytes]) -> None:
        try:
            async for chunk in arriving:
                await self.add(chunk)
        finally:
            self.end()

    async def take(self) -> bytes:
        """All that there is, once there is something; nothing: it is over."""
        await self._news.wait()
        taken = bytes(self._bytes)
        self._bytes.clear()
        self._room.set()
        if not self._is_over:
            self._news.clear()
        return taken


async def _beat(store: Store, links: Links, job: Job, sleep: Sleep) -> None:
    """Says that the job is looked after, and has it ended when somebody asked for that."""
    while True:
        with contextlib.suppress(Unavailable, NodeUnreachable, CommandFailed, NotFound):
            async with store.connection() as connection:
                cursor = await connection.execute(
                    "UPDATE jobs SET heartbeat_at = now() WHERE id = %s RETURNING cancel_asked_at IS NOT NULL",
                    (job.id,),
                )
                row = await cursor.fetchone()
            if row is not None and row[0]:
                await (await links.jobs(job.node_id)).cancel(JobKey(job.key))
        await sleep(_BEAT)


async def _end(store: Store, job: Job, status: JobStatus) -> None:
    state = _outcome(status)
    async with store.transaction() as tx:
        await move_job(tx, job.id, state, exit_status=status.exit_status, reason=status.reason)
        label = f"{job.node} job {job.id}"
        after = {"command": job.title, "exit_status": status.exit_status, "reason": status.reason}
        entry = AuditEntry(Actor.system(), f"job.{state}", "job", f"{job.node}/{job.id}", label, after=after)
        tx.record(entry)


def _outcome(status: JobStatus) -> JobState:
    match status.state:
        case Found.EXITED:
            return JobState.SUCCEEDED if status.exit_status == 0 else JobState.FAILED
        case Found.CANCELLED:
            return JobState.CANCELLED
        case Found.TIMED_OUT | Found.UNKNOWN:  # unknown: it never began
            return JobState.FAILED
        case Found.LOST | Found.RUNNING:
            return JobState.LOST


@contextlib.asynccontextmanager
async def _beside(coroutine: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs it meanwhile, and ends it."""
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        await end_tasks(task)
