"""Units kept by systemd, through the helper of a node."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import msgspec

from bakery.helper.names import MOST_AT_ONCE, premises_of_unit
from bakery.helper.systemd import LONGEST_START, LONGEST_STOP
from bakery.helper.units import LONGEST_TURN
from bakery.helper.verbs import ROOTS_FOLDER
from bakery.model.errors import NodeUnreachable
from bakery.model.names import UnitName
from bakery.model.unit import UnitSpec
from bakery.nodes.drift import UnitDrift, units_drift
from bakery.nodes.folders import NodeFolders
from bakery.nodes.helper_calls import Helper
from bakery.nodes.parts import in_parts
from bakery.nodes.units import CheckEnd, UnitState, Use

_WITHIN = LONGEST_TURN + LONGEST_STOP + LONGEST_START + 60  # another's turn, the old one's end, and a start


class HelperUnits:
    """As whom a unit runs and where it logs follow there from its name, for systemd's units are those of one folder."""

    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    async def start(self, unit: UnitSpec) -> None:
        await self._helper.say("unit-start", unit.name, told=_described(unit), within=_WITHIN)

    async def stop(self, name: UnitName) -> None:
        await self._helper.say("unit-stop", name, within=_WITHIN)

    async def state(self, name: UnitName) -> UnitState:
        return (await self.states(name))[name]

    async def states(self, *names: UnitName) -> dict[UnitName, UnitState]:
        """Of many by few calls."""
        told: dict[str, UnitState] = {}
        for some in in_parts(names, MOST_AT_ONCE):
            told |= (await self._helper.look(_States, "unit-state", *some)).units
        if set(told) != set(names):
            raise NodeUnreachable("The node told of other units than it was asked for.")
        return {name: told[name] for name in names}

    async def restarts(self, *names: UnitName) -> dict[UnitName, int]:
        """Those that nobody asked for."""
        return {name: state.restarts for name, state in (await self.states(*names)).items()}

    async def check(self, name: UnitName, argv: tuple[str, ...], *, seconds: float) -> CheckEnd:
        return await check_by_helper(self._helper, "check-unit", name, argv, seconds)

    async def uses(self, *names: UnitName) -> dict[UnitName, Use]:
        return await uses_by_helper(self._helper, "use-unit", *names)

    async def look_for_drift(self, units: Sequence[UnitSpec]) -> Mapping[UnitName, UnitDrift]:
        found = await units_drift(self._helper, {unit.name: _described(unit) for unit in units})
        return {UnitName(name): drift for name, drift in found.items()}

    async def remove(self, name: UnitName) -> None:
        await self._helper.say("unit-remove", name, within=_WITHIN)


async def check_by_helper(helper: Helper, verb: str, name: UnitName, argv: tuple[str, ...], seconds: float) -> CheckEnd:
    told = {"argv": argv, "milliseconds": max(1, round(seconds * 1000))}
    return await helper.look(CheckEnd, verb, name, told=told, within=2 * seconds + 60)


async def uses_by_helper(helper: Helper, verb: str, *names: UnitName) -> dict[UnitName, Use]:
    told: dict[str, Use | None] = {}
    for some in in_parts(names, MOST_AT_ONCE):
        told |= (await helper.look(_Uses, verb, *some)).uses
    return {name: use for name in names if (use := told.get(name)) is not None}


class _Uses(msgspec.Struct, forbid_unknown_fields=True):
    uses: dict[str, Use | None]


class _States(msgspec.Struct, forbid_unknown_fields=True):
    units: dict[str, UnitState]


def _described(unit: UnitSpec) -> dict[str, object]:
    account = premises_of_unit(ROOTS_FOLDER, unit.name).account
    log_file = NodeFolders(PurePosixPath(ROOTS_FOLDER)).unit_log(unit.name)
    if (unit.account, unit.log_file) != (account, log_file):
        raise LookupError(
            f"{unit.name} runs as {account} and logs to {log_file}, not as {unit.account} to {unit.log_file}"
        )
    return {
        "argv": unit.argv,
        "folder": str(unit.folder),
        "environment": {name: value.reveal() for name, value in unit.environment.items()},
        "writable": [str(path) for path in unit.writable],
        "memory_bytes": unit.limits.memory_bytes,
        "cpu_percent": unit.limits.cpu_percent,
        "stop_seconds": unit.stop_seconds,
    }
