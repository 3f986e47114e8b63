"""The processes beside the one with the port: started when that one answers, and watched until they stay.

They run before visitors come, so that a release whose worker ends again and again does not get live; those of the old
release end right after the switch. For these few seconds both are at work.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

from bakery.delivery import keeping
from bakery.delivery.limits import why_out_of_memory
from bakery.delivery.premises import Program
from bakery.delivery.slot_programs import slot_programs
from bakery.delivery.steadiness import Crashed, Steadiness
from bakery.delivery.work import StepFailed, Work
from bakery.model.names import UnitName
from bakery.model.processes import Instance
from bakery.nodes.units import UnitState

_LOOK_EVERY = 0.25
_HINT = "Its last lines are in the log of this step. A process that ends when its work is done does not belong there."


async def start_and_watch(work: Work, workers: Mapping[Instance, Program]) -> None:
    deployment = work.deployment
    colour, runtime = work.plan.slot.colour, deployment.release.runtime
    sizes = {instance: await keeping.log_size(work.node, program) for instance, program in workers.items()}
    await slot_programs(work.store, work.node, deployment.environment, colour, runtime).start_workers(workers)
    if not workers:
        return
    counts = Counter(instance.process for instance in workers)
    started = ", ".join(f"{process} ({count})" for process, count in sorted(counts.items()))
    work.log.write(f"Started beside it: {started}. They have to run for {work.patience.steady:g} s.")
    try:
        await _until_steady(work, workers)
    except _Unsteady as unsteady:
        work.at_fault, work.log_from = workers[unsteady.instance], sizes[unsteady.instance]
        raise StepFailed(unsteady.sentence, hint=unsteady.hint) from unsteady


class _Unsteady(Exception):
    def __init__(self, instance: Instance, sentence: str, hint: str = _HINT) -> None:
        super().__init__(sentence)
        self.instance, self.sentence, self.hint = instance, sentence, hint


async def _until_steady(work: Work, workers: Mapping[Instance, Program]) -> None:
    steadiness, deadline = Steadiness(work.patience.steady), time.monotonic() + work.patience.check
    while True:
        states = await _states(work, workers)
        match steadiness.look(states, now := time.monotonic()):
            case True:
                return
            case Crashed(instance, ends, last_exit):
                said = f"The process {instance.process} ended {ends} times after it was started"
                starved = why_out_of_memory(
                    f"The process {instance.process}",
                    last_exit,
                    workers[instance].limits,
                    work.deployment.environment.app,
                )
                if starved is not None:
                    raise _Unsteady(instance, starved.sentence, starved.hint)
                raise _Unsteady(instance, f"{said}: it {last_exit or 'gave no reason'}.")
        if now > deadline:
            instance = steadiness.unsteady(states, now)
            raise _Unsteady(
                instance,
                f"The process {instance.process} did not run for {work.patience.steady:g} s in a row within "
                f"{work.patience.check:g} s.",
            )
        await asyncio.sleep(_LOOK_EVERY)


async def _states(work: Work, workers: Mapping[Instance, Program]) -> Mapping[Instance, UnitState]:
    keeper = keeping.keeper(work.node, work.deployment.release.runtime)
    names: dict[UnitName, Instance] = {program.name: instance for instance, program in workers.items()}
    return {names[name]: state for name, state in (await keeper.states(*names)).items()}
