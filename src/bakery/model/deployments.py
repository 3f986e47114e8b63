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
    ROLLED_BACK = "rolled_back"  # it had succeeded, did worse than the release before, and Bakery took it back

    @property
    def is_over(self) -> bool:
        return self not in {DeploymentState.SCHEDULED, DeploymentState.QUEUED, DeploymentState.RUNNING}


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
    WARM = "warm"  # runs on without visitors, to come back to


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


# What is not named is not allowed.
NEXT_STATES: Mapping[DeploymentState, frozenset[DeploymentState]] = {
    DeploymentState.SCHEDULED: frozenset({DeploymentState.QUEUED, DeploymentState.CANCELLED}),
    DeploymentState.QUEUED: frozenset(
        {DeploymentState.RUNNING, DeploymentState.CANCELLED, DeploymentState.SUPERSEDED}
    ),
    DeploymentState.RUNNING: frozenset(
        {DeploymentState.SUCCEEDED, DeploymentState.FAILED, DeploymentState.CANCELLED}
    ),
    DeploymentState.SUCCEEDED: frozenset({DeploymentState.ROLLED_BACK}),
}  # fmt: skip
NEXT_STEP_STATES: Mapping[StepState, frozenset[StepState]] = {
    StepState.WAITING: frozenset({StepState.RUNNING, StepState.SKIPPED}),
    StepState.RUNNING: frozenset({StepState.DONE, StepState.FAILED, StepState.CANCELLED}),
}
NEXT_SLOT_STATES: Mapping[SlotState, frozenset[SlotState]] = {
    SlotState.IDLE: frozenset({SlotState.STARTING}),
    SlotState.STARTING: frozenset({SlotState.LIVE, SlotState.IDLE}),
    SlotState.LIVE: frozenset({SlotState.RETIRING}),
    SlotState.RETIRING: frozenset({SlotState.IDLE, SlotState.WARM, SlotState.LIVE}),  # live: going back to it
    SlotState.WARM: frozenset({SlotState.IDLE, SlotState.LIVE}),
}


def require_move(table: Mapping[S, frozenset[S]], what: str, now: S, then: S) -> None:
    """Returns when the table allows the move. `what` begins the sentence otherwise: “Deployment #4 of shop”."""
    if then not in table.get(now, frozenset()):
        raise Conflict(f"{what} is {now} and cannot become {then}.")
