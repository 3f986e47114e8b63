"""Units on a node: the few verbs, whoever keeps the programs running. Each verb may be said twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from msgspec import Meta

from bakery.model.names import UnitName
from bakery.model.unit import UnitSpec
from bakery.nodes.drift import UnitDrift


@dataclass(frozen=True, slots=True)
class UnitState:
    """`restarts` counts the ends nobody asked for; `last_exit` says how the last one went, empty before the first.

    The bounds are for what a node says of it.
    """

    is_running: bool
    process_id: Annotated[int, Meta(ge=1, le=2**31)] | None = None
    restarts: Annotated[int, Meta(ge=0, lt=2**31)] = 0
    last_exit: Annotated[str, Meta(max_length=200, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")] = ""


@dataclass(frozen=True, slots=True)
class CheckEnd:
    """How a command ended that says whether a program is well; None: not in time. `written` is the end of its words."""

    exit_status: Annotated[int, Meta(ge=-64, le=255)] | None
    written: Annotated[str, Meta(max_length=4000)]


@dataclass(frozen=True, slots=True)
class Use:
    """Of the machine: now, and of the time of its CPUs since the program was started."""

    memory_bytes: Annotated[int, Meta(ge=0, lt=2**50)]
    cpu_microseconds: Annotated[int, Meta(ge=0, lt=2**62)]


class Units(Protocol):
    async def start(self, unit: UnitSpec) -> None:
        """Runs the unit as described. One that already runs like this goes on; one that runs otherwise is replaced."""

    async def stop(self, name: UnitName) -> None:
        """Ends the unit's whole group, by force when its `stop_seconds` are over; it does not start at boot either."""

    async def state(self, name: UnitName) -> UnitState: ...

    async def restarts(self, *names: UnitName) -> dict[UnitName, int]:
        """As in their states, of many at once; of one that is not there nothing is told."""

    async def states(self, *names: UnitName) -> dict[UnitName, UnitState]:
        """Of many at once."""

    async def check(self, name: UnitName, argv: tuple[str, ...], *, seconds: float) -> CheckEnd:
        """Runs this where the unit runs: as its account, in its folder, with its variables."""

    async def uses(self, *names: UnitName) -> dict[UnitName, Use]:
        """Of those that run, where somebody counts it."""

    async def look_for_drift(self, units: Sequence[UnitSpec]) -> Mapping[UnitName, UnitDrift]:
        """Of those that are not there, do not run, or run otherwise. It changes nothing."""

    async def remove(self, name: UnitName) -> None:
        """Stops the unit and forgets it. Its log stays."""
