from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from bakery.delivery.plan import Wanted, plan_deployment, strategy_of
from bakery.delivery.planned import (
    BuildImage,
    Check,
    Nothing,
    Plan,
    Pull,
    Retire,
    RunCommand,
    Slot,
    Start,
    Switch,
    Unknown,
)
from bakery.delivery.premises import Premises, Release
from bakery.delivery.recipe import Recipe
from bakery.model.apps import SourceKind
from bakery.model.container import ContainerSpec
from bakery.model.deployments import SlotState
from bakery.model.errors import Conflict
from bakery.model.names import AppName, Colour, EnvironmentName, HostName, Port, ProcessName, SiteName, UnitName
from bakery.model.processes import Instance
from bakery.model.runtimes import Runtime
from bakery.model.secret import Secret
from bakery.model.strategies import Strategy
from bakery.model.unit import UnitSpec
from bakery.nodes.folders import NodeFolders
from bakery.nodes.ingress import ProxySite, StaticSite

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


def wanted(
    slots: dict[Colour, Slot],
    *,
    strategy: Strategy | None = Strategy.BLUE_GREEN,
    has_ingress: bool = True,
    release: Release = NEW,
) -> Wanted:
    return Wanted(2, 7, release, SourceKind.FOLDER, "x.tar.gz", strategy, slots, PREMISES, has_ingress)


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


DOCKER = Release(2, 2, Runtime.DOCKER, (), None, build=9)
OWN_DOCKERFILE = Recipe("dockerfile", (), folder="web", dockerfile="Dockerfile", port=9000)
OURS = Recipe(
    "python", (), start=("gunicorn",), test=("pytest",), dockerfile_text="FROM x\n", test_stage="test", port=8000
)


WANTED = Wanted(2, 7, DOCKER, SourceKind.GIT, "", Strategy.BLUE_GREEN, FIRST_DEPLOYMENT, PREMISES, has_ingress=True)


def of(release: Release, *, number: int = 2, source: SourceKind = SourceKind.GIT) -> Plan:
    return plan_deployment(
        Wanted(number, 7, release, source, "", Strategy.BLUE_GREEN, FIRST_DEPLOYMENT, PREMISES, has_ingress=True)
    )


def actions(plan: Plan) -> dict[str, object]:
    return {step.key: step.action for step in plan.steps}


def test_the_steps_of_an_image_are_known_before_anybody_knows_what_is_in_its_source() -> None:
    before, after = of(DOCKER), of(replace(DOCKER, recipe=OURS))
    assert [step.key for step in before.steps] == [
        "fetch", "detect", "test", "build", "release", "before", "start", "check", "switch", "after",
    ]  # fmt: skip
    assert [step.title for step in before.steps] == [step.title for step in after.steps]
    assert actions(before)["build"] == Unknown()


PAGES = Release(2, 2, Runtime.STATIC, (), None, build=9)
VITE = Recipe(
    "node", (), base="web", install=("npm", "ci"), build=("npm", "run", "build"), static_folder="dist",
    dockerfile_text="FROM x\n",
)  # fmt: skip


def test_a_site_is_built_by_docker_and_its_files_are_left_in_place() -> None:
    found = actions(of(replace(PAGES, recipe=VITE)))
    assert found["test"] == Nothing("No tests were found in it.")
    assert found["build"] == BuildImage(PREMISES.place, 2, 9, VITE, output="web/dist")
    tested = replace(VITE, folder="web", test=("npm", "test"), test_stage="test")
    found = actions(of(replace(PAGES, recipe=tested)))
    assert found["test"] == BuildImage(PREMISES.place, 2, 9, tested, "test")
    assert found["build"] == BuildImage(PREMISES.place, 2, 9, tested, output="dist")


