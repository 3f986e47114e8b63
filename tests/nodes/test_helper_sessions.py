"""The helper is started once for many calls, and each finds all as if it had been started for it alone."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

import pytest

from bakery.commands.command import Command, command
from bakery.model.errors import CommandFailed
from bakery.model.secret import Secret
from bakery.nodes.folders import NodeFolders
from bakery.nodes.helper_sessions import HelperSessions
from bakery.nodes.jobs import Jobs, JobSpec, JobState, install_helper, new_job_key
from bakery.nodes.local import LocalTransport
from bakery.nodes.transport import Finished, Running
from tests.support.waiting import wait_until

UNIT = "bakery-shop-production-blue"


class Counting(LocalTransport):
    """Counts what it starts."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []

    async def run(self, command: Command) -> Finished:
        self.begun.append(command.argv[-1])
        return await super().run(command)

    @asynccontextmanager
    async def open(self, command: Command) -> AsyncIterator[Running]:  # type: ignore[override]  # a part of what it may give
        self.begun.append(command.argv[-1])
        async with super().open(command) as running:
            yield running


@pytest.fixture
def machine() -> Counting:
    return Counting()


@pytest.fixture
async def program(tmp_path: Path) -> tuple[str, ...]:
    return await install_helper(LocalTransport(), NodeFolders(PurePosixPath(tmp_path / "node")))


@pytest.fixture
async def sessions(machine: Counting, program: tuple[str, ...]) -> AsyncIterator[HelperSessions]:
    sessions = HelperSessions(machine, program)
    yield sessions
    await sessions.close()


async def test_calls_one_after_the_other_need_one_start(
    machine: Counting, program: tuple[str, ...], sessions: HelperSessions
) -> None:
    for _ in range(5):
        assert (await sessions.run(command(*program, "log-size", UNIT))).output == '{"bytes": 0, "from": 0}\n'
    assert machine.begun == ["session"]


async def test_calls_at_the_same_time_do_not_wait_for_each_other(
    machine: Counting, program: tuple[str, ...], sessions: HelperSessions
) -> None:
    found = await asyncio.gather(*(sessions.run(command(*program, "log-size", UNIT)) for _ in range(4)))
    assert {finished.output for finished in found} == {'{"bytes": 0, "from": 0}\n'}
    assert machine.begun == ["session"] * 4


async def test_what_comes_again_and_again_at_the_same_time_needs_no_further_start(
    machine: Counting, program: tuple[str, ...], sessions: HelperSessions
) -> None:
    for _ in range(4):
        await asyncio.gather(*(sessions.run(command(*program, "log-size", UNIT)) for _ in range(3)))
    assert machine.begun == ["session"] * 3


async def test_of_those_that_are_kept_one_makes_room_for_a_command_of_another_kind(
    machine: Counting, program: tuple[str, ...], sessions: HelperSessions
) -> None:
    await asyncio.gather(*(sessions.run(command(*program, "log-size", UNIT)) for _ in range(3)))
    assert (await sessions.run(command("echo", "flour"))).succeeded
    assert await sessions.get(PurePosixPath("/nowhere")) is None
    await asyncio.to_thread(
        wait_until, lambda: len(processes_with(f"{program[5]}\0session")) == 1, what="one session is left"
    )
    assert (await sessions.run(command(*program, "log-size", UNIT))).succeeded
    assert machine.begun == ["session"] * 3 + ["flour"]


@pytest.mark.parametrize(
    "words",
    [("log-size", UNIT), ("log-size", "no unit"), ("no-verb",), ("job-status", "j" + "0" * 24), ("version",)],
)
async def test_a_call_ends_as_if_the_helper_had_been_started_for_it(
    words: tuple[str, ...], machine: Counting, program: tuple[str, ...], sessions: HelperSessions
) -> None:
    call = command(*program, *words)
    assert await sessions.run(call) == await LocalTransport().run(call)
    assert machine.begun == ["session"]


async def test_a_verb_reads_what_it_is_told_and_not_the_next_call(
    program: tuple[str, ...], sessions: HelperSessions
) -> None:
    told = Secret("{" + " " * 300_000 + "\n")
    finished = await sessions.run(command(*program, "container-start", UNIT, stdin=told))
    assert finished == Finished(1, "", "The container is not described in JSON.\n")
    assert (await sessions.run(command(*program, "log-size", UNIT))).succeeded


