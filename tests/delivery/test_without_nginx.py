"""A machine without nginx: one fixed port an app, and a deployment interrupts it."""

import pytest

from bakery.model.deployments import DeploymentState
from bakery.model.errors import BadInput
from tests.delivery.fleet import Fleet, an_app

TITLES = ["Unpack the source", "Replace the running release; the app is away for a moment"]


async def test_an_app_keeps_its_port_from_release_to_release(bare_fleet: Fleet) -> None:
    await bare_fleet.make()
    assert (await bare_fleet.deploy(an_app("one"))).deployment.state is DeploymentState.SUCCEEDED
    address = (await bare_fleet.app()).address
    assert (await bare_fleet.visit()).text == "one"
    found = await bare_fleet.deploy(an_app("two"))
    assert [step.title for step in found.steps][:2] == TITLES
    assert (await bare_fleet.visit()).text == "two"
    assert (await bare_fleet.app()).address == address
    assert (await bare_fleet.app()).interrupts


async def test_the_old_release_comes_back_when_the_new_one_fails(bare_fleet: Fleet) -> None:
    await bare_fleet.make()
    await bare_fleet.deploy_well(an_app("one"))
    found = await bare_fleet.deploy(an_app("two", before="sys.exit(3)"))
    assert found.deployment.state is DeploymentState.FAILED
    assert "Release #1 runs again." in await bare_fleet.log(found.deployment)
    assert await bare_fleet.visitors_see("one")


async def test_static_files_need_nginx(bare_fleet: Fleet) -> None:
    with pytest.raises(BadInput, match="local has no nginx"):
        await bare_fleet.make("docs", runtime="static")
    async with bare_fleet.store.connection() as connection:  # it had one
        await connection.execute("""UPDATE nodes SET facts = facts || '{"ingress": "own-nginx"}'""")
    await bare_fleet.make("docs", runtime="static")
    found = await bare_fleet.deploy({"index.html": "hello"}, "docs")
    assert found.deployment.state is DeploymentState.FAILED
    assert found.deployment.failure == "Static files need nginx, and this machine has none."