def test_a_site_that_has_to_be_built_needs_docker_and_another_one_does_not() -> None:
    bare = replace(WANTED, has_docker=False)
    with pytest.raises(Conflict, match="its node has none"):
        plan_deployment(replace(bare, release=replace(PAGES, recipe=VITE)))
    plain = actions(plan_deployment(replace(bare, release=replace(PAGES, recipe=Recipe("static", ())))))
    assert plain["build"] == Nothing("Its files are served as they are.")


def test_the_steps_of_a_site_are_the_same_before_anybody_knows_what_is_in_its_source() -> None:
    before, after = of(PAGES), of(replace(PAGES, recipe=VITE))
    assert [step.key for step in before.steps] == ["fetch", "detect", "test", "build", "switch"]
    assert [(step.key, step.title) for step in before.steps] == [(step.key, step.title) for step in after.steps]


def test_a_site_is_served_from_the_folder_that_its_build_leaves() -> None:
    slots = {colour: replace(slot, port=None) for colour, slot in FIRST_DEPLOYMENT.items()}
    site = actions(plan_deployment(replace(WANTED, release=replace(PAGES, recipe=VITE), slots=slots)))["switch"]
    assert isinstance(site, Switch)
    assert isinstance(site.site, StaticSite)
    assert str(site.site.root).endswith("/releases/2/web/dist")


def test_an_image_is_tested_up_to_its_stage_and_then_built() -> None:
    found = actions(of(replace(DOCKER, recipe=OURS)))
    assert found["test"] == BuildImage(PREMISES.place, 2, 9, OURS, "test")
    assert found["build"] == BuildImage(PREMISES.place, 2, 9, OURS)


def test_a_dockerfile_of_its_own_decides_what_is_tested_and_what_is_started() -> None:
    found = actions(of(replace(DOCKER, recipe=OWN_DOCKERFILE)))
    assert found["test"] == Nothing("Its own Dockerfile decides what is tested.")
    start = found["start"]
    assert isinstance(start, Start)
    assert start.program == ContainerSpec(
        name=UnitName("bakery-shop-production-blue"),
        image="bakery/shop:9",
        build=9,
        host_port=Port(20000),
        port=Port(9000),
        environment={"PORT": Secret("9000")},
    )


def test_a_process_that_says_nothing_of_its_start_is_built_in_its_folder() -> None:
    recipe = Recipe(
        "python", (), base="web", install=("pip", "install", "."), start=("gunicorn",), paths=(".venv/bin",)
    )
    found = actions(of(Release(2, 2, Runtime.PROCESS, (), None, recipe=recipe)))
    assert found["install"] == RunCommand(("pip", "install", "."), "The installation")
    assert found["build"] == Nothing("It has nothing to build.")
    start = found["start"]
    assert isinstance(start, Start)
    assert isinstance(start.program, UnitSpec)
    assert start.program.folder == PurePosixPath("/node/apps/shop/production/releases/2/web")
    assert start.program.argv == ("/usr/bin/env", "--", "gunicorn")
    assert start.program.environment["PATH"].reveal().startswith(f"{start.program.folder}/.venv/bin:/usr/local/sbin:")


@pytest.mark.parametrize("runtime", [Runtime.DOCKER, Runtime.PROCESS])
def test_commands_around_the_switch_run_in_what_was_built(runtime: Runtime) -> None:
    recipe = replace(OURS, release=("migrate",), before=("./warm-up",), after=("./tell",))
    found = actions(of(Release(2, 2, runtime, (), None, build=9, recipe=recipe)))
    assert [key for key, action in found.items() if isinstance(action, RunCommand)][-3:] == [
        "release",
        "before",
        "after",
    ]
    assert found["release"] == RunCommand(("migrate",), "The release command")
    assert found["before"] == RunCommand(("./warm-up",), "The command before the start")
    assert found["after"] == RunCommand(("./tell",), "The command after the switch")
    assert list(found)[-4:] == ["start", "check", "switch", "after"]


