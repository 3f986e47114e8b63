"""A deployment in progress: what its steps need to do their part."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bakery.delivery.log import DeploymentLog
from bakery.delivery.look import Deployment, look_at_deployment
from bakery.delivery.ownership import expect_ours, require_ours
from bakery.delivery.plan import plan_deployment
from bakery.delivery.planned import Plan
from bakery.delivery.premises import Program
from bakery.delivery.proof import Proof
from bakery.delivery.recipe import Recipe
from bakery.model.errors import BakeryError, NotFound
from bakery.model.terms import USUAL, Said, Terms
from bakery.nodes.disk import Space
from bakery.nodes.node import Node
from bakery.store.queue import Queue
from bakery.store.store import Store
from bakery.store.transaction import Transaction


class StepFailed(BakeryError):
    """The release did not do what a step needs of it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a deployment waits, in seconds. What may be said of an app is here where nobody says it."""

    check: float = 120.0
    steady: float = 3.0  # a process beside the one with the port has to run without an end
    drain: float = 30.0
    warm: float = 600.0  # the old slot runs on, to come back to
    bake: float = 300.0  # the new release is taken back when it does worse
    away: float = 300.0  # for a node that does not answer
    job: int = 3600  # for a build, or a suite of tests

    @property
    def usual(self) -> Said:
        return replace(USUAL, drain=self.drain, warm=self.warm, bake=self.bake)


@dataclass(slots=True)
class Work:
    """`log_from` is where the app's own log begins for this release, `runs` what was seen to run just now."""

    store: Store
    queue: Queue
    node: Node
    deployment: Deployment
    plan: Plan
    log: DeploymentLog
    patience: Patience
    log_from: int = 0
    runs: Program | None = None
    proof: Proof | None = None  # while traffic is being switched
    space: asyncio.Task[Space] | None = None  # asked for while rows are written
    at_fault: Program | None = None  # which program failed, if not the one with the port
    is_left: bool = False  # what was begun could not be taken away

    @property
    def terms(self) -> Terms:
        return self.deployment.release.terms(self.patience.usual)

    @property
    def unsettled(self) -> Queue | None:
        """What could not be undone is settled by the queue."""
        return self.queue if self.is_left else None

    async def expect_ours(self) -> None:
        """Raises TakenOver when another process goes on with the deployment."""
        await expect_ours(self.store, self.deployment.id, self.deployment.generation)

    @asynccontextmanager
    async def owned(self) -> AsyncIterator[Transaction]:
        """A change that nobody makes who was taken over."""
        async with self.store.transaction() as tx:
            await require_ours(tx, self.deployment.id, self.deployment.generation)
            yield tx

    def plan_with(self, recipe: Recipe) -> None:
        """A step found out what it is, which decides what comes after it."""
        release = replace(self.deployment.release, recipe=recipe)
        self.deployment = replace(self.deployment, release=release)
        self.plan = plan_deployment(self.deployment.wanted(self.node))

    async def plan_anew(self) -> None:
        """A step found something out that decides what comes after it."""
        now = await look_at_deployment(self.store, self.deployment.id)
        if now is None:
            raise NotFound("The deployment is gone.")
        self.deployment = replace(now, generation=self.deployment.generation)  # whoever took it up since has another
        self.plan = plan_deployment(self.deployment.wanted(self.node))
