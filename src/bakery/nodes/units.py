"""Units on a node: the few verbs, whoever keeps the programs running. Each verb may be said twice."""

from dataclasses import dataclass
from typing import Protocol

from bakery.model.names import UnitName
from bakery.model.unit import UnitSpec


@dataclass(frozen=True, slots=True)
class UnitState:
    """`restarts` counts the ends nobody asked for; `last_exit` says how the last one went, empty before the first."""

    is_running: bool
    process_id: int | None = None
    restarts: int = 0
    last_exit: str = ""


class Units(Protocol):
    async def start(self, unit: UnitSpec) -> None:
        """Runs the unit as described. One that already runs like this goes on; one that runs otherwise is replaced."""

    async def stop(self, name: UnitName) -> None:
        """Ends the unit's whole group, by force when its `stop_seconds` are over; it does not start at boot either."""

    async def state(self, name: UnitName) -> UnitState: ...

    async def remove(self, name: UnitName) -> None:
        """Stops the unit and forgets it. Its log stays."""
