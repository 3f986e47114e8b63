"""Jobs that are over leave nothing on their nodes."""

from datetime import timedelta
from typing import cast

import pytest

from bakery.model.errors import CommandFailed, NodeUnreachable
from bakery.nodes import work
from bakery.nodes.jobs import JobKey, Jobs, new_job_key
from bakery.nodes.links import Links
from bakery.store.store import Store
from tests.nodes.test_registry import a_node


class Machines:
    """Nodes of which some do not answer, and jobs whose folders cannot be removed."""

    def __init__(self, *, away: int, stuck: set[str]) -> None:
        self._away, self._stuck = away, stuck
        self.asked: list[int] = []

    async def jobs(self, node_id: int) -> Jobs:
        self.asked.append(node_id)
        if node_id == self._away:
            raise NodeUnreachable("It does not answer.")
        return cast(Jobs, self)

    async def forget(self, key: JobKey) -> None:
        if key in self._stuck:
            raise CommandFailed("Its folder cannot be removed.", exit_status=1)


async def jobs_that_are_over(store: Store, node_id: int, count: int) -> list[str]:
    keys = [str(new_job_key()) for _ in range(count)]
    async with store.connection() as connection:
        for key in keys:
            await connection.execute(
                """
                WITH stream AS (INSERT INTO log_streams DEFAULT VALUES RETURNING id)
                INSERT INTO jobs (key, node_id, kind, title, argv, state, log_stream_id, seconds, asked_by, request_id,
                                  ended_at, exit_status)
                SELECT %s, %s, 'exec', 'true', '{true}', 'failed', stream.id, 60, 'Ada', '', now(), 1 FROM stream
                """,
                (key, node_id),
            )
    return keys


async def test_jobs_that_cannot_be_cleared_keep_no_younger_ones_from_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_CLEARED_AT_ONCE", 2)
    away, here = (await a_node(store, "oven-1")).id, (await a_node(store, "oven-2")).id
    async with store.connection() as connection:
        await connection.execute("UPDATE nodes SET state = 'online'")
    await jobs_that_are_over(store, away, 3)
    stuck = await jobs_that_are_over(store, here, 3)
    young = await jobs_that_are_over(store, here, 1)
    machines = Machines(away=away, stuck=set(stuck))

    await work.clear_jobs(store, cast(Links, machines), older_than=timedelta(days=30))

    async with store.connection() as connection:
        cursor = await connection.execute("SELECT key FROM jobs WHERE cleared_at IS NOT NULL")
        assert await cursor.fetchall() == [(young[0],)]
    assert machines.asked.count(away) == 1
