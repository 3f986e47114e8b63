"""Carrying out one step of a deployment on its node. Each may be done again after a crash: it finds what is done."""

import asyncio
import time
from dataclasses import dataclass

from bakery.delivery import keeping, making, proving, volumes, worker_check
from bakery.delivery.asking import ask_release, pace_of, shown_check
from bakery.delivery.limits import hint_when_killed, why_out_of_memory
from bakery.delivery.planned import Action, Check, Retire, Slot, Start, StepKey, Switch
from bakery.delivery.premises import Program, Release
from bakery.delivery.sites import as_rows_say
from bakery.delivery.slot_programs import slot_programs
from bakery.delivery.slots import free_slot, keep_warm, make_live, take_slot
from bakery.delivery.work import StepFailed, Work
from bakery.ingress.site_options import note_trouble
from bakery.model.container import ContainerSpec
from bakery.model.deployments import SlotState
from bakery.model.faults import Point, fault_point
from bakery.model.names import AppName, Colour, Port
from bakery.model.runtimes import Runtime
from bakery.model.terms import Terms
from bakery.nodes.health import Answer, CheckKind, Unhealthy, wait_until_healthy
from bakery.nodes.node import Node
from bakery.nodes.units import UnitState

CRASHES_ALLOWED = 3
LINES_SHOWN = 20
LEAST_MEMORY_FOR_WARM = 1_000_000_000
_LOOK_AT_UNIT_EVERY = 1.0


async def carry_out(work: Work, key: StepKey, action: Action) -> None:
    match action:
        case Start():
            await _start(work, action)
        case Check():
            await _check(work, action)
        case Switch():
            await _switch(work, action)
        case Retire():
            await _retire(work, action)
        case _:
            await making.make(work, key, action)


async def _start(work: Work, start: Start) -> None:
    is_warm = start.slot.state is SlotState.WARM and start.slot.release == work.deployment.release
    if is_warm:  # it answers at once
        proving.prepare(work)
    await _take(work, start.slot)
    await fault_point(Point.START_SLOT_TAKEN)
    if start.ends is not None:
        await _end_other(work, start.ends)
    await volumes.ensure(work)
    if start.slot.state is SlotState.LIVE and work.plan.replaced is not None:  # it must not run twice
        await slot_programs(work.store, work.node, work.deployment.environment, start.slot.colour).end_workers()
    if not is_warm:
        work.log_from = await keeping.log_size(work.node, start.program)
    await work.expect_ours()
    await keeping.start(work.node, start.program)
    work.runs = start.program
    work.log.write(f"{start.program.name} runs on port {start.slot.port}.")


async def _take(work: Work, slot: Slot) -> None:
    """A live slot is replaced in its place and belongs to the old release until the new one answers."""
    if slot.state is not SlotState.LIVE:
        async with work.owned() as tx:
            await take_slot(tx, work.deployment.environment.id, slot.colour, work.deployment.release.id)


async def _end_other(work: Work, other: Slot) -> None:
    """It has no visitors, and goes for good: where one release at a time runs there is none to come back to at once."""
    environment, old = work.deployment.environment, other.release
    runtime = old.runtime if old else Runtime.PROCESS
    await slot_programs(work.store, work.node, environment, other.colour, runtime).remove()
    async with work.owned() as tx:
        await free_slot(tx, environment.id, other.colour)
    work.log.write(f"The {other.colour} slot is free: one release at a time runs.")


async def _check(work: Work, check: Check) -> None:
    terms = work.terms
    seconds = work.patience.check + terms.grace
    work.log.write(f"{shown_check(terms)} Up to {seconds:g} s, on port {check.port}.")
    asker = _Asker(work.node, check, work.deployment.environment.app, terms)
    if check.is_warm and work.runs == check.program:  # its start has just said that it ran all the time
        asker.was_seen, asker.looked_at = True, time.monotonic()

    async def ask() -> Answer:
        answer = await asker.ask()
        if answer.is_well:
            proving.prepare(work)  # the switch comes next
        return answer

    found = await wait_until_healthy(
        ask,
        deadline=seconds,
        clock=time.monotonic,
        sleep=asyncio.sleep,
        successes=1 if check.is_warm else terms.successes,
        pace=pace_of(terms),
    )
    if isinstance(found, Unhealthy):
        if found.answer.written:
            work.log.write(f"The check wrote last:\n{found.answer.written.rstrip()}")
        raise StepFailed(
            f"The release did not answer as it should within {seconds:g} s: {found.answer.said}.",
            hint=_what_it_has_to_do(found.answer, check),
        )
    work.log.write(f"Healthy after {found.seconds:.1f} s: {found.answer.said}.")
    await worker_check.start_and_watch(work, check.workers)


def _what_it_has_to_do(answer: Answer, check: Check) -> str:
    if answer.kind is CheckKind.COMMAND:
        return "What its check wrote is in the log of this step. Mend the app, or its check."
    if answer.kind is not CheckKind.OPEN_PORT:
        return "It listens where it should. Mend what it answers, or have another page asked for its health."
    if isinstance(check.program, ContainerSpec):
        port = check.program.port
        return f"In its container it has to listen on 0.0.0.0 and port {port}, which is the variable PORT."
    return f"It has to listen on 127.0.0.1, port {check.port}, which it finds in the variable PORT."


