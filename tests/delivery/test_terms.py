"""How a release is checked and takes over, as a person or its repository says, on a real machine."""

from dataclasses import replace

import pytest

from bakery.delivery.app_settings import change_app
from bakery.delivery.defaults import change_defaults
from bakery.delivery.local import local_node_id
from bakery.delivery.rollback import request_rollback
from bakery.delivery.slot_figures import slot_figures
from bakery.delivery.watch import Watch
from bakery.delivery.work import Patience
from bakery.model.deployments import DeploymentState, Health
from bakery.model.errors import BadInput
from bakery.model.names import AppName, EnvironmentName
from bakery.web.moments import now
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

SHOP = AppName("shop")
# Well only where it is the app's own folder and variables.
CHECK = """
import os, sys
print("looked in", os.getcwd())
sys.exit(0 if os.environ["PORT"] and os.path.exists("well") else 3)
"""
REPOSITORY = """
[run]
command = "python3 app.py"
[health]
command = ["python3", "check.py"]
threshold = 1
successes = 1
[deploy]
drain = 1
"""


async def test_a_command_of_the_repository_decides_where_the_app_runs(bare_fleet: Fleet) -> None:
    fleet = bare_fleet
    await fleet.make(command="")
    project = {**an_app("one"), "check.py": CHECK, "bakery.toml": REPOSITORY}
    failed = await replace(fleet, patience=Patience(check=1.0, away=1)).deploy(project)
    assert failed.deployment.state is DeploymentState.FAILED
    assert failed.deployment.failure == (
        "The release did not answer as it should within 1 s: its check “python3 check.py” ended with status 3."
    )
    assert "The check wrote last:\n" in await fleet.log(failed.deployment)
    assert "looked in" in await fleet.log(failed.deployment)

    found = await fleet.deploy_well({**project, "well": ""})
    assert "Runs python3 check.py where it runs, which has to end with 0." in await fleet.log(found.deployment)
    folder = fleet.node.folders.releases(SHOP, EnvironmentName("production")) / str(found.deployment.number)
    watching = Watch(fleet.store, fleet.queue, fleet.links, await local_node_id(fleet.store))
    seen = []
    for is_well in (True, False, True):
        await fleet.node.transport.remove(folder / "well")
        if is_well:
            await fleet.node.transport.put(folder / "well", b"")
        await watching.look()
        (slot,) = await slot_figures(fleet.store, at("shop"), actor=ADMIN, now=now())
        seen.append((slot.health, slot.check))
    assert seen == [(Health.HEALTHY, "command"), (Health.DOWN, "command"), (Health.HEALTHY, "command")]


async def test_what_was_set_holds_from_the_next_deployment_on_and_goes_with_its_release(fleet: Fleet) -> None:
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await change_app(fleet.store, at(SHOP), {"health_kind": "tcp", "warm": "1h", "bake": "0"}, actor=ADMIN)
    second = await fleet.deploy_well(an_app("two", answer="(503, b'two')"))
    assert "the port accepts connections" in await fleet.log(second.deployment)
    assert "Release #1 stays warm on blue for 60 min, to come back to." in await fleet.log(second.deployment)

    back = await fleet.run(await request_rollback(fleet.store, fleet.queue, at("shop"), actor=ADMIN))
    assert "Asks for /health, else for /, else for an open port." in await fleet.log(back.deployment)


async def test_what_the_installation_says_goes_with_a_release_too(fleet: Fleet) -> None:
    await change_defaults(fleet.store, {"warm": "1h"}, actor=ADMIN)
    await fleet.make()
    await fleet.deploy_well(an_app("one"))
    await change_defaults(fleet.store, {"warm": "0"}, actor=ADMIN)
    second = await fleet.deploy_well(an_app("two"))
    assert "warm" not in await fleet.log(second.deployment)


async def test_a_command_has_to_be_named(fleet: Fleet) -> None:
    await fleet.make()
    with pytest.raises(BadInput) as refused:
        await change_app(fleet.store, at(SHOP), {"health_kind": "command"}, actor=ADMIN)
    assert refused.value.field == "health_command"
