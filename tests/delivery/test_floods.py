"""A command that writes more than anybody reads: it is cut, what is missing is counted, nothing else suffers."""

import re

import pytest

from bakery.delivery import making
from bakery.model.deployments import DeploymentState
from tests.delivery.fleet import Fleet
from tests.delivery.invariants import Visitor
from tests.delivery.test_pipeline import a_project

KEPT = 300_000  # bytes
FLOOD = "seq 1000000; head -c 1000000 /dev/urandom; head -c 1000000 /dev/zero | tr '\\\\\\\\0' x"


async def test_a_flood_of_log_is_cut_and_what_is_missing_is_counted(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_LOG_BYTES", KEPT)
    await fleet.make(command="")
    await fleet.deploy_well(a_project("one"))
    async with Visitor(fleet) as visitor:
        found = await fleet.deploy(a_project("two", test=FLOOD))
    assert visitor.failed == []
    assert found.deployment.state is DeploymentState.SUCCEEDED
    log = await fleet.log(found.deployment)
    assert len(log.encode()) < 2 * KEPT
    assert log.index("\n1\n2\n3\n") < log.index("Start the release")
    assert re.search(r"the log was longer than 300000 bytes; [0-9]{6,} bytes were left out here\.", log)
