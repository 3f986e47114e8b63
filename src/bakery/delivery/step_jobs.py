"""The durable job of a step: begun once on the node, followed to its end, its log copied into the deployment's.

What comes is masked on its way. How far the node's file was read is stored together with what was made of it, so that
whoever goes on after a kill continues there: nothing is missing, doubled or shown.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bakery.commands.command import Command
from bakery.delivery.log import DeploymentLog
from bakery.delivery.planned import StepKey
from bakery.model.errors import NodeUnreachable, NotFound
from bakery.model.masking import Masking
from bakery.nodes.follow import Waiting
from bakery.nodes.jobs import JobKey, Jobs, JobStatus, new_job_key
from bakery.store.ending import end_tasks
from bakery.store.store import Connection, Store

_MOST_WAITING = 1024 * 1024  # bytes

Begin = Callable[[JobKey], Command]


@dataclass(frozen=True, slots=True)
class StepJob:
    """Its key on the node, and how many bytes of its log are in the deployment's."""

    key: JobKey
    offset: int


async def run_step_job(
    store: Store, jobs: Jobs, log: DeploymentLog, deployment_id: int, step: StepKey, begin: Begin
) -> JobStatus:
    """How it ended, when all of its log is stored. `begin` says the command that begins it, harmless when it has begun.

    Raises NodeUnreachable when the way to it breaks; called again, it goes on."""
    job = await _job_of(store, deployment_id, step)
    copy = _Copy(store, log, deployment_id, step, job.offset)
    ended: JobStatus | None = None
    if job.offset == 0:
        async with jobs.followed(begin(job.key)) as arriving:
            await copy.take(arriving)
            ended = arriving.ended
    else:
        async with contextlib.aclosing(jobs.follow(job.key, job.offset)) as arriving:
            await copy.take(arriving)
    status = ended or await jobs.status(job.key)
    if not status.state.is_over or status.log_bytes > copy.read:
        raise NodeUnreachable("The connection ended in the middle of a job.")
    await copy.end()
    return status


async def begin_anew(store: Store, jobs: Jobs, deployment_id: int, step: StepKey) -> None:
    """What was lost, and may be done again, is another job the next time. Of the lost one something may still run."""
    lost = await _job_of(store, deployment_id, step)
    await jobs.forget(lost.key)
    async with store.transaction() as tx:
        await tx.connection.execute(
            "UPDATE steps SET job_key = NULL, job_offset = 0 WHERE deployment_id = %s AND key = %s",
            (deployment_id, step),
        )


async def end_step_jobs(store: Store, jobs: Jobs, deployment_id: int) -> None:
    """Nothing of them runs any more, and nothing stays on the node."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            "SELECT job_key FROM steps WHERE deployment_id = %s AND job_key IS NOT NULL", (deployment_id,)
        )
        keys = [JobKey(key) for (key,) in await cursor.fetchall()]
    await jobs.forget(*keys)


async def _job_of(store: Store, deployment_id: int, step: StepKey) -> StepJob:
    """The key is stored before the node hears it."""
    async with store.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            UPDATE steps SET job_key = coalesce(job_key, %s) WHERE deployment_id = %s AND key = %s
            RETURNING job_key, job_offset
            """,
            (new_job_key(), deployment_id, step),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("The deployment is gone.")
    return StepJob(JobKey(row[0]), int(row[1]))


class _Copy:
    """From the node's file into the deployment's stream. `read` counts the bytes that came."""

    def __init__(self, store: Store, log: DeploymentLog, deployment_id: int, step: StepKey, offset: int) -> None:
        self._store = store
        self._log = log
        self._step = (deployment_id, step)
        self._stored = self.read = offset
        self._masking = Masking(log.masker, offset=offset)
        self._ends_line = True

    async def take(self, arriving: AsyncIterator[bytes]) -> None:
        """Returns when everything that arrived is in the database, but for what may begin a secret."""
        waiting = Waiting(_MOST_WAITING)
        reading = asyncio.create_task(waiting.fill(arriving))
        try:
            while data := await waiting.take():
                self.read += len(data)
                await self._write(self._masking.feed(data))
            await reading
        finally:
            await end_tasks(reading)

    async def end(self) -> None:
        """There comes no more. What follows in the deployment's log begins on a line of its own."""
        await self._write(self._masking.end())
        if not self._ends_line:
            await self._log.add(b"\n", self._move)

    async def _write(self, masked: bytes) -> None:
        if masked:
            await self._log.add(masked, self._move)
            self._ends_line = masked.endswith(b"\n")

    async def _move(self, connection: Connection) -> None:
        """In the transaction of what is added."""
        moved = await connection.execute(
            "UPDATE steps SET job_offset = %s WHERE deployment_id = %s AND key = %s AND job_offset = %s",
            (self._masking.offset, *self._step, self._stored),
        )
        if not moved.rowcount:
            raise NodeUnreachable("The log of a job was not where it was left.")
        self._stored = self._masking.offset
