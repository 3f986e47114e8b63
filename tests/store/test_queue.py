import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from procrastinate.manager import JobManager

from bakery.model.errors import NodeUnreachable, Unavailable
from bakery.store import queue as queue_module
from bakery.store.lanes import PLACES, Lane
from bakery.store.queue import Handler, Queue, expect_turn, held
from bakery.store.store import Store
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]


@contextlib.asynccontextmanager
async def working(store: Store, *, places: Mapping[Lane, int] = PLACES, **handlers: Handler) -> AsyncIterator[Queue]:
    queue = Queue(store, places=places)
    for name, handler in handlers.items():
        queue.register(name, handler)
    await queue.open()
    task = asyncio.create_task(queue.work())
    try:
        yield queue
    finally:
        queue.stop()
        await task


async def enqueue(queue: Queue, store: Store, subject: int, *, lock: str = "a", at: datetime | None = None) -> int:
    async with store.transaction() as tx:
        return await queue.enqueue(tx, "bake", subject, lock=lock, at=at)


async def test_work_runs_when_its_transaction_commits_and_not_before(store: Store) -> None:
    baked: list[int] = []

    async def bake(subject: int) -> None:
        baked.append(subject)

    async with working(store, bake=bake) as queue:
        with contextlib.suppress(RuntimeError):
            async with store.transaction() as tx:
                await queue.enqueue(tx, "bake", 1, lock="a")
                raise RuntimeError
        job = await enqueue(queue, store, 2)
        await until(lambda: has_status(queue, job, "succeeded"), what="the job is succeeded")
    assert baked == [2]


async def has_status(queue: Queue, job: int, status: str) -> bool:
    return await queue.status(job) == status


