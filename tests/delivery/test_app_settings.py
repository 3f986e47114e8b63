"""How an app runs is changed, and takes effect with what is deployed afterwards."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bakery.access.audit import list_activity
from bakery.delivery.app_settings import change_app
from bakery.delivery.rollback import request_rollback
from bakery.delivery.running import restart
from bakery.model.deployments import DeploymentState
from bakery.model.errors import BadInput
from bakery.model.names import AppName, UnitName
from bakery.model.unit import Limits, UnitSpec
from bakery.nodes.units import Units, UnitState
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

SHOP = AppName("shop")
MB = 1024**2


@dataclass
class Noting:
    """Units that write down with which limits each was started."""

    units: Units
    limits: list[Limits] = field(default_factory=list)

    async def start(self, unit: UnitSpec) -> None:
        self.limits.append(unit.limits)
        await self.units.start(unit)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever units can do
        return getattr(self.units, name)


async def test_a_limit_takes_effect_with_the_next_deployment_and_goes_with_its_release(fleet: Fleet) -> None:
    noting = Noting(fleet.node.units)
    watched = replace(fleet, node=replace(fleet.node, units=noting))
    app = await watched.make()
    await watched.deploy_well(an_app("one"))

    await change_app(fleet.store, at(SHOP), {"memory": "256", "cpus": "0.5"}, actor=ADMIN)
    await restart(fleet.store, watched.node, app.environment_id)
    assert noting.limits == [Limits(), Limits()]

    await watched.deploy_well(an_app("two"))
    assert noting.limits[2:] == [Limits(256 * MB, 50)]

    await watched.run(await request_rollback(fleet.store, fleet.queue, at("shop"), actor=ADMIN))
    assert noting.limits[3:] == [Limits()]
    app = await watched.app()
    assert (app.live_number, app.memory_bytes, app.cpus) == (1, 256 * MB, 0.5)


async def test_a_repository_says_limits_where_nobody_set_any(fleet: Fleet) -> None:
    noting = Noting(fleet.node.units)
    watched = replace(fleet, node=replace(fleet.node, units=noting))
    await watched.make(command="")
    project = {
        **an_app("one"),
        "Procfile": "web: python3 app.py\nworker: sleep 1000\n",
        "bakery.toml": '[limits]\nmemory = "128M"\ncpus = 2\n',
    }
    await change_app(fleet.store, at(SHOP), {"cpus": "1"}, actor=ADMIN)
    await watched.deploy_well(project)
    assert noting.limits == [Limits(128 * MB, 100)] * 2


async def test_a_change_is_in_the_audit_with_what_was_before(fleet: Fleet) -> None:
    await fleet.make()
    await change_app(fleet.store, at(SHOP), {"name": "Shop", "memory": "256", "health": ""}, actor=ADMIN)
    await change_app(fleet.store, at(SHOP), {"name": "Shop"}, actor=ADMIN)
    (done,) = (await list_activity(fleet.store, action="app.changed", actor=ADMIN)).rows
    assert done.before == {"name": "shop", "memory_bytes": None}
    assert done.after == {"name": "Shop", "memory_bytes": 256 * MB}


async def test_a_change_that_is_refused_changes_nothing(fleet: Fleet) -> None:
    made = await fleet.make()
    with pytest.raises(BadInput):
        await change_app(fleet.store, at(SHOP), {"name": "Shop", "memory": "lots"}, actor=ADMIN)
    assert await fleet.app() == made


@dataclass
class Starving(Noting):
    """Whatever ends there was killed for its memory, as systemd tells it."""

    async def state(self, name: UnitName) -> UnitState:
        state = await self.units.state(name)
        return replace(state, last_exit="ended by SIGKILL, out of memory") if state.last_exit else state


async def test_an_app_that_runs_out_of_memory_hears_its_limit_and_how_to_raise_it(fleet: Fleet) -> None:
    starved = replace(fleet, node=replace(fleet.node, units=Starving(fleet.node.units)))
    await starved.make()
    await change_app(fleet.store, at(SHOP), {"memory": "64"}, actor=ADMIN)
    found = (await starved.deploy(an_app("one", before="sys.exit(1)"))).deployment
    assert (found.state, found.failure, found.hint) == (
        DeploymentState.FAILED,
        "The app ran out of memory: its limit is 64 MB.",
        "Let it use less, or raise its limit and deploy again: bakery apps set shop memory=128",
    )
