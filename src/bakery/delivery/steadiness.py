"""Whether programs that nobody can ask how they are stay: each has to run for a while without an end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bakery.model.processes import Instance
from bakery.nodes.units import UnitState

CRASHES_ALLOWED = 3


@dataclass(frozen=True, slots=True)
class Crashed:
    instance: Instance
    ends: int
    last_exit: str


@dataclass(slots=True)
class Steadiness:
    """Told of every look at them, it says when that is enough."""

    seconds: float
    restarts: dict[Instance, int] = field(default_factory=dict)  # at the first look
    known: dict[Instance, int] = field(default_factory=dict)
    steady_since: dict[Instance, float] = field(default_factory=dict)
    last_exits: dict[Instance, str] = field(default_factory=dict)

    def look(self, states: Mapping[Instance, UnitState], now: float) -> bool | Crashed:
        """True: all of them stay. False: nobody can say yet."""
        for instance, state in states.items():
            first = self.restarts.setdefault(instance, state.restarts)
            if state.last_exit:
                self.last_exits[instance] = state.last_exit
            if state.restarts - first >= CRASHES_ALLOWED:
                return Crashed(instance, state.restarts - first, self.last_exits.get(instance, ""))
            if not state.is_running or state.restarts != self.known.get(instance, state.restarts):
                self.steady_since[instance] = now
            self.steady_since.setdefault(instance, now)
            self.known[instance] = state.restarts
        return all(
            state.is_running and now - self.steady_since[instance] >= self.seconds for instance, state in states.items()
        )

    def unsteady(self, states: Mapping[Instance, UnitState], now: float) -> Instance:
        """One of which nobody can say yet."""
        return next(instance for instance in states if now - self.steady_since[instance] < self.seconds)