async def test_one_lock_runs_one_at_a_time_in_order_and_the_next_starts_at_once(store: Store) -> None:
    running = 0
    most = 0
    order: list[int] = []

    async def bake(subject: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        order.append(subject)
        running -= 1

    async with working(store, bake=bake) as queue:
        jobs = [await enqueue(queue, store, number) for number in range(20)]
        # With a poll a second for each, twenty would take twenty seconds.
        await until(lambda: has_status(queue, jobs[-1], "succeeded"), what="the job is succeeded", seconds=8)
    assert most == 1
    assert order == list(range(20))


async def test_different_locks_run_together(store: Store) -> None:
    together = asyncio.Barrier(3)

    async def bake(subject: int) -> None:
        await together.wait()

    async with working(store, bake=bake) as queue:
        jobs = [await enqueue(queue, store, number, lock=f"environment:{number}") for number in range(3)]
        for job in jobs:
            await until(lambda job=job: has_status(queue, job, "succeeded"), what="the job is succeeded")  # type: ignore[misc]  # a lambda's default has no type


async def test_scheduled_work_starts_at_its_time(store: Store) -> None:
    started: list[datetime] = []

    async def bake(subject: int) -> None:
        started.append(datetime.now(UTC))

    due = datetime.now(UTC) + timedelta(seconds=1.5)
    async with working(store, bake=bake) as queue:
        job = await enqueue(queue, store, 1, at=due)
        await until(lambda: has_status(queue, job, "succeeded"), what="the job is succeeded")
    assert due <= started[0] < due + timedelta(seconds=3)


async def test_waiting_work_that_is_cancelled_never_starts(store: Store) -> None:
    started = asyncio.Event()
    finish = asyncio.Event()
    baked: list[int] = []

    async def bake(subject: int) -> None:
        started.set()
        await finish.wait()
        baked.append(subject)

    async with working(store, bake=bake) as queue:
        first = await enqueue(queue, store, 1)
        second = await enqueue(queue, store, 2)
        await started.wait()
        await queue.cancel(second)
        finish.set()
        await until(lambda: has_status(queue, first, "succeeded"), what="the job is succeeded")
        assert await queue.status(second) == "cancelled"
    assert baked == [1]


async def test_running_work_that_is_cancelled_is_told_and_stays_cancelled(store: Store) -> None:
    started = asyncio.Event()
    tidied = asyncio.Event()

    async def bake(subject: int) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            tidied.set()

    async with working(store, bake=bake) as queue:
        job = await enqueue(queue, store, 1)
        await started.wait()
        await queue.cancel(job)
        await until(lambda: has_status(queue, job, "aborted"), what="the job is aborted", seconds=5)
    assert tidied.is_set()


async def test_a_clean_shutdown_leaves_nothing_half_claimed(store: Store) -> None:
    started = asyncio.Event()

    async def bake(subject: int) -> None:
        started.set()
        await asyncio.Event().wait()

    async with working(store, bake=bake) as queue:
        job = await enqueue(queue, store, 1)
        await started.wait()
    assert await queue.status(job) == "todo"

    done: list[int] = []

    async def finish(subject: int) -> None:
        done.append(subject)

    async with working(store, bake=finish) as queue:
        await until(lambda: has_status(queue, job, "succeeded"), what="the job is succeeded")
    assert done == [1]


async def test_a_shutdown_because_something_else_failed_leaves_nothing_half_claimed_either(store: Store) -> None:
    started = asyncio.Event()

    async def bake(subject: int) -> None:
        started.set()
        await asyncio.Event().wait()

    queue = Queue(store)
    queue.register("bake", bake)
    await queue.open()
    task = asyncio.create_task(queue.work())
    job = await enqueue(queue, store, 1)
    await started.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await queue.status(job) == "todo"


async def test_work_that_meets_an_absent_database_runs_again(store: Store) -> None:
    tries: list[int] = []

    async def bake(subject: int) -> None:
        tries.append(subject)
        if len(tries) == 1:
            raise Unavailable("The database is not answering.")

    async with working(store, bake=bake) as queue:
        job = await enqueue(queue, store, 1)
        await until(lambda: has_status(queue, job, "succeeded"), what="the job is succeeded")
    assert tries == [1, 1]


async def test_work_of_a_killed_process_goes_on_within_20_seconds(store: Store, tmp_path: Path) -> None:
    async def bake(subject: int) -> None:
        (tmp_path / "finished").write_text(str(subject))

    queue = Queue(store)
    queue.register("bake", bake)
    await queue.open()
    job = await enqueue(queue, store, 7)
    doomed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.doomed_worker", store.dsn, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert doomed.stdout is not None
    assert await doomed.stdout.readline() == b"started 7\n"
    os.kill(doomed.pid, signal.SIGKILL)
    await doomed.wait()
    assert await queue.status(job) == "doing"

    async with working(store, bake=bake) as other:
        await until(lambda: has_status(other, job, "succeeded"), what="the job is succeeded", seconds=20)
    assert (tmp_path / "finished").read_text() == "7"


async def test_work_is_not_begun_twice_by_a_process_that_was_stopped_for_a_while(store: Store) -> None:
    """As a machine that slept: its own heartbeat looks old, though the work goes on."""
    begun: list[int] = []
    finish = asyncio.Event()

    async def bake(subject: int) -> None:
        begun.append(subject)
        await finish.wait()

    async with working(store, bake=bake) as queue:
        job = await enqueue(queue, store, 1)
        await until(lambda: has_status(queue, job, "doing"), what="the job is doing")
        async with store.connection() as connection:
            await connection.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
        assert await queue.sweep() == 0
        finish.set()
        await until(lambda: has_status(queue, job, "succeeded"), what="the job is succeeded")
    assert begun == [1]


async def test_work_whose_end_could_not_be_put_down_does_not_hold_its_lock_for_ever(store: Store) -> None:
    """As when the database restarts in that moment: the worker lives on, and its job looks as if it ran."""
    baked: list[int] = []

    async def bake(subject: int) -> None:
        baked.append(subject)

    async with working(store, bake=bake) as queue:
        job = await enqueue(queue, store, 1)
        await until(lambda: has_status(queue, job, "succeeded"), what="the job is succeeded")
        async with store.connection() as connection:
            await connection.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", (job,))
        next_in_line = await enqueue(queue, store, 2)
        await queue.sweep()
        await queue.sweep()
        await until(lambda: has_status(queue, next_in_line, "succeeded"), what="the job is succeeded")
    assert baked == [1, 1, 2]


async def test_what_is_short_begins_at_once_although_all_places_for_builds_are_taken(store: Store) -> None:
    baked: list[int] = []
    finish = asyncio.Event()

    async def build(subject: int) -> None:
        await finish.wait()

    async def bake(subject: int) -> None:
        baked.append(subject)

    places = {Lane.SHORT: 1, Lane.BUILDS: 2, Lane.COMMANDS: 1}
    async with working(store, places=places, build=build, bake=bake) as queue:
        async with store.transaction() as tx:
            builds = [
                await queue.enqueue(tx, "build", number, lock=f"environment:{number}", lane=Lane.BUILDS)
                for number in range(3)
            ]
        await until(lambda: has_status(queue, builds[1], "doing"), what="two builds run")
        short = await enqueue(queue, store, 1, lock="environment:2")  # that of the build that waits
        await until(lambda: has_status(queue, short, "succeeded"), what="what is short is done", seconds=5)
        assert [await queue.status(job) for job in builds] == ["doing", "doing", "todo"]
        finish.set()
        await until(lambda: has_status(queue, builds[2], "succeeded"), what="the last build ends", seconds=5)
    assert baked == [1]


async def test_a_place_that_becomes_free_is_taken_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks from time to time here, and the database tells nothing: whoever leaves a place does, while the worker
    looks for work, or long after."""

    async def hear_nothing(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(queue_module, "_POLL", 3600.0)
    monkeypatch.setattr(JobManager, "listen_for_jobs", hear_nothing)
    baked: list[int] = []

    async def bake(subject: int) -> None:
        for _ in range(subject % 4 * 3):
            await queue.status(jobs[0])
        baked.append(subject)

    queue = Queue(store, places={Lane.SHORT: 1, Lane.TIDYING: 1})
    queue.register("bake", bake)
    await queue.open()
    async with store.transaction() as tx:
        jobs = [await queue.enqueue(tx, "bake", number, lock=f"environment:{number}") for number in range(20)]
    working_on = asyncio.create_task(queue.work())
    await until(lambda: has_status(queue, jobs[-1], "succeeded"), what="all are done")
    queue.stop()
    await working_on
    assert baked == list(range(20))


async def test_tidying_of_many_leaves_what_rescues_its_places(store: Store) -> None:
    baked: list[int] = []
    finish = asyncio.Event()

    async def tidy(_subject: int) -> None:
        await finish.wait()

    async def bake(subject: int) -> None:
        baked.append(subject)

    async with working(store, tidy=tidy, bake=bake) as queue:
        async with store.transaction() as tx:
            tidied = [
                await queue.enqueue(tx, "tidy", number, lock=f"environment:{number}", lane=Lane.TIDYING)
                for number in range(100)
            ]
        await until(lambda: has_status(queue, tidied[1], "doing"), what="some of it runs")
        rescue = await enqueue(queue, store, 1, lock="environment:99")  # as one that waits
        await until(lambda: has_status(queue, rescue, "succeeded"), what="what rescues is done", seconds=5)
        finish.set()
        await until(lambda: has_status(queue, tidied[-1], "succeeded"), what="all is tidied", seconds=30)
    assert baked == [1]


async def test_what_waits_for_its_node_and_gives_way_blocks_nothing_of_its_lock(store: Store) -> None:
    baked: list[int] = []

    async def settle(_subject: int) -> None:
        raise NodeUnreachable("It is away.")

    async def bake(subject: int) -> None:
        baked.append(subject)

    queue = Queue(store)
    queue.register("settle", settle, gives_way=True)
    queue.register("bake", bake)
    await queue.open()
    async with store.transaction() as tx:
        waiting = await queue.enqueue(tx, "settle", 1, lock="environment:1")
        build = await queue.enqueue(tx, "bake", 1, lock="environment:1", lane=Lane.BUILDS)
        assert await held(tx.connection, ["environment:1"], besides="bake") == {"environment:1"}
    working_on = asyncio.create_task(queue.work())
    await until(lambda: has_status(queue, build, "succeeded"), what="the build is done", seconds=10)
    queue.stop()
    await working_on
    async with store.connection() as connection:
        assert await held(connection, ["environment:1"], besides="bake") == set()
    assert (await queue.status(waiting), baked) == ("todo", [1])


async def take_over(store: Store, job: int) -> None:
    """As another process does that took ours for dead."""
    async with store.connection() as connection:
        await connection.execute(
            """
            WITH other AS (INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id)
            UPDATE procrastinate_jobs SET attempts = attempts + 1, worker_id = other.id FROM other
            WHERE procrastinate_jobs.id = %s
            """,
            (job,),
        )


async def test_work_that_another_process_took_over_is_ended_here_and_goes_on_there(store: Store) -> None:
    ended = asyncio.Event()

    async def bake(subject: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with working(store, bake=bake) as queue:
        job = await enqueue(queue, store, 1)
        await until(lambda: has_status(queue, job, "doing"), what="the job is doing")
        await take_over(store, job)
        await queue.sweep()
        await ended.wait()
        behind = await enqueue(queue, store, 2)
    assert (await queue.status(job), await queue.status(behind)) == ("doing", "todo")


async def test_who_was_taken_over_does_nothing_that_needs_its_turn(store: Store) -> None:
    done: list[str] = []
    ended = asyncio.Event()

    async def bake(subject: int) -> None:
        await expect_turn()
        done.append("ours")
        await take_over(store, job)
        try:
            await expect_turn()
            done.append("not ours any more")
        finally:
            ended.set()

    async with working(store, bake=bake) as queue:
        job = await enqueue(queue, store, 1)
        await ended.wait()
    assert (done, await queue.status(job)) == (["ours"], "doing")


async def test_the_worker_goes_on_after_its_connections_were_cut(store: Store) -> None:
    baked: list[int] = []

    async def bake(subject: int) -> None:
        baked.append(subject)

    async with working(store, bake=bake) as queue:
        job = await enqueue(queue, store, 1)
        await until(lambda: has_status(queue, job, "succeeded"), what="the job is succeeded")
        async with store.connection() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        job = await enqueue(queue, store, 2)
        await until(lambda: has_status(queue, job, "succeeded"), what="the job is succeeded")
    assert baked == [1, 2]
