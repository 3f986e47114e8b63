"""The life of a deployment, of its steps and of the slots in which releases run: the allowed moves are tables."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from bakery.model.errors import Conflict

S = TypeVar("S", bound=StrEnum)


class DeploymentState(StrEnum):
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  # a newer one took its place before it began

    @property
    def is_over(self) -> bool:
        return self not in NEXT_STATES


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class SlotState(StrEnum):
    IDLE = "idle"
    STARTING = "starting"
    LIVE = "live"
    RETIRING = "retiring"


class Health(StrEnum):
    """How a live slot is doing, as last seen."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DOWN = "down"


class Trouble(StrEnum):
    """What a live slot is in, until it has recovered."""

    NONE = ""
    UNHEALTHY = "unhealthy"  # for longer than a moment
    CRASH_LOOP = "crash_loop"  # its program ends again and again


# A state without a row is final.
NEXT_STATES: Mapping[DeploymentState, frozenset[DeploymentState]] = {
    DeploymentState.SCHEDULED: frozenset({DeploymentState.QUEUED, DeploymentState.CANCELLED}),
    DeploymentState.QUEUED: frozenset(
        {DeploymentState.RUNNING, DeploymentState.CANCELLED, DeploymentState.SUPERSEDED}
    ),
    DeploymentState.RUNNING: frozenset(
        {DeploymentState.SUCCEEDED, DeploymentState.FAILED, DeploymentState.CANCELLED}
    ),
}  # fmt: skip
NEXT_STEP_STATES: Mapping[StepState, frozenset[StepState]] = {
    StepState.WAITING: frozenset({StepState.RUNNING, StepState.SKIPPED}),
    StepState.RUNNING: frozenset({StepState.DONE, StepState.FAILED, StepState.CANCELLED}),
}
NEXT_SLOT_STATES: Mapping[SlotState, frozenset[SlotState]] = {
    SlotState.IDLE: frozenset({SlotState.STARTING}),
    SlotState.STARTING: frozenset({SlotState.LIVE, SlotState.IDLE}),
    SlotState.LIVE: frozenset({SlotState.RETIRING}),
    SlotState.RETIRING: frozenset({SlotState.IDLE, SlotState.LIVE}),  # live: going back to what still runs there
}


def require_move(table: Mapping[S, frozenset[S]], what: str, now: S, then: S) -> None:
    """Returns when the table allows the move. `what` begins the sentence otherwise: “Deployment #4 of shop”."""
    if then not in table.get(now, frozenset()):
        raise Conflict(f"{what} is {now} and cannot become {then}.")
