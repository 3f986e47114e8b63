"""The clock jumps while a deployment runs. What Bakery knows of time comes from its database, whose `now()` jumps here;
deadlines are of the monotonic clock. No machine's clock is set."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bakery.delivery.baking import judge_new_releases
from bakery.delivery.local import local_node_id
from bakery.delivery.rounds import find_lost_work, tidy
from bakery.model.deployments import DeploymentState
from tests.delivery.fleet import Fleet, an_app
from tests.delivery.invariants import Visitor, expect_no_leftovers

JUMPS = ["1 hour", "-1 hour", "1 day", "-1 day"] if os.environ.get("BAKERY_TEST_ALL") else ["-1 hour", "1 day"]
_CLOCK = """
CREATE SCHEMA wrong;
CREATE TABLE wrong.clock AS SELECT interval '0' AS by;
CREATE FUNCTION wrong.now() RETURNS timestamptz STABLE LANGUAGE sql
    AS 'SELECT pg_catalog.now() + by FROM wrong.clock';
CREATE FUNCTION wrong.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql
    AS 'SELECT pg_catalog.clock_timestamp() + by FROM wrong.clock';
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = wrong, pg_catalog, public', current_database());
END $$;
"""


@pytest.fixture
def migrated_database_url(migrated_database_url: str) -> str:
    """Its clock is right until somebody says by how much it is not."""
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        connection.execute(_CLOCK)
    return migrated_database_url


@pytest.mark.parametrize("by", JUMPS)
async def test_a_deployment_goes_on_when_the_clock_jumps(fleet: Fleet, tmp_path: Path, by: str) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    (tmp_path / "held").touch()
    asked = await fleet.request(an_app("two", before=f"while os.path.exists('{tmp_path}/held'): time.sleep(0.05)"))
    async with Visitor(fleet) as visitor:
        running = asyncio.create_task(fleet.run(asked))
        await until_it_checks(fleet, asked.id)
        before = await fleet.visit()
        async with fleet.store.transaction() as tx:
            await tx.connection.execute("UPDATE wrong.clock SET by = %s", (by,))
        await a_round(fleet)
        (tmp_path / "held").unlink()
        found = await running
    assert (before.text, visitor.failed) == ("one", [])
    assert found.deployment.state is DeploymentState.SUCCEEDED, await fleet.log(asked)
    assert found.deployment.ended_at is not None
    assert abs(found.deployment.ended_at - datetime.now(UTC)) > timedelta(minutes=50)  # it did jump
    assert await fleet.visitors_see("two")
    await a_round(fleet)
    await expect_no_leftovers(fleet, units=("bakery-shop-production-green",), releases=("1", "2"))
    assert (await fleet.deploy(an_app("three"))).deployment.state is DeploymentState.SUCCEEDED


async def a_round(fleet: Fleet) -> None:
    """What is done from time to time: none of it takes what runs for something that has been over for long."""
    node_id = await local_node_id(fleet.store)
    await find_lost_work(fleet.store, fleet.queue)
    await tidy(fleet.store, fleet.queue, fleet.links, node_id)
    await judge_new_releases(fleet.store, fleet.queue, node_id)


async def until_it_checks(fleet: Fleet, deployment_id: int) -> None:
    async with asyncio.timeout(60):
        while True:
            async with fleet.store.connection() as connection:
                cursor = await connection.execute(
                    "SELECT FROM steps WHERE deployment_id = %s AND key = 'check' AND state = 'running'",
                    (deployment_id,),
                )
                if await cursor.fetchone() is not None:
                    return
            await asyncio.sleep(0.05)
