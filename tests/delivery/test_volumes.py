"""Volumes of a real process: what a release wrote is there for the next one, and for whoever deletes it one day."""

import asyncio
from pathlib import Path

import pytest

from bakery.delivery.app_settings import change_app
from bakery.delivery.apps import create_app, show_app
from bakery.delivery.clone import clone_app
from bakery.delivery.delete import clear_environment, delete_app, what_goes
from bakery.delivery.look import look_at_environment
from bakery.delivery.volumes import NamedBy, list_node_volumes, list_volumes, remove_volume
from bakery.model.actor import Actor, Origin
from bakery.model.apps import parse_new_app
from bakery.model.deployments import DeploymentState, SlotState
from bakery.model.errors import Conflict, NotFound
from bakery.model.names import AppName, Colour, EnvironmentName
from bakery.model.permissions import Role
from tests.delivery.fleet import ADMIN, Fleet, an_app
from tests.support.places import at

SHOP, PRODUCTION = AppName("shop"), EnvironmentName("production")
NOTES = """
import pathlib
notes = pathlib.Path("data/notes")
notes.write_text((notes.read_text() if notes.exists() else "") + "{version} ")
"""


def noting(version: str, *, before: str = "") -> dict[str, str]:
    """An app that answers with all versions that ever ran on its volume."""
    return an_app(version, answer="(200, notes.read_bytes())", before=NOTES.format(version=version) + before)


async def test_what_a_release_writes_into_a_volume_outlives_it(fleet: Fleet) -> None:
    await fleet.make()
    await change_app(fleet.store, at(SHOP), {"volumes": "data:data"}, actor=ADMIN)
    first = await fleet.deploy_well({**noting("one"), "data/notes": "zero "})
    assert (await fleet.visit()).text == "zero one "

    # The same slot: the old one ended first.
    second = await fleet.deploy_well({**noting("two"), "data/notes": "another "})
    assert (await fleet.visit()).text == "zero one two "
    app = await fleet.app()
    assert (app.interrupts, app.strategy, app.warning) == (True, None, "")
    environment = await look_at_environment(fleet.store, app.environment_id)
    assert environment is not None
    assert environment.slots[Colour.GREEN].state is SlotState.IDLE
    steps = {step.key: step.title for step in second.steps}
    assert steps["start"] == "Replace the running release; the app is away for a moment"

    # One that fails leaves the old one running, with what is in the volume.
    third = await fleet.deploy(noting("three", before="sys.exit(3)"))
    assert third.deployment.state is DeploymentState.FAILED
    assert "Release #2 runs again." in await fleet.log(third.deployment)
    assert (await fleet.visit()).text.startswith("zero one two three ")
    assert (await fleet.visit()).text.endswith(" two ")
    assert first.deployment.state is DeploymentState.SUCCEEDED


async def test_a_volume_stays_when_its_app_goes_until_somebody_deletes_it(fleet: Fleet) -> None:
    app = await fleet.make()
    await change_app(fleet.store, at(SHOP), {"volumes": "data:data"}, actor=ADMIN)
    await fleet.deploy_well(noting("one"))
    with pytest.raises(Conflict, match="shop has the volume data"):
        await remove_volume(fleet.store, fleet.links, "local", SHOP, PRODUCTION, "data", actor=ADMIN)

    # A clone has the setting and no data.
    await clone_app(fleet.store, at("shop"), "twin", node=None, actor=ADMIN)
    assert [(one.name, one.is_made) for one in await list_volumes(fleet.store, at("twin"), actor=ADMIN)] == [
        ("data", False)
    ]

    # Out of the settings its files are kept, and it says so.
    await change_app(fleet.store, at(SHOP), {"volumes": ""}, actor=ADMIN)
    (kept,) = await list_volumes(fleet.store, at("shop"), actor=ADMIN)
    assert (kept.path, kept.named_by, kept.is_made) == (None, NamedBy.NOBODY, True)

    assert (await what_goes(fleet.store, at("shop"), actor=ADMIN)).volumes == ("data",)
    await delete_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    await clear_environment(fleet.store, fleet.node, app.environment_id)
    (left,) = await list_node_volumes(fleet.store, fleet.links, "local", actor=ADMIN)
    assert (left.app, left.name, left.has_app, left.is_used) == ("shop", "data", False, False)

    # Whoever sees only some apps does not come to it by its name.
    some = Actor(Origin("api"), role=Role.ADMIN, person_id=1, apps=frozenset())
    with pytest.raises(Conflict, match="An app that was called shop left volumes on this node"):
        await create_app(fleet.store, parse_new_app(slug="shop"), actor=some)
    again = await fleet.make()
    await change_app(fleet.store, at(SHOP), {"volumes": "data:data"}, actor=ADMIN)
    await fleet.deploy_well(noting("two"))
    assert (await fleet.visit()).text == "one two "

    await delete_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN, volumes=["data"])
    await clear_environment(fleet.store, fleet.node, again.environment_id)
    assert await list_node_volumes(fleet.store, fleet.links, "local", actor=ADMIN) == []
    assert not (Path(fleet.node.folders.root) / "volumes" / "shop").exists()


async def test_a_volume_that_an_app_left_is_deleted_by_hand(fleet: Fleet) -> None:
    app = await fleet.make()
    await change_app(fleet.store, at(SHOP), {"volumes": "data:data"}, actor=ADMIN)
    await fleet.deploy_well(noting("one"))
    await delete_app(fleet.store, fleet.queue, at("shop"), actor=ADMIN)
    await clear_environment(fleet.store, fleet.node, app.environment_id)
    await remove_volume(fleet.store, fleet.links, "local", SHOP, PRODUCTION, "data", actor=ADMIN)
    assert await list_node_volumes(fleet.store, fleet.links, "local", actor=ADMIN) == []


async def test_two_who_name_a_volume_at_once_lose_neither(fleet: Fleet) -> None:
    await fleet.make()

    async def also(named: dict[str, str | None]) -> None:
        await change_app(fleet.store, at("shop"), {}, volumes_also=named, actor=ADMIN)

    await asyncio.gather(also({"data": "data"}), also({"cache": "cache"}))
    assert (await show_app(fleet.store, at("shop"), actor=ADMIN)).volumes == {"cache": "cache", "data": "data"}
    await also({"data": None, "cache": "other"})
    assert (await show_app(fleet.store, at("shop"), actor=ADMIN)).volumes == {"cache": "other"}
    with pytest.raises(NotFound, match="The settings of shop name no volume data"):
        await also({"data": None})
