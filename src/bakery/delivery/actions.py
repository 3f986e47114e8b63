"""Carrying out one step of a deployment on its node. Each may be done again after a crash: it finds what is done."""

import asyncio
import time
from dataclasses import dataclass

from bakery.delivery import programs
from bakery.delivery.log import DeploymentLog
from bakery.delivery.look import Deployment
from bakery.delivery.plan import Action, Check, Copy, Plan, Retire, Slot, Start, Switch, Unpack
from bakery.delivery.slots import free_slot, make_live, take_slot
from bakery.model.deployments import SlotState
from bakery.model.errors import BakeryError
from bakery.model.names import Port
from bakery.model.unit import UnitSpec
from bakery.nodes.health import Answer, Unhealthy, ask_app, wait_until_healthy
from bakery.nodes.node import Node
from bakery.store.store import Store

CRASHES_ALLOWED = 3
LINES_SHOWN = 20
_LOOK_AT_UNIT_EVERY = 1.0


class StepFailed(BakeryError):
    """The release did not do what a step needs of it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a deployment waits, in seconds."""

    check: float = 120.0
    drain: float = 30.0


@dataclass(slots=True)
class Work:
    """A deployment in progress. `log_from` is where the app's own log begins for this release."""

    store: Store
    node: Node
    deployment: Deployment
    plan: Plan
    log: DeploymentLog
    patience: Patience
    log_from: int = 0

    async def carry_out(self, action: Action) -> None:
        match action:
            case Unpack():
                await self._unpack(action)
            case Copy():
                await self._copy(action)
            case Start():
                await self._start(action)
            case Check():
                await self._check(action)
            case Switch():
                await self._switch(action)
            case Retire():
                await self._retire(action)

    async def _unpack(self, unpack: Unpack) -> None:
        homes = self.node.homes
        said = await homes.unpack(unpack.place, unpack.number, unpack.archive, for_visitors=unpack.for_visitors)
        self.log.write(said)

    async def _copy(self, copy: Copy) -> None:
        await self.node.homes.copy_release(copy.place, copy.number, copy.earlier)
        self.log.write("Nothing is built: the files are the same, the variables are today's.")

    async def _start(self, start: Start) -> None:
        await self._take(start.slot)
        self.log_from = await self.node.homes.log_size(start.unit.name)
        await self.node.units.start(start.unit)
        self.log.write(f"{start.unit.name} runs on port {start.slot.port}.")

    async def _take(self, slot: Slot) -> None:
        """A live slot is replaced in its place and belongs to the old release until the new one answers."""
        if slot.state is not SlotState.LIVE:
            async with self.store.transaction() as tx:
                await take_slot(tx, self.deployment.environment.id, slot.colour, self.deployment.release.id)

    async def _check(self, check: Check) -> None:
        found = await wait_until_healthy(
            _Asker(self.node, check).ask, deadline=self.patience.check, clock=time.monotonic, sleep=asyncio.sleep
        )
        if isinstance(found, Unhealthy):
            raise StepFailed(
                f"The release did not answer as it should within {self.patience.check:g} s: {found.answer.said}.",
                hint=f"It has to listen on 127.0.0.1, port {check.port}, which it finds in the variable PORT.",
            )
        self.log.write(f"Healthy after {found.seconds:.1f} s: {found.answer.said}.")

    async def _switch(self, switch: Switch) -> None:
        await self._take(switch.slot)
        if self.node.ingress is not None and switch.site is not None:
            await self.node.ingress.apply_site(switch.site)
        environment = self.deployment.environment
        async with self.store.transaction() as tx:
            await make_live(tx, environment.id, switch.slot.colour, self.deployment.release.id)
            if switch.slot.port is None:  # of files nothing runs that would have to end
                await free_slot(tx, environment.id, switch.slot.colour.other)
            tx.publish("apps", f"app:{environment.app}", f"deployment:{self.deployment.id}")
        self.log.write(f"Release #{self.deployment.number} is live on {switch.slot.colour}.")

    async def _retire(self, retire: Retire) -> None:
        environment = self.deployment.environment
        port = retire.slot.port
        left = await programs.wait_for_drain(self.node.transport, port, seconds=self.patience.drain) if port else 0
        if left:
            self.log.write(f"{left} connections were still open after {self.patience.drain:g} s.")
        await self.node.units.remove(environment.premises(self.node).unit(retire.slot.colour))
        async with self.store.transaction() as tx:
            await free_slot(tx, environment.id, retire.slot.colour)
        self.log.write(f"The {retire.slot.colour} slot is free.")

    async def tell_last_lines(self, unit: UnitSpec) -> None:
        """What the app itself said since it was started: it often names the cause."""
        lines = await self.node.homes.last_lines(unit.name, from_byte=self.log_from, count=LINES_SHOWN)
        if lines:
            self.log.write(f"The last lines of the app:\n{chr(10).join('  ' + line for line in lines)}")
        else:
            self.log.write("The app itself wrote nothing.")


@dataclass(slots=True)
class _Asker:
    """Asks the app; and now and then its keeper, because an app that ends at once need not be waited for."""

    node: Node
    check: Check
    looked_at: float = 0.0

    async def ask(self) -> Answer:
        answer = await ask_app(self.node.transport, Port(self.check.port), self.check.path)
        now = time.monotonic()
        if answer.is_well or now - self.looked_at >= _LOOK_AT_UNIT_EVERY:
            self.looked_at = now
            await self._look_at_unit(answer)
        return answer

    async def _look_at_unit(self, answer: Answer) -> None:
        state = await self.node.units.state(self.check.unit.name)
        if state.restarts >= CRASHES_ALLOWED:
            raise StepFailed(
                f"The app ended {state.restarts} times after it was started: it {state.last_exit or 'gave no reason'}.",
                hint="Its last lines are in the log of this step.",
            )
        if answer.is_well and not state.is_running:
            raise StepFailed(
                f"Another program answers on port {self.check.port}; the app itself does not run.",
                hint="End that program, then deploy again.",
            )
