"""Containers on a node, through its helper. Each verb may be said twice."""

from collections.abc import Mapping, Sequence

import msgspec

from bakery.commands.command import Command
from bakery.helper.names import MOST_AT_ONCE
from bakery.model.container import LONGEST_STOP, ContainerSpec
from bakery.model.errors import NodeUnreachable
from bakery.model.names import UnitName
from bakery.nodes.drift import ContainerDrift, containers_drift
from bakery.nodes.helper_calls import Helper
from bakery.nodes.helper_units import check_by_helper, uses_by_helper
from bakery.nodes.homes import Place
from bakery.nodes.jobs import JobKey, JobLimits
from bakery.nodes.parts import in_parts
from bakery.nodes.units import CheckEnd, UnitState, Use

MOST_LINES = 2000
_DAEMON_AWAY = 60.0  # it is waited for, as while it is updated
_WITHIN = _DAEMON_AWAY + 60
_WITHIN_END = _DAEMON_AWAY + LONGEST_STOP + 60


class Containers:
    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    async def start(self, spec: ContainerSpec) -> UnitState:
        """Runs it as described. One that already runs like this goes on; one that runs otherwise is replaced."""
        return await self._helper.ask(
            UnitState, "container-start", spec.name, told=described(spec), within=_WITHIN + _WITHIN_END
        )

    async def stop(self, name: UnitName) -> None:
        """Asks it to end, and ends it when its `stop_seconds` are over; it does not start at boot either."""
        await self._helper.say("container-stop", name, within=_WITHIN_END)

    async def remove(self, name: UnitName) -> None:
        """Likewise, and its log goes with it. Volumes stay."""
        await self._helper.say("container-remove", name, within=_WITHIN_END)

    async def state(self, name: UnitName) -> UnitState:
        return (await self.states(name))[name]

    async def states(self, *names: UnitName) -> dict[UnitName, UnitState]:
        """Of many by few calls. One that is not there does not run."""
        return {name: state or UnitState(is_running=False) for name, state in (await self._states(names)).items()}

    async def restarts(self, *names: UnitName) -> dict[UnitName, int]:
        """Those that nobody asked for."""
        return {name: state.restarts for name, state in (await self._states(names)).items() if state is not None}

    async def check(self, name: UnitName, argv: tuple[str, ...], *, seconds: float) -> CheckEnd:
        """Runs this in it, as its user."""
        return await check_by_helper(self._helper, "check-container", name, argv, seconds)

    async def uses(self, *names: UnitName) -> dict[UnitName, Use]:
        return await uses_by_helper(self._helper, "use-container", *names)

    async def look_for_drift(self, specs: Sequence[ContainerSpec]) -> Mapping[UnitName, ContainerDrift]:
        """Of those that are not there, do not run, or run otherwise. It changes nothing."""
        found = await containers_drift(self._helper, {spec.name: described(spec) for spec in specs})
        return {UnitName(name): drift for name, drift in found.items()}

    async def names(self) -> tuple[UnitName, ...]:
        """All that this Bakery has there, running or not."""
        told = await self._helper.ask(_Names, "container-list", within=_WITHIN)
        return tuple(map(UnitName, told.containers))

    def running_once(self, key: JobKey, place: Place, spec: ContainerSpec, limits: JobLimits) -> Command:
        """The call that begins a job, and goes on with its log: the container runs to its end, and goes. The job has
        the limits of time and log; memory and CPU are the container's."""
        told = {
            "app": place.app,
            "environment": place.environment,
            "container": described(spec),
            "seconds": limits.seconds,
            "log_bytes": limits.log_bytes,
        }
        return self._helper.call("once-start", key, "--follow", told=told)

    def logs(
        self, name: UnitName, *, after: str | None = None, lines: int = MOST_LINES, follows: bool = False
    ) -> Command:
        """What prints its last lines, each after its time; `after` is such a time in SECONDS.NANOSECONDS."""
        words = (*(("--after", after) if after else ()), "--lines", str(lines), *(("--follow",) if follows else ()))
        return self._helper.call("container-logs", name, *words, within=_WITHIN)

    async def last_lines(self, name: UnitName, *, count: int) -> list[str]:
        """Without their times."""
        words = ("--lines", str(count))
        written = await self._helper.say("container-logs", name, *words, within=_WITHIN)
        return [line.partition(" ")[2] for line in written.splitlines()[-count:]]

    async def _states(self, names: Sequence[UnitName]) -> dict[UnitName, UnitState | None]:
        told: dict[str, UnitState | None] = {}
        for some in in_parts(names, MOST_AT_ONCE):
            told |= (await self._helper.look(_States, "container-state", *some, within=_WITHIN)).containers
        if set(told) != set(names):
            raise NodeUnreachable("The node told of other containers than it was asked for.")
        return {name: told[name] for name in names}


class _States(msgspec.Struct, forbid_unknown_fields=True):
    containers: dict[str, UnitState | None]


class _Names(msgspec.Struct, forbid_unknown_fields=True):
    containers: tuple[str, ...]


def described(spec: ContainerSpec) -> dict[str, object]:
    """As the helper is told of it."""
    return {
        "image": spec.image,
        "build": spec.build,
        "host_port": spec.host_port,
        "port": spec.port,
        "environment": {name: value.reveal() for name, value in spec.environment.items()},
        "command": spec.command,
        "user": spec.user,
        "memory_bytes": spec.limits.memory_bytes,
        "cpu_percent": spec.limits.cpu_percent,
        "processes": spec.processes,
        "volumes": {name: str(path) for name, path in spec.volumes.items()},
        "stop_seconds": spec.stop_seconds,
    }
