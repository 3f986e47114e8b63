"""The verbs of jobs over a transport, with the real helper; and answers that a node should not give."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from bakery.model.errors import BadInput, CommandFailed, NodeUnreachable
from bakery.model.secret import Secret
from bakery.nodes.folders import NodeFolders
from bakery.nodes.jobs import JobKey, JobLimits, Jobs, JobSpec, JobState, JobStatus, install_helper, new_job_key
from bakery.nodes.local import LocalTransport
from tests.nodes.job_machine import PYTHON, JobMachine, job_machine


@pytest.fixture
def machine() -> Iterator[JobMachine]:
    with job_machine(as_root=os.geteuid() == 0) as machine:
        yield machine


@pytest.fixture
def jobs(machine: JobMachine) -> Jobs:
    return Jobs(LocalTransport(), machine.program)


def a_job(machine: JobMachine, script: str) -> JobSpec:
    return JobSpec(key=new_job_key(), argv=("sh", "-c", script), account=machine.account)


async def test_a_job_is_started_followed_and_forgotten(machine: JobMachine, jobs: Jobs) -> None:
    spec = replace(
        a_job(machine, 'read -r word; pwd; echo "$word $GREETING"; exit 3'),
        folder=PurePosixPath("/usr"),
        environment={"GREETING": Secret("it's me")},
        stdin=Secret("hello\n"),
    )
    begun = await jobs.start(spec)
    assert begun.state in {JobState.RUNNING, JobState.EXITED}
    assert b"".join([chunk async for chunk in jobs.follow(spec.key, 0)]) == b"/usr\nhello it's me\n"
    assert await jobs.status(spec.key) == JobStatus(JobState.EXITED, 3, "ended with status 3", 19)
    assert await jobs.list() == {spec.key: JobState.EXITED}
    await jobs.remove(spec.key)
    await jobs.remove(spec.key)
    assert await jobs.list() == {}
    assert await jobs.status(spec.key) == JobStatus(JobState.UNKNOWN)


async def test_starting_and_following_is_one_command(machine: JobMachine, jobs: Jobs) -> None:
    async with jobs.start_and_follow(a_job(machine, "sleep 0.3; printf 'one\ntwo'")) as following:
        assert following.begun.state is JobState.RUNNING
        assert b"".join([chunk async for chunk in following]) == b"one\ntwo"


async def test_started_again_a_job_that_is_over_brings_its_log(machine: JobMachine, jobs: Jobs) -> None:
    spec = a_job(machine, "echo once")
    for _ in range(2):
        async with jobs.start_and_follow(spec) as following:
            assert b"".join([chunk async for chunk in following]) == b"once\n"
    assert following.begun == JobStatus(JobState.EXITED, 0, "", 5)


async def test_who_stops_following_leaves_the_job_alone(machine: JobMachine, jobs: Jobs, tmp_path: Path) -> None:
    spec = a_job(machine, "echo begun; sleep 0.5; echo over")
    async with jobs.start_and_follow(spec) as following:
        assert await anext(following) == b"begun\n"
    async with contextlib.aclosing(jobs.follow(spec.key, 3)) as log:
        assert await anext(log) == b"un\n"
    assert b"".join([chunk async for chunk in jobs.follow(spec.key, 6)]) == b"over\n"


async def test_what_is_cancelled_leaves_nothing_running(machine: JobMachine, jobs: Jobs) -> None:
    spec = a_job(machine, "sleep 300 & sleep 300")
    await jobs.start(spec)
    assert await jobs.cancel(spec.key) == JobStatus(JobState.CANCELLED, -15, "was cancelled", 0)
    assert await jobs.cancel(spec.key) == JobStatus(JobState.CANCELLED, -15, "was cancelled", 0)


async def test_limits_reach_the_job(machine: JobMachine, jobs: Jobs) -> None:
    spec = replace(a_job(machine, "echo 0123456789; sleep 300"), limits=JobLimits(seconds=1, log_bytes=4))
    async with jobs.start_and_follow(spec) as following:
        assert b"".join([chunk async for chunk in following]) == (
            b"0123\n[Bakery: the log was longer than 4 bytes; 7 bytes were left out here.]\n"
        )
    assert (await jobs.status(spec.key)).state is JobState.TIMED_OUT


async def test_a_running_job_is_not_removed(machine: JobMachine, jobs: Jobs) -> None:
    spec = a_job(machine, "sleep 300")
    await jobs.start(spec)
    with pytest.raises(CommandFailed, match=r"The job still runs\. Cancel it first\."):
        await jobs.remove(spec.key)


async def test_what_the_helper_refuses_is_told(machine: JobMachine, jobs: Jobs) -> None:
    spec = replace(a_job(machine, "true"), limits=JobLimits(seconds=0))
    with pytest.raises(CommandFailed, match="seconds has to be a whole number from 1 to 2592000"):
        await jobs.start(spec)
    with pytest.raises(CommandFailed, match="seconds has to be a whole number from 1 to 2592000"):
        async with jobs.start_and_follow(spec):
            pass
    with pytest.raises(CommandFailed, match="There is no such job"):
        await anext(jobs.follow(spec.key, 0))


async def test_a_flood_is_read_at_the_pace_of_its_reader(machine: JobMachine, jobs: Jobs) -> None:
    spec = a_job(machine, "head -c 50000000 /dev/zero")
    length = 0
    async with jobs.start_and_follow(spec) as following:
        async for chunk in following:
            length += len(chunk)
    assert length == 50_000_000


def test_a_job_is_named_by_chance_and_shows_no_secret() -> None:
    assert new_job_key() != new_job_key()
    spec = JobSpec(key=new_job_key(), argv=("true",), environment={"TOKEN": Secret("hush")}, stdin=Secret("hush"))
    assert "hush" not in repr(spec)
    with pytest.raises(BadInput, match="NUL"):
        JobSpec(key=new_job_key(), argv=("a\0b",))


async def test_the_helper_of_this_machine_is_put_into_our_own_folder(tmp_path: Path) -> None:
    folders = NodeFolders(PurePosixPath(tmp_path))
    program = await install_helper(LocalTransport(python=str(PYTHON)), folders)
    assert program == (str(PYTHON), "-I", "-S", f"{tmp_path}/programs/helper", "--root", str(tmp_path))
    written = (tmp_path / "programs" / "helper").stat()
    assert await install_helper(LocalTransport(python=str(PYTHON)), folders) == program
    assert (tmp_path / "programs" / "helper").stat().st_mtime_ns == written.st_mtime_ns
    assert await Jobs(LocalTransport(), program).list() == {}


HOSTILE = [
    "",
    "hello",
    "{}",
    "[]",
    "\x1b]0;title\x07",
    '{"state": "happy", "exit_status": null, "reason": "", "log_bytes": 0}',
    '{"state": "exited", "exit_status": "0", "reason": "", "log_bytes": 0}',
    '{"state": "exited", "exit_status": 0, "reason": null, "log_bytes": 0}',
    '{"state": "exited", "exit_status": 0, "reason": "", "log_bytes": 0, "more": 1}',
    '{"state": "exited", "exit_status": 0, "reason": "", "log_bytes": 0} and more',
    "[" * 100_000,
]


@pytest.mark.parametrize("said", HOSTILE)
async def test_a_node_that_answers_otherwise_is_told_by_what_it_said(said: str, tmp_path: Path) -> None:
    (tmp_path / "said").write_text(said)
    jobs = Jobs(LocalTransport(), ("sh", "-c", f"cat {tmp_path}/said"))
    for verb in (jobs.status(KEY), jobs.cancel(KEY), jobs.start(JobSpec(key=KEY, argv=("true",)))):
        with pytest.raises(NodeUnreachable) as failed:
            await verb
        assert failed.value.hint == f"It said: {said[:200]}"


@pytest.mark.parametrize("said", [*HOSTILE, '{"jobs": {"../etc": "exited"}}', '{"jobs": {"x": 1}}', '{"jobs": []}'])
async def test_a_list_of_other_things_than_jobs_is_not_believed(said: str, tmp_path: Path) -> None:
    (tmp_path / "said").write_text(said)
    with pytest.raises(NodeUnreachable):
        await Jobs(LocalTransport(), ("sh", "-c", f"cat {tmp_path}/said")).list()


async def test_a_first_line_that_does_not_end_is_not_waited_for() -> None:
    jobs = Jobs(LocalTransport(), ("sh", "-c", "yes | tr -d '\\n'"))
    async with asyncio.timeout(10):
        with pytest.raises(NodeUnreachable):
            async with jobs.start_and_follow(JobSpec(key=KEY, argv=("true",))):
                pass


KEY = JobKey("j0123456789abcdef01234567")
