from pathlib import PurePosixPath

import pytest

from bakery.commands.command import Command
from bakery.model.names import UnitName
from bakery.model.secret import Secret
from bakery.model.unit import UnitSpec
from bakery.nodes.folders import NodeFolders
from bakery.nodes.systemd_units import SystemdUnits, read_state
from bakery.nodes.transport import Finished
from bakery.nodes.units import UnitState
from tests.nodes.memory import MemoryTransport, done

NAME = UnitName("bakery-shop-production-blue")
FOLDERS = NodeFolders(PurePosixPath("/var/lib/bakery/node"))
UNIT_FILE = PurePosixPath("/etc/systemd/system/bakery-shop-production-blue.service")
ENVIRONMENT_FILE = PurePosixPath("/var/lib/bakery/node/units/bakery-shop-production-blue.env")
SHOW = (
    "systemctl show --property=ActiveState,MainPID,NRestarts,ExecMainCode,ExecMainStatus"
    " -- bakery-shop-production-blue.service"
)
START = [
    "systemctl daemon-reload",
    "systemctl enable -- bakery-shop-production-blue.service",
    "systemctl start -- bakery-shop-production-blue.service",
]
STOP = [
    "systemctl disable -- bakery-shop-production-blue.service",
    "systemctl stop -- bakery-shop-production-blue.service",
]


def a_unit(value: str = "hush") -> UnitSpec:
    return UnitSpec(
        name=NAME,
        argv=("/bin/true",),
        folder=PurePosixPath("/srv"),
        log_file=FOLDERS.unit_log(NAME),
        environment={"TOKEN": Secret(value)},
    )


def running(command: Command) -> Finished:
    return done("ActiveState=active\nMainPID=7\n" if "show" in command.argv else "")


async def test_a_unit_is_written_enabled_and_started() -> None:
    machine = MemoryTransport()
    await SystemdUnits(machine, FOLDERS).start(a_unit())
    assert machine.told == START
    assert machine.files[ENVIRONMENT_FILE] == b'TOKEN="hush"\n'
    assert machine.modes[ENVIRONMENT_FILE] == 0o600
    assert b"hush" not in machine.files[UNIT_FILE]


async def test_a_unit_that_runs_as_described_is_left_alone() -> None:
    machine = MemoryTransport(running)
    await SystemdUnits(machine, FOLDERS).start(a_unit())
    machine.told.clear()
    await SystemdUnits(machine, FOLDERS).start(a_unit())
    assert machine.told == [SHOW]


async def test_a_unit_described_otherwise_is_stopped_before_it_is_written() -> None:
    machine = MemoryTransport(running)
    await SystemdUnits(machine, FOLDERS).start(a_unit())
    machine.told.clear()
    await SystemdUnits(machine, FOLDERS).start(a_unit("other"))
    assert machine.told == [*STOP, *START]


async def test_a_removed_unit_leaves_no_file() -> None:
    machine = MemoryTransport()
    units = SystemdUnits(machine, FOLDERS)
    await units.start(a_unit())
    machine.told.clear()
    await units.remove(NAME)
    await units.remove(NAME)
    assert machine.told == [*STOP, "systemctl daemon-reload"]
    assert machine.files == {}


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        (
            "ActiveState=active\nMainPID=7\nNRestarts=2\nExecMainCode=0\nExecMainStatus=0\n",
            UnitState(is_running=True, process_id=7, restarts=2),
        ),
        (
            "ActiveState=activating\nMainPID=0\nNRestarts=5\nExecMainCode=1\nExecMainStatus=3\n",
            UnitState(is_running=False, restarts=5, last_exit="ended with status 3"),
        ),
        (
            "ActiveState=failed\nMainPID=0\nNRestarts=0\nExecMainCode=2\nExecMainStatus=9\n",
            UnitState(is_running=False, last_exit="ended by SIGKILL"),
        ),
        ("ActiveState=inactive\nMainPID=0\nExecMainCode=0\nExecMainStatus=0\n", UnitState(is_running=False)),
    ],
)
def test_what_systemd_shows_is_read(shown: str, state: UnitState) -> None:
    assert read_state(shown) == state
