from pathlib import PurePosixPath

from bakery.delivery.plan import Check, Retire, Slot, Start, Switch, Wanted, plan_deployment
from bakery.delivery.premises import Premises, Release
from bakery.model.apps import Runtime, SourceKind
from bakery.model.deployments import SlotState
from bakery.model.names import AppName, Colour, EnvironmentName, HostName, Port, SiteName
from bakery.model.strategies import Strategy
from bakery.model.unit import UnitSpec
from bakery.nodes.folders import NodeFolders
from bakery.nodes.ingress import ProxySite

FOLDERS = NodeFolders(PurePosixPath("/node"))
PREMISES = Premises(
    AppName("shop"), EnvironmentName("production"), HostName("shop.localhost"), FOLDERS, is_isolated=False
)
OLD = Release(1, 1, Runtime.PROCESS, ("./run",), None)
NEW = Release(2, 2, Runtime.PROCESS, ("python3", "app.py"), "/health")
FIRST_DEPLOYMENT = {
    Colour.BLUE: Slot(Colour.BLUE, Port(20000), SlotState.IDLE, None),
    Colour.GREEN: Slot(Colour.GREEN, Port(20001), SlotState.IDLE, None),
}
BLUE_IS_LIVE = FIRST_DEPLOYMENT | {Colour.BLUE: Slot(Colour.BLUE, Port(20000), SlotState.LIVE, OLD)}


def wanted(slots: dict[Colour, Slot], *, strategy: Strategy = Strategy.BLUE_GREEN, has_ingress: bool = True) -> Wanted:
    return Wanted(2, 7, NEW, SourceKind.FOLDER, "x.tar.gz", strategy, slots, PREMISES, has_ingress)


def test_a_first_deployment_has_no_old_slot_to_retire() -> None:
    assert [step.title for step in plan_deployment(wanted(FIRST_DEPLOYMENT)).steps] == [
        "Unpack the source",
        "Start the release on blue",
        "Check that it answers",
        "Switch traffic to it",
    ]


def test_a_second_deployment_starts_on_the_other_slot_and_retires_the_first() -> None:
    plan = plan_deployment(wanted(BLUE_IS_LIVE))
    _, start, check, switch, retire = [step.action for step in plan.steps]
    assert isinstance(start, Start)
    assert isinstance(start.program, UnitSpec)
    assert start.program.name == "bakery-shop-production-green"
    assert start.program.argv == ("/usr/bin/env", "--", "python3", "app.py")
    assert start.program.folder == PurePosixPath("/node/apps/shop/production/releases/2")
    assert {name: value.reveal() for name, value in start.program.environment.items()} == {"PORT": "20001"}
    assert isinstance(check, Check)
    assert (check.port, check.path) == (20001, "/health")
    assert isinstance(switch, Switch)
    assert switch.site == ProxySite(
        SiteName("shop-production"), (HostName("shop.localhost"),), Port(20001), 7, 2, Colour.GREEN
    )
    assert retire == Retire(BLUE_IS_LIVE[Colour.BLUE])


def test_a_plan_is_the_same_when_it_is_made_again_after_the_switch() -> None:
    after_the_switch = {
        Colour.BLUE: Slot(Colour.BLUE, Port(20000), SlotState.RETIRING, OLD),
        Colour.GREEN: Slot(Colour.GREEN, Port(20001), SlotState.LIVE, NEW),
    }
    before, after = plan_deployment(wanted(BLUE_IS_LIVE)), plan_deployment(wanted(after_the_switch))
    assert [(step.key, step.title) for step in before.steps] == [(step.key, step.title) for step in after.steps]
    assert after.slot.colour is before.slot.colour


def test_an_app_that_must_not_run_twice_is_replaced_in_its_slot() -> None:
    plan = plan_deployment(wanted(BLUE_IS_LIVE, strategy=Strategy.RECREATE))
    assert [step.key for step in plan.steps] == ["unpack", "start", "check", "switch"]
    assert plan.slot.colour is Colour.BLUE
    assert plan.replaced == OLD


def test_without_nginx_every_app_is_replaced_in_its_slot_and_there_is_no_site() -> None:
    plan = plan_deployment(wanted(BLUE_IS_LIVE, has_ingress=False))
    assert plan.steps[-1].action == Switch(BLUE_IS_LIVE[Colour.BLUE], site=None)
