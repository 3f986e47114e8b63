"""The real supervisor, with real programs under it."""

import asyncio
import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from bakery.commands.command import command
from bakery.model.names import UnitName
from bakery.model.secret import Secret
from bakery.model.unit import UnitSpec
from bakery.nodes.folders import NodeFolders
from bakery.nodes.local import LocalTransport
from bakery.nodes.supervised_units import SupervisedUnits
from bakery.nodes.supervisor import LONGEST_PAUSE, State, next_pause, read_state, write_state
from bakery.nodes.units import UnitState
from tests.nodes.job_machine import is_alive
from tests.support.waiting import until, wait_until

NAME = UnitName("bakery-shop-production-blue")
needs_root = pytest.mark.lab  # runs wherever the lab does, which is as root


@pytest.fixture
def folders() -> NodeFolders:
    """Open to other users, as a node's folder is, and unlike pytest's own."""
    root = Path(tempfile.mkdtemp(prefix="bakery-node-"))
    root.chmod(0o755)
    for name in ("programs", "units", "logs"):
        (root / name).mkdir()
    return NodeFolders(PurePosixPath(root))


@pytest.fixture
async def units(folders: NodeFolders) -> AsyncIterator[SupervisedUnits]:
    machine = LocalTransport()
    units = SupervisedUnits(machine, folders)
    yield units
    await units.remove(NAME)
    await machine.run(command("rm", "-rf", folders.root))


@pytest.fixture
def a_unit(folders: NodeFolders) -> Callable[[str], UnitSpec]:
    def make(script: str) -> UnitSpec:
        return UnitSpec(
            name=NAME,
            argv=("/bin/sh", "-c", script),
            folder=folders.root,
            log_file=folders.unit_log(NAME),
            environment={"GREETING": Secret('it\'s $5 & "more"\n')},
            stop_seconds=1,
        )

    return make


SLEEP = "exec sleep 300"


async def test_a_unit_runs_in_its_folder_with_its_environment_and_logs_to_its_file(
    units: SupervisedUnits, a_unit: Callable[[str], UnitSpec], folders: NodeFolders
) -> None:
    await units.start(a_unit('pwd; printf %s "$GREETING" >&2; ' + SLEEP))
    expected = f'{folders.root}\nit\'s $5 & "more"\n'
    await until(lambda: reads(folders.unit_log(NAME), expected), what="the log")


async def test_starting_what_runs_changes_nothing(units: SupervisedUnits, a_unit: Callable[[str], UnitSpec]) -> None:
    await units.start(a_unit(SLEEP))
    first = await running(units)
    await units.start(a_unit(SLEEP))
    assert await units.state(NAME) == first


async def test_a_unit_described_otherwise_replaces_the_one_that_runs(
    units: SupervisedUnits, a_unit: Callable[[str], UnitSpec]
) -> None:
    await units.start(a_unit(SLEEP))
    first = await running(units)
    await units.start(replace(a_unit(SLEEP), environment={"GREETING": Secret("hello")}))
    second = await running(units)
    assert second.process_id != first.process_id
    assert not is_alive(process_of(first))


async def test_a_killed_program_starts_again(units: SupervisedUnits, a_unit: Callable[[str], UnitSpec]) -> None:
    await units.start(a_unit(SLEEP))
    first = await running(units)
    os.kill(process_of(first), signal.SIGKILL)
    await until(lambda: is_again(units, first), what="the second start")
    again = await units.state(NAME)
    assert (again.restarts, again.last_exit) == (1, "ended by SIGKILL")


async def test_a_program_that_cannot_start_is_tried_again_and_said(
    units: SupervisedUnits, a_unit: Callable[[str], UnitSpec]
) -> None:
    await units.start(replace(a_unit(""), argv=("/no/such/program",)))
    await until(lambda: has_restarted(units), what="the second try")
    state = await units.state(NAME)
    assert not state.is_running
    assert state.last_exit == "could not start: [Errno 2] No such file or directory: '/no/such/program'"


async def test_stopping_ends_the_whole_group_by_force_when_it_must(
    units: SupervisedUnits, a_unit: Callable[[str], UnitSpec], folders: NodeFolders
) -> None:
    await units.start(a_unit("trap '' TERM; sh -c 'trap \"\" TERM; echo $$; sleep 300'; sleep 300"))
    await until(lambda: has_text(folders.unit_log(NAME)), what="the grandchild's start")
    grandchild = int(Path(folders.unit_log(NAME)).read_text())  # noqa: ASYNC240 - a test
    await units.stop(NAME)
    assert await units.state(NAME) == UnitState(is_running=False, last_exit="ended by SIGKILL")
    wait_until(lambda: not is_alive(grandchild), what="the grandchild's end")


async def test_a_stopped_program_may_finish_what_it_does(
    units: SupervisedUnits, a_unit: Callable[[str], UnitSpec], folders: NodeFolders
) -> None:
    await units.start(a_unit("trap 'echo done; exit 0' TERM; echo ready; sleep 300 & wait"))
    await until(lambda: reads(folders.unit_log(NAME), "ready\n"), what="the start")
    await units.stop(NAME)
    assert await LocalTransport().get(folders.unit_log(NAME)) == b"ready\ndone\n"
    assert (await units.state(NAME)).last_exit == "ended with status 0"


