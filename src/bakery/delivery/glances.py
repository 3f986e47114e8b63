"""What keeps programs, asked by who looks again in a moment: Docker may be away, and is not waited for as a deployment
waits for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import structlog

from bakery.commands.command import command
from bakery.delivery.keeping import keeper
from bakery.model.errors import CommandFailed, NotUnderstood
from bakery.model.names import UnitName
from bakery.model.runtimes import Runtime
from bakery.nodes.node import Node
from bakery.nodes.transport import run_or_fail
from bakery.nodes.units import UnitState, Use

Told = TypeVar("Told")

log = structlog.get_logger()

PATIENCE, PATIENCE_FOR_EACH = 10.0, 0.1  # seconds
LEFT_ALONE_FOR = 60.0  # as long as what was asked may go on trying there
_ANYTHING = replace(command("true"), is_routine=True)


class Glances:
    """At the programs of a node. None: it was not told in time, or nobody asked, for the last one to ask waited in
    vain a moment ago. Raises NodeUnreachable and CommandFailed when it is the machine that does not answer."""

    def __init__(self) -> None:
        self._left_alone: dict[Runtime, float] = {}

    async def states(self, node: Node, runtime: Runtime, *names: UnitName) -> Mapping[UnitName, UnitState] | None:
        return await self._told(node, runtime, keeper(node, runtime).states, names)

    async def restarts(self, node: Node, runtime: Runtime, *names: UnitName) -> Mapping[UnitName, int] | None:
        return await self._told(node, runtime, keeper(node, runtime).restarts, names)

    async def uses(self, node: Node, runtime: Runtime, *names: UnitName) -> Mapping[UnitName, Use] | None:
        return await self._told(node, runtime, keeper(node, runtime).uses, names)

    async def _told(
        self,
        node: Node,
        runtime: Runtime,
        ask: Callable[..., Awaitable[dict[UnitName, Told]]],
        names: tuple[UnitName, ...],
    ) -> Mapping[UnitName, Told] | None:
        began = time.monotonic()
        if began < self._left_alone.get(runtime, began):
            return None
        try:
            async with asyncio.timeout(PATIENCE + PATIENCE_FOR_EACH * len(names)):
                return await ask(*names)
        except (CommandFailed, NotUnderstood, TimeoutError) as error:
            log.info("keeper_did_not_tell", runtime=runtime, programs=len(names), error=str(error) or "not in time")
            if time.monotonic() - began >= PATIENCE:
                await run_or_fail(node.transport, _ANYTHING)
                self._left_alone[runtime] = time.monotonic() + LEFT_ALONE_FOR
            return None
