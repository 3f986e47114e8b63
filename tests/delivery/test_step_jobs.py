"""A step's durable job: its log comes into the deployment's once, masked, whatever breaks in between."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import pytest

from bakery.commands.command import Command
from bakery.delivery.history import DeploymentSummary
from bakery.delivery.log import DeploymentLog
from bakery.delivery.planned import Nothing, PlannedStep, StepKey
from bakery.delivery.step_jobs import Begin, run_step_job
from bakery.delivery.steps import begin_step, store_steps
from bakery.helper.names import account_name
from bakery.model.errors import NodeUnreachable
from bakery.model.masking import Masker
from bakery.model.names import AppName, EnvironmentName
from bakery.model.secret import Secret
from bakery.nodes.homes import Place
from bakery.nodes.jobs import Following, JobKey, Jobs, JobSpec, JobState, JobStatus
from bakery.nodes.node import Node
from bakery.store import logs
from tests.delivery.fleet import Fleet, an_app

LINES = b"".join(b"line %d\n" % number for number in range(2000))


class CutJobs(Jobs):
    """Its connection breaks after so many bytes, again and again."""

    def __init__(self, node: Node, every: int) -> None:
        self._inner = node.jobs
        self._every = every
        self.cuts = 0

    @contextlib.asynccontextmanager
    async def followed(self, starting: Command) -> AsyncIterator[Following]:
        async with self._inner.followed(starting) as arriving, contextlib.aclosing(self._cut(arriving)) as cut:
            yield Following(arriving.begun, cut)

    async def follow(self, key: JobKey, from_byte: int) -> AsyncGenerator[bytes, None]:
        following = contextlib.aclosing(self._inner.follow(key, from_byte))
        async with following as arriving, contextlib.aclosing(self._cut(arriving)) as cut:
            async for chunk in cut:
                yield chunk

    async def status(self, key: JobKey) -> JobStatus:
        return await self._inner.status(key)

    async def _cut(self, arriving: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        left = self._every
        async for chunk in arriving:
            yield chunk[:left]
            left -= len(chunk)
            if left < 0:
                self.cuts += 1
                raise NodeUnreachable("The connection was cut.")


@dataclass(frozen=True)
class AStep:
    """A step of a deployment that has begun."""

    fleet: Fleet
    deployment: DeploymentSummary

    def begin(self, script: str) -> Begin:
        account = account_name(self.fleet.node.folders.root, "shop", "production")
        return lambda key: self.fleet.node.jobs.starting(JobSpec(key, ("sh", "-c", script), account))

    async def run(self, script: str, *, jobs: Jobs | None = None, masks: Masker | None = None) -> JobStatus:
        log = DeploymentLog(self.fleet.store, self.deployment.log_stream, masks)
        node_jobs = jobs or self.fleet.node.jobs
        store, id = self.fleet.store, self.deployment.id  # noqa: A001 - of the deployment
        return await run_step_job(store, node_jobs, log, id, StepKey.BUILD, self.begin(script))

    async def log(self) -> bytes:
        return b"".join([piece async for piece in logs.whole(self.fleet.store, self.deployment.log_stream)])


@pytest.fixture
async def step(fleet: Fleet) -> AStep:
    await fleet.make()
    await fleet.node.homes.make(Place(AppName("shop"), EnvironmentName("production")))
    asked = await fleet.request(an_app("one"))
    async with fleet.store.transaction() as tx:
        await store_steps(tx, asked.id, [PlannedStep(StepKey.BUILD, "Build it", Nothing(""))])
    async with fleet.store.transaction() as tx:
        await begin_step(tx, asked.id, StepKey.BUILD, at_byte=0)
    return AStep(fleet, asked)


async def test_its_log_is_the_deployments_and_its_end_is_told(step: AStep) -> None:
    status = await step.run("echo one; echo two >&2; exit 3")
    assert (status.state, status.exit_status) == (JobState.EXITED, 3)
    assert await step.log() == b"one\ntwo\n"


async def test_what_follows_begins_on_a_line_of_its_own(step: AStep) -> None:
    await step.run("printf unfinished")
    assert await step.log() == b"unfinished\n"


async def test_said_again_it_is_neither_run_nor_written_twice(step: AStep) -> None:
    await step.run("echo once")
    status = await step.run("echo never")
    assert status.exit_status == 0
    assert await step.log() == b"once\n"


async def test_a_log_that_is_cut_again_and_again_arrives_once(step: AStep) -> None:
    jobs = CutJobs(step.fleet.node, every=5000)
    while True:
        try:
            status = await step.run("seq -f 'line %.0f' 0 1999", jobs=jobs)
        except NodeUnreachable:
            continue
        break
    assert status.exit_status == 0
    assert jobs.cuts == 3
    assert await step.log() == LINES


async def test_secrets_are_masked_wherever_the_connection_is_cut(step: AStep) -> None:
    jobs = CutJobs(step.fleet.node, every=997)
    masks = Masker([Secret("hunter2-and-more")])
    while True:
        try:
            await step.run("for i in $(seq 300); do echo key hunter2-and-more; done", jobs=jobs, masks=masks)
        except NodeUnreachable:
            continue
        break
    assert jobs.cuts > 1
    assert await step.log() == "key ••••\n".encode() * 300
