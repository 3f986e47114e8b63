"""Commands that somebody watches, with the real helper."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from bakery.model.errors import CommandFailed, TooMany
from bakery.model.secret import Secret
from bakery.nodes.helper_calls import Helper
from bakery.nodes.jobs import JobLimits, JobSpec, new_job_key
from bakery.nodes.live_runs import Conversation, Ended, LiveRuns, Said, Window, Written
from bakery.nodes.local import LocalTransport
from tests.nodes.job_machine import JobMachine, job_machine
from tests.support.waiting import wait_until


@pytest.fixture
def machine() -> Iterator[JobMachine]:
    with job_machine(as_root=os.geteuid() == 0) as machine:
        yield machine


@pytest.fixture
def runs(machine: JobMachine) -> LiveRuns:
    transport = LocalTransport()
    return LiveRuns(transport, Helper(transport, machine.program))


def a_run(machine: JobMachine, script: str) -> JobSpec:
    return JobSpec(key=new_job_key(), argv=("sh", "-c", script), account=machine.account)


async def heard(hearing: AsyncIterator[Written | Ended]) -> tuple[bytes, bytes, Ended]:
    written: dict[Said, bytes] = {Said.OUTPUT: b"", Said.ERRORS: b""}
    async for said in hearing:
        if isinstance(said, Ended):
            return written[Said.OUTPUT], written[Said.ERRORS], said
        written[said.where] += said.data
    raise AssertionError("it has no end")


async def tell_all(talk: Conversation, what: bytes) -> None:
    await talk.write(what)
    await talk.end_input()


async def test_a_command_reads_its_input_and_its_output_is_apart_from_its_complaints(
    machine: JobMachine, runs: LiveRuns
) -> None:
    spec = a_run(machine, 'echo hello >&2; cat; echo "$GREETING"; exit 3')
    async with runs.program(replace(spec, environment={"GREETING": Secret("it's me")}), None) as talk:
        hearing = talk.hear()
        assert await anext(hearing) == Written(Said.ERRORS, b"hello\n")
        telling = asyncio.create_task(tell_all(talk, b"x" * 300_000))  # it writes before it has read all
        output, errors, end = await heard(hearing)
        await telling
    assert (output, errors) == (b"x" * 300_000 + b"it's me\n", b"")
    assert end == Ended(3, "ended with status 3")


async def test_a_command_that_does_not_read_is_told_only_so_much(machine: JobMachine, runs: LiveRuns) -> None:
    async with runs.program(a_run(machine, "sleep 60"), None) as talk:
        told = [asyncio.ensure_future(talk.write(b"x" * 64 * 1024)) for _ in range(40)]
        refused, _ = await asyncio.wait(told, timeout=1, return_when=asyncio.FIRST_EXCEPTION)
        assert any(isinstance(one.exception(), TooMany) for one in refused)
        for one in told:
            one.cancel()
        await asyncio.gather(*told, return_exceptions=True)


async def test_with_a_terminal_it_knows_its_size_and_control_c_is_a_signal(machine: JobMachine, runs: LiveRuns) -> None:
    spec = a_run(machine, "trap 'echo caught; stty size; exit 4' INT; stty size; while :; do sleep 0.05; done")
    async with runs.program(spec, Window(90, 30)) as talk:
        hearing = talk.hear()
        assert await anext(hearing) == Written(Said.OUTPUT, b"30 90\r\n")
        await talk.resize(Window(120, 40))
        await talk.write(b"\x03")
        output, _, end = await heard(hearing)
    assert output == b"^Ccaught\r\n40 120\r\n"
    assert end.exit_status == 4


async def test_who_goes_away_ends_it_with_all_that_came_of_it(machine: JobMachine, runs: LiveRuns) -> None:
    async with runs.program(a_run(machine, "setsid sleep 4718 & echo begun; sleep 4718"), None) as talk:
        assert await anext(talk.hear()) == Written(Said.OUTPUT, b"begun\n")

    def is_gone() -> bool:
        return subprocess.run(["pgrep", "-f", "sleep 4718"], check=False, stdout=subprocess.DEVNULL).returncode == 1

    await asyncio.to_thread(wait_until, is_gone, what="nothing of it is left", seconds=10)


async def test_one_that_takes_too_long_is_ended_and_says_so(machine: JobMachine, runs: LiveRuns) -> None:
    async with runs.program(replace(a_run(machine, "sleep 60"), limits=JobLimits(seconds=1)), None) as talk:
        *_, end = await heard(talk.hear())
    assert end == Ended(-15, "did not end within 1 s and was stopped")


async def test_what_cannot_start_and_what_the_node_refuses_say_why(machine: JobMachine, runs: LiveRuns) -> None:
    async with runs.program(replace(a_run(machine, ""), argv=("/no/such",)), None) as talk:
        _, errors, end = await heard(talk.hear())
    assert errors == b"could not start /no/such: No such file or directory\n"
    assert end.exit_status == 127
    with pytest.raises(CommandFailed, match="terminal has to be a list of columns and rows"):
        async with runs.program(a_run(machine, "true"), Window(0, 30)) as talk:
            await heard(talk.hear())
