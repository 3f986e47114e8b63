"""The orchestrator's queue: procrastinate on our own connections, with what it leaves open closed.

A handler may be started again after a crash, a restart or a lost connection, so each is idempotent. Work of a process
that died is found by its missing heartbeat and queued again; work that a clean shutdown interrupts goes back by itself.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

import procrastinate
import psycopg
import structlog
from procrastinate import JobContext, exceptions
from procrastinate.jobs import Job, Status
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker

from bakery.model.errors import BakeryError, NodeUnreachable, Unavailable
from bakery.store.ending import end_tasks
from bakery.store.lanes import LAST, PLACES, Begun, Lane, LaneJobs, begun
from bakery.store.store import Connection, Store
from bakery.store.transaction import Transaction

log = structlog.get_logger()

Handler = Callable[[int], Awaitable[None]]

_HEARTBEAT = 2.0
_STALLED_AFTER = 10
_SWEEP_EVERY = 5.0
_POLL = 1.0
_GRACE = 1.0
_LONGEST_PAUSE = 5.0
_NODE_PAUSE, _LONGEST_NODE_PAUSE = 1, 60  # seconds, for what a node that is away could not do


class TakenOver(Exception):
    """Another process does this work by now: ours ends without a word, and takes nothing away."""


async def expect_turn() -> None:
    """Before something that an older one of two must not do: raises TakenOver when this work is another process's by
    now. What does not run from the queue is nobody else's."""
    if expect := _expect.get():
        await expect()


_expect: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("expect", default=None)


@dataclass(frozen=True, slots=True)
class _Running:
    """A job whose handler runs in this process."""

    job: Job
    task: asyncio.Task[object] | None


class _GoOnLater(BaseRetryStrategy):
    """Interrupted by a shutdown, or by a database or a node that is away: again. Anything else is final. The queue lets
    what waits for another try block all of its lock that has no higher priority: what `gives_way` goes behind it."""

    def __init__(self, *, gives_way: bool) -> None:
        self._gives_way = gives_way

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, exceptions.JobAborted):
            return RetryDecision()
        if isinstance(exception, Unavailable | psycopg.OperationalError):
            return RetryDecision(retry_in={"seconds": 2})
        if isinstance(exception, NodeUnreachable):
            return RetryDecision(
                retry_in={"seconds": min(_NODE_PAUSE * 2 ** min(job.attempts, 10), _LONGEST_NODE_PAUSE)},
                priority=LAST if self._gives_way else None,
            )
        return None


