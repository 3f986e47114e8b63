"""Units of a node: what its helper is told, and what is believed of its answers."""

import json
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from bakery.commands.command import Command
from bakery.model.errors import NodeUnreachable
from bakery.model.names import UnitName
from bakery.model.secret import Secret
from bakery.model.unit import Limits, UnitSpec
from bakery.nodes.folders import ROOTS_FOLDER, NodeFolders
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_units import HelperUnits
from bakery.nodes.transport import Finished
from bakery.nodes.units import UnitState, Use
from tests.nodes.memory import Answers, MemoryTransport, done

NAME = UnitName("bakery-shop-production-blue")
RELEASE = ROOTS_FOLDER / "apps/shop/production/releases/1"
A_UNIT = UnitSpec(
    name=NAME,
    argv=("/bin/true", "it"),
    folder=RELEASE,
    log_file=NodeFolders(ROOTS_FOLDER).unit_log(NAME),
    environment={"TOKEN": Secret("hush")},
    account="bk-903fef0d5516b093",
    writable=(RELEASE,),
    limits=Limits(memory_bytes=1024**3),
)


def units_of(answers: Answers) -> HelperUnits:
    return HelperUnits(Helper(MemoryTransport(answers), ("helper",)))


async def test_a_unit_is_told_in_one_call_and_in_secret() -> None:
    said: list[Command] = []

    def hear(command: Command) -> Finished:
        said.append(command)
        return done()

    await units_of(hear).start(A_UNIT)
    assert [str(one) for one in said] == [f"helper unit-start {NAME} < ••••"]
    assert isinstance(said[0].stdin, Secret)
    assert json.loads(said[0].stdin.reveal()) == {
        "argv": ["/bin/true", "it"],
        "folder": str(RELEASE),
        "environment": {"TOKEN": "hush"},
        "writable": [str(RELEASE)],
        "memory_bytes": 1024**3,
        "cpu_percent": None,
        "stop_seconds": 10,
    }


@pytest.mark.parametrize(
    "unit",
    [
        replace(A_UNIT, account="bk-0000000000000000"),
        replace(A_UNIT, account=None),
        replace(A_UNIT, log_file=PurePosixPath("/var/log/shop.log")),
        replace(A_UNIT, name=UnitName("bakery-shop-staging-blue")),
    ],
)
async def test_a_unit_that_is_not_what_its_name_says_is_our_mistake(unit: UnitSpec) -> None:
    with pytest.raises(LookupError, match="runs as bk-"):
        await units_of(lambda _: done()).start(unit)


async def test_states_of_many_are_one_call() -> None:
    other = UnitName("bakery-shop-production-green")
    state = {"is_running": True, "process_id": 7, "restarts": 1, "last_exit": ""}
    answer = done(json.dumps({"units": {NAME: {**state, "is_running": False, "process_id": None}, other: state}}))
    asked: list[Command] = []

    def answers(command: Command) -> Finished:
        asked.append(command)
        return answer

    machine = MemoryTransport(answers)
    assert await HelperUnits(Helper(machine, ("helper",))).states(other, NAME) == {
        other: UnitState(is_running=True, process_id=7, restarts=1),
        NAME: UnitState(is_running=False, restarts=1),
    }
    assert machine.told == [f"helper unit-state {other} {NAME}"]
    assert asked[0].is_routine  # it is said every few seconds, so no transcript has it


def slots(count: int) -> list[UnitName]:
    return [UnitName(f"bakery-app{number}-production-blue") for number in range(count)]


async def test_of_more_than_one_call_takes_all_are_told_of() -> None:
    """Words of a call are checked there: it takes 200 names, as `helper/names.py` says."""
    asked: list[int] = []

    def answers(command: Command) -> Finished:
        verb, *names = command.argv[1:]
        asked.append(len(names))
        state = {"is_running": True, "process_id": 7, "restarts": 3, "last_exit": ""}
        if verb == "unit-state":
            return done(json.dumps({"units": dict.fromkeys(names, state)}))
        return done(json.dumps({"uses": {name: {"memory_bytes": 1, "cpu_microseconds": 2} for name in names}}))

    units, names = units_of(answers), slots(401)
    assert await units.states(*names) == dict.fromkeys(names, UnitState(is_running=True, process_id=7, restarts=3))
    assert await units.restarts(*names) == dict.fromkeys(names, 3)
    assert await units.uses(*names) == dict.fromkeys(names, Use(memory_bytes=1, cpu_microseconds=2))
    assert asked == 3 * [200, 200, 1]


TOO_MANY = json.dumps({"units": {NAME: {"is_running": True, "restarts": 2**31}}})


@pytest.mark.parametrize("answer", ["", "{}", '{"units": {}}', '{"units": {"ssh": null}}', '{"units": 7}', TOO_MANY])
async def test_an_answer_about_something_else_is_not_believed(answer: str) -> None:
    with pytest.raises(NodeUnreachable):
        await units_of(lambda _: done(answer)).state(NAME)


@pytest.mark.parametrize(
    "odd",
    [
        {"last_exit": "ended\0"},
        {"last_exit": "ended\nby itself"},
        {"last_exit": "x" * 201},
        {"restarts": -1},
        {"restarts": 2**63},
        {"process_id": 0},
        {"is_running": 1},
    ],
)
async def test_a_state_that_no_machine_has_is_not_believed(odd: dict[str, object]) -> None:
    state = {"is_running": True, "process_id": 7, "restarts": 1, "last_exit": "", **odd}
    with pytest.raises(NodeUnreachable):
        await units_of(lambda _: done(json.dumps({"units": {NAME: state}}))).state(NAME)