def test_a_command_in_an_image_finds_what_the_release_finds_and_has_no_port() -> None:
    once = PREMISES.describe_once(replace(DOCKER, recipe=OURS), "j1", ("migrate", "--all"))
    assert once == ContainerSpec(
        name=UnitName("bakery-j1"),
        image="bakery/shop:9",
        build=9,
        environment={"PORT": Secret("8000")},
        command=("migrate", "--all"),
    )


def test_going_back_makes_nothing() -> None:
    assert [step.key for step in of(NEW, number=5).steps] == ["start", "check", "switch"]
    assert [step.key for step in of(replace(DOCKER, recipe=OURS), number=5).steps] == ["start", "check", "switch"]


def test_applying_variables_to_an_image_needs_no_files() -> None:
    assert [step.key for step in of(replace(DOCKER, files_of=1, recipe=OURS)).steps] == ["start", "check", "switch"]


WORKERS = replace(
    OURS, processes={ProcessName("worker"): ("sh", "-c", "python worker.py"), ProcessName("mail"): ("m",)}
)


def test_one_of_each_process_runs_beside_the_one_with_the_port_and_as_many_as_a_person_said() -> None:
    release = replace(DOCKER, recipe=WORKERS, counts={ProcessName("worker"): 2, ProcessName("gone"): 3})
    check = actions(of(release))["check"]
    assert isinstance(check, Check)
    assert [program.name for program in check.workers.values()] == [
        "bakery-shop-production-blue-mail-1",
        "bakery-shop-production-blue-worker-1",
        "bakery-shop-production-blue-worker-2",
    ]
    assert check.workers[Instance(ProcessName("worker"), 2)] == ContainerSpec(
        name=UnitName("bakery-shop-production-blue-worker-2"),
        image="bakery/shop:9",
        build=9,
        command=("sh", "-c", "python worker.py"),
    )


def test_a_process_beside_it_is_a_unit_with_a_log_of_its_own_and_without_a_port() -> None:
    recipe = Recipe("procfile", (), base="web", start=("serve",), processes={ProcessName("worker"): ("work", "-v")})
    release = Release(2, 2, Runtime.PROCESS, (), None, recipe=recipe)
    web, worker = PREMISES.programs(release, Colour.GREEN, Port(20001))
    assert isinstance(web, UnitSpec)
    assert isinstance(worker, UnitSpec)
    assert (web.name, worker.name) == ("bakery-shop-production-green", "bakery-shop-production-green-worker-1")
    assert worker.argv == ("/usr/bin/env", "--", "work", "-v")
    assert worker.folder == web.folder
    assert worker.log_file == PurePosixPath("/node/logs/bakery-shop-production-green-worker-1.log")
    assert (set(web.environment), set(worker.environment)) == ({"HOST", "PORT"}, {"HOST"})


def test_of_files_nothing_runs() -> None:
    assert PREMISES.programs(Release(2, 2, Runtime.STATIC, (), None), Colour.BLUE, None) == ()


def test_what_prepares_a_release_does_not_go_on_running_by_itself() -> None:
    recipe = Recipe("procfile", (), start=("serve",), processes={ProcessName("release"): ("migrate",)})
    assert Release(2, 2, Runtime.PROCESS, (), None, recipe=recipe).instances == ()


@pytest.mark.parametrize(("release", "is_warm"), [(NEW, True), (OLD, False)])
def test_what_runs_warm_has_proved_itself_and_what_takes_its_slot_has_not(release: Release, *, is_warm: bool) -> None:
    slots = {
        Colour.BLUE: Slot(Colour.BLUE, Port(20000), SlotState.LIVE, Release(3, 3, Runtime.PROCESS, ("./run",), None)),
        Colour.GREEN: Slot(Colour.GREEN, Port(20001), SlotState.WARM, release),
    }
    (check,) = [step.action for step in plan_deployment(wanted(slots)).steps if isinstance(step.action, Check)]
    assert (check.port, check.is_warm) == (20001, is_warm)


