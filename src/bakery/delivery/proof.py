"""The cut-over proof: visits through the node's nginx, from just before a switch until the old slot is drained."""

import asyncio
import contextlib
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

from bakery.model.errors import BakeryError
from bakery.model.labels import shown_part
from bakery.model.names import HostName, Port
from bakery.nodes.homes import Place
from bakery.nodes.node import Node
from bakery.store.ending import end_tasks

_FAILURES_KEPT = 5
_LONGEST_LINE = 300
_MOST = 100_000
_LATE = 6.0  # seconds
_TOOK = re.compile(r"[0-9]{1,6}\.[0-9]")


@dataclass(slots=True)
class Visits:
    """What came of them so far. `failures` are the first few, in words."""

    milliseconds: list[float] = field(default_factory=list)
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def made(self) -> int:
        return len(self.milliseconds) + self.failed

    @property
    def p95(self) -> float | None:
        ordered = sorted(self.milliseconds)
        return ordered[math.ceil(len(ordered) * 0.95) - 1] if ordered else None

    def __str__(self) -> str:
        if not self.made:
            return "no visit was made"
        slow = f", p95 {self.p95:.0f} ms" if self.p95 is not None else ""
        return f"{self.failed} of {self.made} failed{slow}"

    def note(self, line: str) -> None:
        """What is no such line says nothing: the machine that writes it may be anyone's."""
        if self.made >= _MOST:
            return
        if line.startswith("- "):
            self.failed += 1
            self.failures += [shown_part(line[2:], at_most=200)] if len(self.failures) < _FAILURES_KEPT else []
        elif _TOOK.fullmatch(line):
            self.milliseconds.append(float(line))


class Proof:
    """Visits from `begin` to `end`. A way to the node that breaks ends them early, and nothing else."""

    def __init__(self, node: Node, place: Place, port: Port, host: HostName, path: str) -> None:
        self._node, self._place = node, place
        self._visiting = node.traffic.visiting(place, port, host, path)
        self.visits = Visits()
        self._has_begun = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._visit())

    async def begin(self) -> None:
        """Returns with the first visit, or when it is late: nobody waits for it with the switch."""
        if self._task is None:
            self.start()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._has_begun.wait(), _LATE)

    async def end(self) -> Visits:
        """What visits was told to end, so that its conversation serves others, or is ended."""
        if self._task is not None:
            with contextlib.suppress(BakeryError, OSError, TimeoutError):
                async with asyncio.timeout(_LATE):
                    await self._node.traffic.end_visits(self._place)
                    await asyncio.shield(self._task)
            await end_tasks(self._task)
        return self.visits

    async def _visit(self) -> None:
        try:
            with contextlib.suppress(BakeryError, OSError):
                await self._note_all()
        finally:
            self._has_begun.set()

    async def _note_all(self) -> None:
        transport = self._node.transport
        async with transport.open(self._visiting) as running, contextlib.aclosing(running.output()) as output:
            async for line in _lines(output):
                self.visits.note(line)
                self._has_begun.set()


async def _lines(output: AsyncGenerator[bytes, None]) -> AsyncIterator[str]:
    rest = b""
    async for chunk in output:
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[:_LONGEST_LINE]
        for line in lines:
            yield line[:_LONGEST_LINE].decode(errors="replace")