async def test_stopping_and_removing_what_is_not_there_is_harmless(units: SupervisedUnits) -> None:
    await units.stop(NAME)
    await units.remove(NAME)
    assert await units.state(NAME) == UnitState(is_running=False)


async def test_a_removed_unit_leaves_only_its_log(
    units: SupervisedUnits, a_unit: Callable[[str], UnitSpec], folders: NodeFolders
) -> None:
    await units.start(a_unit("echo hello; " + SLEEP))
    await until(lambda: reads(folders.unit_log(NAME), "hello\n"), what="the log")
    await units.remove(NAME)
    assert await LocalTransport().names_in(folders.units) == ()
    assert await reads(folders.unit_log(NAME), "hello\n")


async def test_what_a_unit_runs_with_is_readable_only_by_us(
    units: SupervisedUnits, a_unit: Callable[[str], UnitSpec], folders: NodeFolders
) -> None:
    await units.start(a_unit(SLEEP))
    shown = await LocalTransport().run(
        command("stat", "--format=%a", folders.units / NAME, folders.units / NAME / "spec.json")
    )
    assert shown.output == "700\n600\n"


async def test_a_program_outlives_its_supervisor_and_is_then_replaced(
    units: SupervisedUnits, a_unit: Callable[[str], UnitSpec], folders: NodeFolders
) -> None:
    await units.start(a_unit(SLEEP))
    first = await running(units)
    os.kill(int(await LocalTransport().get(folders.units / NAME / "lock") or b"0"), signal.SIGKILL)
    assert is_alive(process_of(first))
    await until(lambda: starts_another(units, a_unit(SLEEP), first), what="another program")
    assert not is_alive(process_of(first))


def test_a_unit_outlives_the_process_that_started_it(folders: NodeFolders) -> None:
    starter = f"""
import asyncio
from pathlib import PurePosixPath
from bakery.model.names import UnitName
from bakery.model.unit import UnitSpec
from bakery.nodes.folders import NodeFolders
from bakery.nodes.local import LocalTransport
from bakery.nodes.supervised_units import SupervisedUnits
folders = NodeFolders(PurePosixPath({str(folders.root)!r}))
name = UnitName({NAME!r})
unit = UnitSpec(name=name, argv=("/bin/sleep", "300"), folder=folders.root, log_file=folders.unit_log(name))
asyncio.run(SupervisedUnits(LocalTransport(), folders).start(unit))
"""
    subprocess.run([sys.executable, "-c", starter], check=True, start_new_session=True, timeout=30)
    units = SupervisedUnits(LocalTransport(), folders)
    assert asyncio.run(running(units)).is_running
    asyncio.run(units.remove(NAME))


@needs_root
async def test_as_root_a_unit_becomes_its_account_and_can_gain_nothing(
    units: SupervisedUnits, a_unit: Callable[[str], UnitSpec], folders: NodeFolders
) -> None:
    nobody = pwd.getpwnam("nobody")
    script = "grep -E '^(Uid|Gid|Groups|NoNewPrivs|SigBlk):' /proc/self/status; echo end; " + SLEEP
    await units.start(replace(a_unit(script), account="nobody"))
    await until(lambda: has_text(folders.unit_log(NAME), "end\n"), what="the log")
    shown = (await LocalTransport().get(folders.unit_log(NAME)) or b"").decode()
    words = {line.partition(":")[0]: line.partition(":")[2].split() for line in shown.splitlines()[:-1]}
    assert set(words["Uid"]) == {str(nobody.pw_uid)}
    assert set(words["Gid"]) == set(words["Groups"]) == {str(nobody.pw_gid)}
    assert words["NoNewPrivs"] == ["1"]
    assert words["SigBlk"] == ["0" * 16]


def test_pauses_between_starts_grow_and_begin_anew_after_a_steady_run() -> None:
    pauses = [0.0]
    for _ in range(7):
        pauses.append(next_pause(pauses[-1], ran_for=0.1))
    assert pauses[1:] == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE]
    assert next_pause(LONGEST_PAUSE, ran_for=31) == 1


async def running(units: SupervisedUnits) -> UnitState:
    await until(lambda: _runs(units), what="the start")
    return await units.state(NAME)


async def _runs(units: SupervisedUnits) -> bool:
    return (await units.state(NAME)).is_running


async def is_again(units: SupervisedUnits, first: UnitState) -> bool:
    state = await units.state(NAME)
    return state.is_running and state.process_id != first.process_id


async def has_restarted(units: SupervisedUnits) -> bool:
    return (await units.state(NAME)).restarts >= 1


async def starts_another(units: SupervisedUnits, unit: UnitSpec, first: UnitState) -> bool:
    await units.start(unit)
    return await is_again(units, first)


async def reads(path: PurePosixPath, text: str) -> bool:
    return await LocalTransport().get(path) == text.encode()


async def has_text(path: PurePosixPath, ending: str = "\n") -> bool:
    return (await LocalTransport().get(path) or b"").endswith(ending.encode())


def process_of(state: UnitState) -> int:
    assert state.process_id is not None
    return state.process_id


def test_a_state_that_was_cut_short_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"child": 12')
    assert read_state(tmp_path) == State(child=None, child_began=None, starts=0, last_exit="")


def test_a_state_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    write_state(tmp_path / "full", State(child=1, child_began="1", starts=1, last_exit=""))
    assert not (tmp_path / "full").exists()
