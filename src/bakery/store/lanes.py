"""Lanes of the queue: work of one never waits for places that work of another takes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job, JobInserted, Status
from procrastinate.manager import JobManager, NotificationCallback

LAST = -1  # a priority


class Lane(StrEnum):
    """The values are what procrastinate calls them."""

    SHORT = "default"  # and what rescues: going back, restarts, stops, certificates, deletions
    TIDYING = "tidying"  # of as many environments at once as there are
    BUILDS = "builds"  # deployments that make something, which may take hours
    COMMANDS = "commands"  # of people, on nodes

    @property
    def priority(self) -> int:
        """Of work with one lock, what is short goes before what waits for a place among the builds, and nothing waits
        for tidying that waits."""
        return {Lane.SHORT: 1, Lane.TIDYING: LAST}.get(self, 0)


PLACES: Mapping[Lane, int] = {Lane.SHORT: 18, Lane.TIDYING: 2, Lane.BUILDS: 20, Lane.COMMANDS: 10}


Begun = tuple[int | None, int]  # a job, and how often it was begun anew: this tells whose it is


def begun(job: Job) -> Begun:
    return job.id, job.attempts


_OURS = """
SELECT jobs.id FROM procrastinate_jobs AS jobs
JOIN unnest(%(ids)s::bigint[], %(attempts)s::int[]) AS ours (id, attempts) USING (id, attempts) WHERE status = 'doing'
"""


class LaneJobs(JobManager):
    """Takes jobs of the lanes that have a free place. Whoever lost a job to another process does not put down how it
    ended: that one is at it, and holds its lock."""

    def __init__(self, connector: BaseConnector, places: Mapping[Lane, int]) -> None:
        super().__init__(connector)
        self._places = places
        self._taken: dict[Begun, str] = {}  # by this process, with their lanes
        self._tell_worker: NotificationCallback | None = None

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        self._tell_worker = on_notification
        await super().listen_for_jobs(on_notification=on_notification, queues=queues)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Looks again when a place became free meanwhile: the worker forgets what it was told while it asked."""
        while True:
            free = self._free(queues)
            job = await super().fetch_job(free, worker_id) if free else None
            if job is not None:
                self._taken[begun(job)] = job.queue
            if job is not None or self._free(queues) == free:
                return job

    def _free(self, queues: Iterable[str] | None) -> list[Lane]:
        taken = Counter(self._taken.values())
        known = self._places if queues is None else [lane for lane in self._places if lane in queues]
        return [lane for lane in known if taken[lane] < self._places[lane]]

    async def _leave(self, job: Job) -> None:
        """The worker, which may have found its lane full, looks again, as when new work is told of."""
        before = self._free(None)
        self._taken.pop(begun(job), None)
        if self._tell_worker is not None and job.id is not None and self._free(None) != before:
            told = JobInserted(type="job_inserted", job_id=job.id)
            await self._tell_worker(channel=job.queue, notification=told)

    async def ours(self, *jobs: Job) -> set[int]:
        ids, attempts = [job.id for job in jobs], [job.attempts for job in jobs]
        rows = await self.connector.execute_query_all_async(_OURS, ids=ids, attempts=attempts)
        return {int(row["id"]) for row in rows}

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: FBT001 - procrastinate's own
        await self._leave(job)
        if await self.ours(job):
            await super().finish_job(job, status, delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        await self._leave(job)
        if await self.ours(job):
            await super().retry_job(job, retry_at, priority, queue, lock)
