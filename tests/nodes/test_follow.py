"""Following a job to its end: whatever is cut or killed, its log is stored once and its end is told once."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import pytest

from bakery.model.errors import CommandFailed, Conflict, NotFound
from bakery.model.jobs import JobState
from bakery.nodes.follow import run_job
from bakery.nodes.jobs import JobKey, JobSpec, JobStatus
from bakery.nodes.jobs import JobState as Found
from bakery.nodes.links import Links
from bakery.nodes.login import Cause, Unreachable
from bakery.nodes.work import JobSummary, cancel_job, list_jobs, request_exec, show_job
from bakery.store import logs
from bakery.store.queue import Queue
from bakery.store.store import Store
from tests.nodes.test_registry import a_node
from tests.support.people import SYSTEM, a_developer

LINES = b"".join(b"line %d\n" % number for number in range(1000))
DONE = JobStatus(Found.EXITED, exit_status=0, log_bytes=len(LINES))


class Machine:
    """A node with one job, whose log is all there from the beginning. `cuts` are the bytes after which, one after the
    other, the connection is lost; None: it never answers."""

    def __init__(self, end: JobStatus = DONE, cuts: tuple[int | None, ...] = (), log: bytes = LINES) -> None:
        self.log = log
        self.end = end
        self.cuts = list(cuts)
        self.started: list[JobSpec] = []
        self.cancelled: list[JobKey] = []
        self.removed: list[JobKey] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.chunk = 100
        self.sent = 0

    async def jobs(self, node_id: int) -> "Machine":
        if self.cuts and self.cuts[0] is None:
            self.cuts.pop(0)
            raise _lost()
        return self

    async def start(self, spec: JobSpec) -> JobStatus:
        self.started.append(spec)
        return JobStatus(Found.RUNNING)

    @contextlib.asynccontextmanager
    async def start_and_follow(self, spec: JobSpec) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        await self.start(spec)
        async with contextlib.aclosing(self.follow(spec.key, 0)) as arriving:
            yield arriving

    async def follow(self, key: JobKey, from_byte: int) -> AsyncGenerator[bytes, None]:
        cut = self.cuts.pop(0) if self.cuts else len(self.log)
        for at in range(from_byte, cut or 0, self.chunk):
            piece = self.log[at : min(at + self.chunk, cut or 0)]
            self.sent += len(piece)
            yield piece
        await self.goes_on.wait()
        if cut != len(self.log):
            raise _lost()

    async def status(self, key: JobKey) -> JobStatus:
        return self.end

    async def cancel(self, key: JobKey) -> JobStatus:
        self.cancelled.append(key)
        self.end = JobStatus(Found.CANCELLED, reason="was cancelled", log_bytes=len(self.log))
        self.goes_on.set()
        return self.end

    async def forget(self, key: JobKey) -> None:
        self.removed.append(key)


def links_to(machine: Machine) -> Links:
    return cast("Links", machine)


async def a_job(store: Store, queue: Queue) -> JobSummary:
    await a_node(store)
    return await request_exec(store, queue, "oven-1", ("seq", "1000"), actor=SYSTEM)


async def stored(store: Store, job: JobSummary) -> bytes:
    return b"".join([piece async for piece in logs.whole(store, job.log_stream)])


async def at_once(_: float) -> None:
    await asyncio.sleep(0)  # only others' turn


async def test_the_log_is_stored_as_it_was_written_and_nothing_stays_on_the_node(store: Store, queue: Queue) -> None:
    job, machine = await a_job(store, queue), Machine()
    await run_job(store, links_to(machine), job.id)
    ended = await show_job(store, "oven-1", job.id, actor=SYSTEM)
    assert (ended.state, ended.exit_status) == (JobState.SUCCEEDED, 0)
    assert await stored(store, job) == LINES
    assert machine.started[0].argv == ("seq", "1000")
    assert len(machine.removed) == 1
    extent = await logs.extent(store, job.log_stream)
    assert extent is not None
    assert extent.is_closed


async def test_a_cut_connection_goes_on_at_the_byte_where_it_was(store: Store, queue: Queue) -> None:
    job, machine = await a_job(store, queue), Machine(cuts=(150, None, None, 4000))
    await run_job(store, links_to(machine), job.id, sleep=at_once)
    assert await stored(store, job) == LINES
    assert {spec.key for spec in machine.started} == {machine.started[0].key}
    assert (await show_job(store, "oven-1", job.id, actor=SYSTEM)).state is JobState.SUCCEEDED


async def test_a_flood_waits_on_its_node_while_the_database_is_slow(store: Store, queue: Queue) -> None:
    megabyte = 1024 * 1024
    log = bytes(range(256)) * 4096 * 40
    job, machine = await a_job(store, queue), Machine(JobStatus(Found.EXITED, 0, log_bytes=len(log)), log=log)
    machine.chunk = megabyte
    async with store.connection() as connection, connection.transaction():
        await connection.execute("SELECT FROM log_streams WHERE id = %s FOR UPDATE", (job.log_stream,))
        running = asyncio.create_task(run_job(store, links_to(machine), job.id))
        while not machine.started:
            await asyncio.sleep(0)
        for _ in range(1000):
            await asyncio.sleep(0)  # all the turns that it can use
        assert 0 < machine.sent <= 8 * megabyte
    await running
    assert machine.sent == 40 * megabyte
    assert await stored(store, job) == log


async def test_a_node_that_speaks_of_a_log_it_never_sends_is_given_up(store: Store, queue: Queue) -> None:
    job, machine = await a_job(store, queue), Machine(JobStatus(Found.EXITED, 0, log_bytes=10**15))
    await run_job(store, links_to(machine), job.id, sleep=at_once)
    ended = await show_job(store, "oven-1", job.id, actor=SYSTEM)
    assert ended.state is JobState.LOST
    assert ended.reason.startswith("Its node speaks of a log that it does not send")


async def test_a_node_that_sends_more_than_a_job_may_write_is_given_up(store: Store, queue: Queue) -> None:
    log = bytes(200_000)
    job, machine = await a_job(store, queue), Machine(JobStatus(Found.EXITED, 0, log_bytes=len(log)), log=log)
    await run_job(store, links_to(machine), job.id, sleep=at_once, log_bytes=1000)
    ended = await show_job(store, "oven-1", job.id, actor=SYSTEM)
    assert (ended.state, ended.reason) == (JobState.LOST, "Its node sends more of a log than a job may write.")
    assert len(await stored(store, job)) <= 1000 + 64 * 1024


async def test_a_log_is_kept_up_to_as_much_as_is_set(store: Store, queue: Queue) -> None:
    job, machine = await a_job(store, queue), Machine()
    await run_job(store, links_to(machine), job.id, log_bytes=7_000_000)
    assert machine.started[0].limits.log_bytes == 7_000_000


async def test_a_killed_worker_is_followed_by_another_that_goes_on(store: Store, queue: Queue) -> None:
    job, machine = await a_job(store, queue), Machine()
    machine.goes_on.clear()
    first = asyncio.create_task(run_job(store, links_to(machine), job.id))
    while await stored(store, job) != LINES:
        await asyncio.sleep(0)  # until it waits for the end
    first.cancel()
    await asyncio.wait({first})
    machine.goes_on.set()
    await run_job(store, links_to(machine), job.id)
    assert await stored(store, job) == LINES
    assert [spec.key for spec in machine.started] == [machine.started[0].key] * 2
    await run_job(store, links_to(machine), job.id)
    assert len(machine.started) == 2


async def test_two_that_follow_at_once_store_it_once(store: Store, queue: Queue) -> None:
    job, machine = await a_job(store, queue), Machine()
    followers = [run_job(store, links_to(machine), job.id, sleep=at_once) for _ in range(3)]
    await asyncio.gather(*followers, return_exceptions=True)
    assert await stored(store, job) == LINES
    assert (await show_job(store, "oven-1", job.id, actor=SYSTEM)).state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("end", "state", "exit_status"),
    [
        (JobStatus(Found.EXITED, exit_status=3), JobState.FAILED, 3),
        (JobStatus(Found.EXITED, exit_status=-9, reason="out of memory"), JobState.FAILED, -9),
        (JobStatus(Found.TIMED_OUT, exit_status=-15), JobState.FAILED, -15),
        (JobStatus(Found.CANCELLED, exit_status=-15), JobState.CANCELLED, -15),
        (JobStatus(Found.LOST, reason="the machine was started anew while it ran"), JobState.LOST, None),
        (JobStatus(Found.UNKNOWN, reason="it never began"), JobState.FAILED, None),
    ],
)
async def test_how_it_ended_there_is_how_it_ended(
    store: Store, queue: Queue, end: JobStatus, state: JobState, exit_status: int | None
) -> None:
    job = await a_job(store, queue)
    await run_job(store, links_to(Machine(end=end)), job.id)
    ended = await show_job(store, "oven-1", job.id, actor=SYSTEM)
    assert (ended.state, ended.exit_status, ended.reason) == (state, exit_status, end.reason)


async def test_a_node_that_never_answers_again_loses_its_jobs_in_the_end(store: Store, queue: Queue) -> None:
    job = await a_job(store, queue)
    async with store.connection() as connection:
        await connection.execute("UPDATE jobs SET state = 'running', started_at = now() - interval '1 day'")
    await run_job(store, links_to(Machine(cuts=(None,))), job.id, sleep=at_once)
    ended = await show_job(store, "oven-1", job.id, actor=SYSTEM)
    assert ended.state is JobState.LOST
    assert ended.reason.startswith("Its node did not answer until long after its time was over: ")


async def test_a_node_without_helper_fails_the_job_and_says_why(store: Store, queue: Queue) -> None:
    class Bare(Machine):
        async def jobs(self, node_id: int) -> Machine:
            raise CommandFailed("`sudo -n helper` ended with status 1: not found.", exit_status=1)

    job = await a_job(store, queue)
    await run_job(store, links_to(Bare()), job.id, sleep=at_once)
    ended = await show_job(store, "oven-1", job.id, actor=SYSTEM)
    assert (ended.state, ended.reason) == (JobState.FAILED, "`sudo -n helper` ended with status 1: not found.")


async def test_a_job_that_waits_is_cancelled_without_a_word_to_the_node(store: Store, queue: Queue) -> None:
    job, machine = await a_job(store, queue), Machine()
    await cancel_job(store, "oven-1", job.id, actor=SYSTEM)
    await run_job(store, links_to(machine), job.id)
    assert (await show_job(store, "oven-1", job.id, actor=SYSTEM)).state is JobState.CANCELLED
    assert machine.started == []
    with pytest.raises(Conflict, match="over already"):
        await cancel_job(store, "oven-1", job.id, actor=SYSTEM)


async def test_a_job_that_runs_is_cancelled_on_its_node(store: Store, queue: Queue) -> None:
    job, machine = await a_job(store, queue), Machine()
    machine.goes_on.clear()
    running = asyncio.create_task(run_job(store, links_to(machine), job.id, sleep=at_once))
    while not machine.started:
        await asyncio.sleep(0)
    await cancel_job(store, "oven-1", job.id, actor=SYSTEM)
    await running
    assert (await show_job(store, "oven-1", job.id, actor=SYSTEM)).state is JobState.CANCELLED
    assert machine.cancelled[0] == machine.started[0].key


async def test_jobs_are_for_admins_and_belong_to_their_node(store: Store, queue: Queue) -> None:
    job = await a_job(store, queue)
    await a_node(store, "oven-2")
    with pytest.raises(NotFound):
        await show_job(store, "oven-2", job.id, actor=SYSTEM)
    developer = await a_developer(store)
    for refused in (show_job(store, "oven-1", job.id, actor=developer), list_jobs(store, "oven-1", actor=developer)):
        with pytest.raises(Exception, match="Admins can do this"):
            await refused


async def test_a_number_that_no_job_can_have_is_that_of_none(store: Store, queue: Queue) -> None:
    await a_job(store, queue)
    with pytest.raises(NotFound, match="no such job"):
        await show_job(store, "oven-1", 10**25, actor=SYSTEM)


async def test_what_was_asked_and_how_it_ended_is_in_the_audit(store: Store, queue: Queue) -> None:
    job = await a_job(store, queue)
    await run_job(store, links_to(Machine()), job.id)
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT action, after ->> 'command' FROM audit WHERE target_kind = 'job' ORDER BY id"
        )
        rows = await cursor.fetchall()
    assert rows == [("job.requested", "seq 1000"), ("job.succeeded", "seq 1000")]


def _lost() -> Unreachable:
    return Unreachable("Could not reach oven-1.", cause=Cause.LOST, hint="")
