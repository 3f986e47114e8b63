"""Faults on purpose: a setting names one place of a deployment, and what happens to this process when it comes by.

Nothing is armed outside of development and tests; a place that is not armed costs one comparison.
"""

import asyncio
import os
import signal
from dataclasses import dataclass
from enum import StrEnum

from bakery.model.errors import BadInput, NodeUnreachable


class Point(StrEnum):
    """Where something can go wrong. Each step has its begin and its end; the others lie in the middle of one."""

    START_SLOT_TAKEN = "start.slot-taken"
    SWITCH_TRAFFIC_MOVED = "switch.traffic-moved"
    SWITCH_RECORDED = "switch.recorded"
    RETIRE_PROGRAM_GONE = "retire.program-gone"
    JOB_ENDED = "job.ended"
    FAILURE_NOTED = "failure.noted"
    UNDO_BEGUN = "undo.begun"
    UNDO_PART_DONE = "undo.part-done"
    UNDO_DONE = "undo.done"
    TIDY_DONE = "tidy.done"


class Moment(StrEnum):
    BEGUN = "begun"
    DONE = "done"


class FaultKind(StrEnum):
    KILL = "kill"
    CUT = "cut"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Fault:
    """`point` is one of Point, or a step with a moment of it: `switch.begun`. `seconds` are of a slow one."""

    point: str
    kind: FaultKind
    seconds: float = 0.0


_LONGEST = 3600.0
_armed: Fault | None = None  # of this process: a fault happens to all of it


def parse_fault(text: str, *, steps: frozenset[str]) -> Fault:
    """`POINT:kill`, `POINT:cut` or `POINT:slow:SECONDS`."""
    point, _, what = text.partition(":")
    kind, _, seconds = what.partition(":")
    step, _, moment = point.partition(".")
    if point not in set(Point) and not (step in steps and moment in set(Moment)):
        raise BadInput(f"“{point}” is no place for a fault.", hint="docs/reliability.md lists them.", field="fault")
    if kind not in set(FaultKind) or bool(seconds) is not (kind == FaultKind.SLOW):
        raise BadInput(f"“{what}” is not kill, cut or slow:SECONDS.", field="fault")
    if not seconds:
        return Fault(point, FaultKind(kind))
    if not seconds.isascii() or not seconds.isdigit() or float(seconds) > _LONGEST:
        raise BadInput(f"“{seconds}” is not a number of seconds up to {_LONGEST:g}.", field="fault")
    return Fault(point, FaultKind(kind), float(seconds))


def arm(fault: Fault | None) -> None:
    """From now on, once. None: nothing happens any more."""
    global _armed  # noqa: PLW0603 - one fault a process is what it is about
    _armed = fault


async def fault_point(point: Point) -> None:
    await _come_by(point)


async def fault_at_step(step: str, moment: Moment) -> None:
    if _armed is not None:
        await _come_by(f"{step}.{moment}")


async def _come_by(point: str) -> None:
    fault = _armed
    if fault is None or fault.point != point:
        return
    arm(None)
    match fault.kind:
        case FaultKind.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case FaultKind.CUT:
            raise NodeUnreachable(f"The connection was cut on purpose, at {point}.")
        case FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
