"""SIGKILL of `bakery serve` at any moment: the next start finds everything and goes on."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.delivery.fleet import an_app
from tests.faults.site import (
    browser_at,
    deploy,
    make_app,
    pids_in,
    program_at,
    token_of,
    wait_for_end,
    wait_for_step,
    without_traceback,
)
from tests.support.serving import Serving
from tests.support.waiting import wait_until

SLOW = an_app("one", before="time.sleep(4)")
MOMENTS = [0.3, 0.6, 0.9, 1.2, 1.5, 1.8, 2.2, 2.6, 3.0] if os.environ.get("BAKERY_TEST_ALL") else [0.9, 1.8]
READY_WITHIN = 10.0  # seconds, on a busy machine


def postgres_servers(bakery: Serving) -> list[int]:
    """Postmasters that run on the data folder."""
    cluster = bakery.settings.data_dir / "postgres/cluster"
    servers = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            is_postmaster = (entry / "exe").readlink().name == "postgres" and b"-D" in (entry / "cmdline").read_bytes()
            if is_postmaster and (entry / "cwd").samefile(cluster):
                servers.append(int(entry.name))
        except OSError:  # it has ended, or is not ours to look at
            continue
    return servers


def test_people_sessions_and_a_running_deployment_outlive_it(bakery: Serving) -> None:
    token = token_of(bakery)
    with browser_at(bakery) as browser, program_at(bakery, token) as program:
        make_app(program, "shop")
        number = deploy(program, "shop", SLOW)
        wait_for_step(program, "shop", number, "check")
        bakery.kill()
        assert bakery.start() < READY_WITHIN
        assert browser.get("/account/security").status_code == 200
        assert wait_for_end(program, "shop", number)["state"] == "succeeded"
    assert len(postgres_servers(bakery)) == 1
    assert len(list(pids_in(bakery.settings.node_dir / "units"))) > 0
    assert without_traceback(bakery.said())


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_first_start_that_is_killed_does_not_hinder_the_next(
    new_bakery: Callable[..., Serving], moment: float
) -> None:
    bakery = new_bakery()
    bakery.launch()
    with pytest.raises(TimeoutError):
        wait_until(lambda: bakery.process.poll() is not None, what="it ends by itself", seconds=moment)
    bakery.kill()
    bakery.start()
    with browser_at(bakery) as browser:
        assert browser.get("/account/security").status_code == 200
    assert len(postgres_servers(bakery)) == 1