class Queue:
    """Handlers by name. Each takes one number, the id of the row that holds what is to be done."""

    def __init__(self, store: Store, *, places: Mapping[Lane, int] = PLACES) -> None:
        self._store = store
        self._most = sum(places.values())
        self._app = procrastinate.App(connector=procrastinate.PsycopgConnector())
        self._app.job_manager = self._jobs = LaneJobs(self._app.connector, places)
        self._stopping = asyncio.Event()
        self._worker: Worker | None = None
        self._running: dict[Begun, _Running] = {}
        self._idle: set[int | None] = set()  # jobs of our worker whose handlers did not run at the last sweep

    def register(self, name: str, handler: Handler, *, gives_way: bool = False) -> None:
        """`gives_way`: while it waits for its node, other work of its lock goes before it, also what came later."""

        async def run(context: JobContext, subject: int, request: str = "") -> None:
            self._running[begun(context.job)] = _Running(context.job, asyncio.current_task())
            _expect.set(functools.partial(self._expect_ours, context.job))
            try:
                with structlog.contextvars.bound_contextvars(request=request):
                    await handler(subject)
            except TakenOver:
                log.info("taken_over", task=name, subject=subject)
            except asyncio.CancelledError:
                raise exceptions.JobAborted from None
            finally:
                del self._running[begun(context.job)]

        self._app.task(name=name, retry=_GoOnLater(gives_way=gives_way), pass_context=True)(run)

    async def open(self) -> None:
        await self._app.open_async(self._store.pool)

    async def enqueue(
        self,
        tx: Transaction,
        name: str,
        subject: int,
        *,
        lock: str,
        at: datetime | None = None,
        lane: Lane = Lane.SHORT,
    ) -> int:
        """Part of the transaction: the work exists exactly when its row does. One lock runs one at a time, in order.

        The id of the request that asked for it goes with it: into the log, and beside what is run on nodes."""
        task = self._app.configure_task(
            name, lock=lock, schedule_at=at, queue=lane, priority=lane.priority, connection=tx.connection
        )
        with _driver_errors():
            return await task.defer_async(subject=subject, request=request_id())

    async def cancel(self, job_id: int) -> bool:
        """Waiting work never starts; running work is told to stop, and ends when its handler has."""
        with _driver_errors():
            return await self._app.job_manager.cancel_job_by_id_async(job_id, abort=True)

    async def status(self, job_id: int) -> str:
        with _driver_errors():
            found: Status = await self._app.job_manager.get_job_status_async(job_id)
        return found.value

    async def unfinished(self, tx: Transaction, job_ids: Collection[int]) -> set[int]:
        """Those of them that wait or run. The others ended, or were forgotten since."""
        cursor = await tx.connection.execute(
            "SELECT id FROM procrastinate_jobs WHERE id = ANY(%s) AND status IN ('todo', 'doing')", (list(job_ids),)
        )
        return {job_id for (job_id,) in await cursor.fetchall()}

    async def has(self, tx: Transaction, name: str, subject: int) -> bool:
        """Whether it waits or runs already."""
        cursor = await tx.connection.execute(
            """
            SELECT FROM procrastinate_jobs
            WHERE task_name = %s AND (args ->> 'subject')::bigint = %s AND status IN ('todo', 'doing') LIMIT 1
            """,
            (name, subject),
        )
        return await cursor.fetchone() is not None

    async def subjects(self, tx: Transaction, names: Collection[str]) -> set[int]:
        """Of all that waits or runs under these names."""
        cursor = await tx.connection.execute(
            """
            SELECT DISTINCT (args ->> 'subject')::bigint FROM procrastinate_jobs
            WHERE task_name = ANY(%s) AND status IN ('todo', 'doing')
            """,
            (list(names),),
        )
        return {int(subject) for (subject,) in await cursor.fetchall()}

    def stop(self) -> None:
        self._stopping.set()

    async def work(self) -> None:
        """Runs until `stop`: works, sweeps, and starts again when the database was away for too long."""
        sweeper = asyncio.create_task(self._sweep_for_ever())
        stopped = asyncio.create_task(self._stopping.wait())
        pause = 0.1
        try:
            while not self._stopping.is_set():
                try:
                    await self._run_worker_until(stopped)
                    pause = 0.1
                except (exceptions.ProcrastinateException, psycopg.Error, OSError) as error:
                    _tell("worker_lost", error)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._stopping.wait(), pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            await end_tasks(sweeper, stopped)

    async def sweep(self) -> int:
        """Queues again what belonged to a process that is gone, and what stands still in ours. Says how much. Ends what
        another process took over.

        After this machine slept, our own heartbeat looks as old as that of a process that is gone."""
        await self._leave_what_was_taken_over()
        found = await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_AFTER)
        stalled = {job.id: job for job in (*found, *await self._idle_jobs()) if begun(job) not in self._running}
        for job in stalled.values():
            with contextlib.suppress(exceptions.ConnectorException):  # it ended, or another process was quicker
                await self._app.job_manager.retry_job(job)
                log.info("work_resumed", task=job.task_name, job=job.id)
        return len(stalled)

    async def _leave_what_was_taken_over(self) -> None:
        running = dict(self._running)
        ours = await self._jobs.ours(*(one.job for one in running.values())) if running else set()
        for key, one in running.items():
            if one.job.id not in ours and one.task is not None and key in self._running:
                log.info("taken_over", task=one.job.task_name, job=one.job.id)
                one.task.cancel()

    async def _expect_ours(self, job: Job) -> None:
        with _driver_errors():
            ours = await self._jobs.ours(job)
        if not ours:
            raise TakenOver

    async def _idle_jobs(self) -> list[Job]:
        """What our worker took or ended just when the database went away: no heartbeat ever tells that it stands still.

        Only what two sweeps in a row have seen: at one alone it may be about to begin, or to be put down as ended.
        """
        if self._worker is None or self._worker.worker_id is None:
            return []
        ours = await self._app.job_manager.list_jobs_async(status="doing", worker_id=self._worker.worker_id)
        idle = [job for job in ours if begun(job) not in self._running]
        seen, self._idle = self._idle, {job.id for job in idle}
        return [job for job in idle if job.id in seen]

    async def forget_finished(self, *, after: timedelta) -> None:
        with _driver_errors():
            await self._app.job_manager.delete_old_jobs(
                nb_hours=int(after.total_seconds() // 3600),
                include_failed=True,
                include_cancelled=True,
                include_aborted=True,
            )

    async def _run_worker_until(self, stopped: asyncio.Task[bool]) -> None:
        """The worker has ended when this has, whatever ends it: it needs connections to put down what it was doing."""
        worker = asyncio.create_task(self._run_worker())
        try:
            await asyncio.wait({worker, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            worker.cancel()
            await asyncio.wait({worker}, timeout=2 * _GRACE)
            await end_tasks(worker)
        if not worker.cancelled():
            worker.result()

    async def _run_worker(self) -> None:
        self._worker = Worker(
            self._app,
            concurrency=self._most,
            install_signal_handlers=False,
            fetch_job_polling_interval=_POLL,
            abort_job_polling_interval=_POLL,
            shutdown_graceful_timeout=_GRACE,
            update_heartbeat_interval=_HEARTBEAT,
            stalled_worker_timeout=_STALLED_AFTER,
        )
        await self._worker.run()  # type: ignore[no-untyped-call]  # procrastinate does not say what it returns: nothing

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self.sweep()
            except (exceptions.ConnectorException, psycopg.Error, BakeryError) as error:
                _tell("sweep_failed", error)
            await asyncio.sleep(_SWEEP_EVERY)


async def held(connection: Connection, locks: Collection[str], *, besides: str) -> set[str]:
    """Those of the locks that work holds, or will hold before what waits for a place. Work named `besides` does not
    count."""
    cursor = await connection.execute(
        """
        SELECT DISTINCT lock FROM procrastinate_jobs WHERE lock = ANY(%s) AND task_name <> %s
        AND (status = 'doing' OR (status = 'todo' AND priority > 0))
        """,
        (list(locks), besides),
    )
    return {lock for (lock,) in await cursor.fetchall()}


def request_id() -> str:
    """Of the request that is being answered, or that asked for the work that runs; empty when nobody asked."""
    return str(structlog.contextvars.get_contextvars().get("request", ""))


def _tell(event: str, error: Exception) -> None:
    """That the database is away, the listener tells for all of us."""
    cause = error.__cause__ or error
    is_away = isinstance(cause, Unavailable | psycopg.OperationalError)
    log.log(logging.DEBUG if is_away else logging.WARNING, event, error=str(cause))


@contextlib.contextmanager
def _driver_errors() -> Iterator[None]:
    """procrastinate wraps what the driver raises; who uses the store expects it as it is."""
    try:
        yield
    except exceptions.ConnectorException as error:
        if isinstance(error.__cause__, psycopg.Error):
            raise error.__cause__ from None
        raise
