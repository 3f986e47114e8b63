"""Containers on a node, through its helper. Each verb may be said twice."""

from bakery.model.container import ContainerSpec
from bakery.model.names import UnitName
from bakery.nodes.helper_calls import Helper
from bakery.nodes.units import UnitState


class Containers:
    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    async def start(self, spec: ContainerSpec) -> None:
        """Runs it as described. One that already runs like this goes on; one that runs otherwise is replaced."""

    async def stop(self, name: UnitName) -> None:
        await self._helper.say("container-stop", name, within=330)

    async def remove(self, name: UnitName) -> None:
        await self._helper.say("container-remove", name, within=330)

    async def state(self, name: UnitName) -> UnitState:
        raise LookupError(name)

    async def last_lines(self, name: UnitName, *, count: int) -> list[str]:
        return (await self._helper.say("container-logs", name)).splitlines()[-count:]
