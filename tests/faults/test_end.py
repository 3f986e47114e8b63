"""SIGTERM and SIGINT: a clean end within seconds, with pages open and work running."""

import signal
import subprocess
import time

import psycopg
import pytest

from bakery.app import database
from bakery.store.embedded import binaries
from tests.delivery.fleet import an_app
from tests.faults.site import (
    Viewer,
    deploy,
    make_app,
    program_at,
    token_of,
    wait_for_end,
    wait_for_step,
    without_traceback,
)
from tests.support.serving import Serving

WITHIN = 6.0
SLOW = an_app("one", before="time.sleep(8)")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_cleanly_with_pages_open_and_work_running(bakery: Serving, how: signal.Signals) -> None:
    token = token_of(bakery)
    with program_at(bakery, token) as program, Viewer(bakery, token, "apps"), Viewer(bakery, token, "activity"):
        make_app(program, "shop")
        number = deploy(program, "shop", SLOW)
        wait_for_step(program, "shop", number, "check")
        began = time.monotonic()
        bakery.process.send_signal(how)
        assert bakery.process.wait(20) == 0
        assert time.monotonic() - began < WITHIN
    assert state_of_database(bakery) == "shut down"
    assert without_traceback(bakery.said())
    assert await jobs_by_status(bakery) == {"todo": 1}
    bakery.start()
    with program_at(bakery, token) as program:
        assert wait_for_end(program, "shop", number)["state"] == "succeeded"


def state_of_database(bakery: Serving) -> str:
    """As PostgreSQL wrote it at its end: “in production” where it had none."""
    program = binaries.shipped()[18].program("pg_controldata")
    argv = [program, "-D", str(bakery.settings.data_dir / "postgres/cluster")]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout
    return next(
        line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("Database cluster state")
    )


async def jobs_by_status(bakery: Serving) -> dict[str, int]:
    async with database(bakery.settings) as dsn, await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY 1")
        return dict(await cursor.fetchall())


def test_a_second_signal_changes_nothing(bakery: Serving) -> None:
    bakery.process.send_signal(signal.SIGTERM)
    bakery.process.send_signal(signal.SIGTERM)
    bakery.process.send_signal(signal.SIGINT)
    assert bakery.process.wait(WITHIN) == 0
    assert state_of_database(bakery) == "shut down"
    assert without_traceback(bakery.said())
