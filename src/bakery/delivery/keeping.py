"""What keeps a release running, by its runtime: systemd or our own supervisor, or Docker."""

from typing import Protocol

from bakery.delivery.premises import Program
from bakery.model.container import ContainerSpec
from bakery.model.names import UnitName
from bakery.model.runtimes import Runtime
from bakery.nodes.node import Node
from bakery.nodes.units import CheckEnd, UnitState, Use

APART = (frozenset({Runtime.DOCKER}), frozenset(Runtime) - {Runtime.DOCKER})  # by who keeps them: Docker may be away


class Keeper(Protocol):
    """What is done by name alone. Each may be said twice."""

    async def stop(self, name: UnitName) -> None: ...

    async def state(self, name: UnitName) -> UnitState: ...

    async def restarts(self, *names: UnitName) -> dict[UnitName, int]: ...
    async def states(self, *names: UnitName) -> dict[UnitName, UnitState]: ...

    async def check(self, name: UnitName, argv: tuple[str, ...], *, seconds: float) -> CheckEnd: ...

    async def uses(self, *names: UnitName) -> dict[UnitName, Use]: ...

    async def remove(self, name: UnitName) -> None: ...


def keeper(node: Node, runtime: Runtime) -> Keeper:
    return node.containers if runtime is Runtime.DOCKER else node.units


def keeper_of(node: Node, program: Program) -> Keeper:
    return node.containers if isinstance(program, ContainerSpec) else node.units


async def start(node: Node, program: Program) -> None:
    if isinstance(program, ContainerSpec):
        await node.containers.start(program)
    else:
        await node.units.start(program)


async def log_size(node: Node, program: Program) -> int:
    """A container's log begins with it."""
    return 0 if isinstance(program, ContainerSpec) else await node.homes.log_size(program.name)


async def last_lines(node: Node, program: Program, *, from_byte: int, count: int) -> list[str]:
    if isinstance(program, ContainerSpec):
        return await node.containers.last_lines(program.name, count=count)
    return await node.homes.last_lines(program.name, from_byte=from_byte, count=count)