def test_an_image_of_a_registry_is_pulled_and_nothing_of_it_is_tested_or_built() -> None:
    made = Wanted(
        2, 7, DOCKER, SourceKind.IMAGE, "", Strategy.BLUE_GREEN, FIRST_DEPLOYMENT, PREMISES, has_ingress=True,
        image="a.example/shop:1",
    )  # fmt: skip
    plan = plan_deployment(made)
    assert [step.key for step in plan.steps] == ["pull", "start", "check", "switch"]
    assert actions(plan)["pull"] == Pull(PREMISES.place, 2, 9, "a.example/shop:1")
    back = plan_deployment(replace(made, number=5))
    assert [step.key for step in back.steps] == ["start", "check", "switch"]
    known = plan_deployment(replace(made, release=replace(DOCKER, recipe=Recipe("image", (), port=80))))
    start = actions(known)["start"]
    assert isinstance(start, Start)
    assert isinstance(start.program, ContainerSpec)
    assert (start.program.port, start.program.command) == (80, None)


WITH_VOLUME = replace(NEW, said_volumes={"data": "data"})


def test_a_volume_has_the_old_release_ended_before_the_new_one_begins() -> None:
    plan = plan_deployment(wanted(BLUE_IS_LIVE, release=WITH_VOLUME, strategy=None))
    assert [step.key for step in plan.steps] == ["unpack", "start", "check", "switch", "retire"]
    assert plan.steps[1].title == "Replace the running release; the app is away for a moment"
    assert plan.steps[-1].action == Nothing("The old release was ended before this one began.")
    assert (plan.slot.colour, plan.replaced) == (Colour.BLUE, OLD)


def test_blue_green_with_a_volume_is_a_choice() -> None:
    plan = plan_deployment(wanted(BLUE_IS_LIVE, release=WITH_VOLUME, strategy=Strategy.BLUE_GREEN))
    assert plan.slot.colour is Colour.GREEN
    assert plan.replaced is None


@pytest.mark.parametrize(
    ("said", "found", "volumes", "expected"),
    [
        (None, None, {}, Strategy.BLUE_GREEN),
        (None, None, {"data": "data"}, Strategy.RECREATE),
        (None, Strategy.BLUE_GREEN, {"data": "data"}, Strategy.BLUE_GREEN),
        (None, Strategy.RECREATE, {}, Strategy.RECREATE),
        (Strategy.BLUE_GREEN, Strategy.RECREATE, {"data": "data"}, Strategy.BLUE_GREEN),
    ],
)
def test_a_person_says_how_it_takes_over_or_bakery_toml_or_else_a_volume(
    said: Strategy | None, found: Strategy | None, volumes: dict[str, str], expected: Strategy
) -> None:
    recipe = Recipe("python", (), start=("python3",), volumes=volumes, strategy=found)
    assert strategy_of(said, replace(NEW, said_command=(), recipe=recipe)) is expected


def test_before_its_source_is_known_a_release_is_planned_with_all_steps_that_there_may_be() -> None:
    unknown = replace(WITH_VOLUME, said_command=(), recipe=None)
    before = plan_deployment(wanted(BLUE_IS_LIVE, release=unknown, strategy=None))
    after = plan_deployment(
        wanted(BLUE_IS_LIVE, release=replace(unknown, recipe=Recipe("python", (), start=("app",))), strategy=None)
    )
    assert {step.key for step in after.steps} == {step.key for step in before.steps}


def test_what_is_warm_ends_before_a_release_begins_that_replaces_the_live_one() -> None:
    warm = Slot(Colour.GREEN, Port(20001), SlotState.WARM, OLD)
    slots = {Colour.BLUE: BLUE_IS_LIVE[Colour.BLUE], Colour.GREEN: warm}
    plan = plan_deployment(wanted(slots, release=WITH_VOLUME, strategy=None))
    start = plan.steps[1].action
    assert isinstance(start, Start)
    assert start.ends == warm