async def _switch(work: Work, switch: Switch) -> None:
    if work.node.ingress is not None and switch.site is not None:
        *_, site = await asyncio.gather(
            _take(work, switch.slot),
            proving.begin(work),
            as_rows_say(work.store, work.deployment.environment.id, switch.site),
        )
        await work.node.ingress.apply_site(site)
        await note_trouble(work.store, work.deployment.environment.id, "")
        await fault_point(Point.SWITCH_TRAFFIC_MOVED)
    else:
        await _take(work, switch.slot)
    environment = work.deployment.environment
    async with work.owned() as tx:
        await make_live(tx, environment.id, switch.slot.colour, work.deployment.release.id)
        if switch.slot.port is None:  # of files nothing runs that would have to end
            await free_slot(tx, environment.id, switch.slot.colour.other)
        tx.publish("apps", f"app:{environment.app}", f"deployment:{work.deployment.id}")
    work.log.write(f"Release #{work.deployment.release.number} is live on {switch.slot.colour}.")
    await fault_point(Point.SWITCH_RECORDED)
    await slot_programs(work.store, work.node, environment, switch.slot.colour.other).end_workers()
    if not any(isinstance(step.action, Retire) for step in work.plan.steps):
        await proving.end(work)


async def _retire(work: Work, retire: Retire) -> None:
    environment = work.deployment.environment
    port = retire.slot.port
    drain = work.terms.drain
    left = await work.node.traffic.wait_for_drain(port, seconds=drain) if port else 0
    if left:
        work.log.write(f"{left} connections were still open after {drain:g} s.")
    await work.expect_ours()  # it may have stood still meanwhile
    old, seconds = retire.slot.release, _warm_for(work)
    if old is not None and seconds:
        if left and port:
            await _begin_anew(work, retire.slot.colour, old, port)
        async with work.owned() as tx:
            await keep_warm(tx, environment.id, retire.slot.colour, seconds)
        minutes = f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:g} s"
        work.log.write(f"Release #{old.number} stays warm on {retire.slot.colour} for {minutes}, to come back to.")
    else:
        runtime = old.runtime if old else Runtime.PROCESS
        await slot_programs(work.store, work.node, environment, retire.slot.colour, runtime).remove()
        await fault_point(Point.RETIRE_PROGRAM_GONE)
        async with work.owned() as tx:
            await free_slot(tx, environment.id, retire.slot.colour)
        work.log.write(f"The {retire.slot.colour} slot is free.")
    await proving.end(work)


async def _begin_anew(work: Work, colour: Colour, old: Release, port: Port) -> None:
    """Who is still connected hears it from the app itself, as whenever it ends. Where a kill leaves it ended, going
    back starts it."""
    program = work.deployment.environment.premises(work.node).describe_program(old, colour, port)
    await keeping.keeper_of(work.node, program).stop(program.name)
    await keeping.start(work.node, program)


def _warm_for(work: Work) -> float:
    """A small machine has no memory for what has no visitors."""
    return work.terms.warm if work.node.facts.memory_bytes >= LEAST_MEMORY_FOR_WARM else 0.0


async def tell_last_lines(work: Work, program: Program) -> None:
    """What the app itself said since it was started: it often names the cause."""
    lines = await keeping.last_lines(work.node, program, from_byte=work.log_from, count=LINES_SHOWN)
    if lines:
        work.log.write(f"The last lines of the app:\n{chr(10).join('  ' + line for line in lines)}")
    else:
        work.log.write("The app itself wrote nothing.")


@dataclass(slots=True)
class _Asker:
    """Asks the app; and now and then its keeper, because an app that ends at once need not be waited for."""

    node: Node
    check: Check
    app: AppName
    terms: Terms
    looked_at: float = 0.0
    was_well: bool = False
    was_seen: bool = False
    last_exit: str = ""  # while it runs again, nobody tells

    async def ask(self) -> Answer:
        now = time.monotonic()
        if self.was_well:  # it will be well again: both at once
            answer, state = await asyncio.gather(self._ask(), self._state())
            self._judge(answer, state)
        else:
            answer = await self._ask()
            if (answer.is_well and not self.was_seen) or now - self.looked_at >= _LOOK_AT_UNIT_EVERY:
                self.looked_at = now
                self._judge(answer, await self._state())
        self.was_well, self.was_seen = answer.is_well, False
        return answer

    async def _ask(self) -> Answer:
        program = self.check.program
        runtime = Runtime.DOCKER if isinstance(program, ContainerSpec) else Runtime.PROCESS
        return await ask_release(self.node, program.name, runtime, Port(self.check.port), self.terms)

    async def _state(self) -> UnitState:
        return await keeping.keeper_of(self.node, self.check.program).state(self.check.program.name)

    def _judge(self, answer: Answer, state: UnitState) -> None:
        self.last_exit = state.last_exit or self.last_exit
        if state.restarts >= CRASHES_ALLOWED:
            program = self.check.program
            starved = why_out_of_memory("The app", self.last_exit, program.limits, self.app)
            if starved is not None:
                raise StepFailed(starved.sentence, hint=starved.hint)
            raise StepFailed(
                f"The app ended {state.restarts} times after it was started: it {self.last_exit or 'gave no reason'}.",
                hint=hint_when_killed(self.last_exit, program.limits, self.app)
                or "Its last lines are in the log of this step.",
            )
        if answer.is_well and not state.is_running:
            raise StepFailed(
                f"Another program answers on port {self.check.port}; the app itself does not run.",
                hint="End that program, then deploy again.",
            )