async def test_a_word_that_no_argument_could_be_is_refused(program: tuple[str, ...]) -> None:
    """One with a NUL would pass for two."""
    call = Secret(json.dumps({"words": ["log-read", f"{UNIT}\0" + "0"], "told": 0}) + "\n")
    finished = await LocalTransport().run(command(*program, "session", stdin=call))
    assert finished == Finished(1, "", "words has to be a list of texts.\n")


async def test_other_commands_pass(machine: Counting, sessions: HelperSessions) -> None:
    assert (await sessions.run(command("echo", "bread"))).output == "bread\n"
    assert machine.begun == ["bread"]


async def test_what_a_verb_writes_comes_while_it_works_and_leaving_ends_the_verb(
    program: tuple[str, ...], sessions: HelperSessions
) -> None:
    key, jobs = new_job_key(), Jobs(sessions, program)
    spec = JobSpec(key=key, argv=("/bin/sh", "-c", "echo rising; exec sleep 60"))
    async with jobs.start_and_follow(spec) as following:
        assert following.begun.state is JobState.RUNNING
        assert await anext(following) == b"rising\n"
    assert (await jobs.status(key)).state is JobState.RUNNING
    await jobs.cancel(key)
    assert len(processes_with(f"{program[5]}\0session")) == 1


async def test_a_call_that_takes_too_long_is_ended(program: tuple[str, ...], sessions: HelperSessions) -> None:
    key, jobs = new_job_key(), Jobs(sessions, program)
    await jobs.start(JobSpec(key=key, argv=("/bin/sleep", "60")))
    with pytest.raises(CommandFailed, match=r"did not end within 0\.2 s"):
        await sessions.run(command(*program, "job-follow", key, "0", timeout=0.2))
    assert (await jobs.status(key)).state is JobState.RUNNING
    await jobs.cancel(key)


async def test_a_session_that_was_killed_is_no_harm_to_the_next_call(
    machine: Counting, program: tuple[str, ...], sessions: HelperSessions
) -> None:
    await sessions.run(command(*program, "log-size", UNIT))
    for pid in processes_with(f"{program[3]}\0--root\0{program[5]}\0session"):
        os.kill(pid, signal.SIGKILL)
    assert (await sessions.run(command(*program, "log-size", UNIT))).succeeded
    assert machine.begun == ["session", "session"]


async def test_nothing_runs_when_nobody_called_for_a_while(machine: Counting, program: tuple[str, ...]) -> None:
    sessions = HelperSessions(machine, program, kept_for=0.01)
    await sessions.run(command(*program, "log-size", UNIT))
    await asyncio.to_thread(
        wait_until, lambda: processes_with(f"{program[5]}\0session") == [], what="the session is over"
    )


async def test_whoever_is_cancelled_does_not_wait_for_a_machine_that_does_not_answer(program: tuple[str, ...]) -> None:
    reached = asyncio.Event()

    class Silent(LocalTransport):
        @asynccontextmanager
        async def open(self, command: Command) -> AsyncIterator[Running]:  # type: ignore[override]  # as above
            reached.set()
            await asyncio.Event().wait()
            async with super().open(command) as running:
                yield running

    calling = asyncio.create_task(HelperSessions(Silent(), program).run(command(*program, "log-size", UNIT)))
    async with asyncio.timeout(5):
        await reached.wait()
        calling.cancel()
        await asyncio.wait({calling})
    assert calling.cancelled()


async def test_a_helper_that_knows_no_sessions_is_started_for_each_call(machine: Counting, tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.write_text('#!/bin/sh\n[ "$1" != session ] || { echo There is no such verb. >&2; exit 1; }\necho "did $1"\n')
    older.chmod(0o755)
    sessions = HelperSessions(machine, (str(older),))
    assert (await sessions.run(command(older, "log-size"))).output == "did log-size\n"
    assert (await sessions.run(command(older, "log-size"))).output == "did log-size\n"
    assert machine.begun == ["session", "log-size", "log-size"]


def processes_with(words: str) -> list[int]:
    """Whose command line holds them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if words.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
