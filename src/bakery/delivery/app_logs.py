"""What the programs of an app write while they run: read where they run, masked, line by line.

A process writes a file, in which lines have no time: what it wrote since a moment is known to the minute. A container's
lines have one each.
"""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bakery.commands.command import Command
from bakery.delivery.find import find_app, node_of_environment
from bakery.delivery.look import Environment, look_at_environment
from bakery.delivery.planned import Slot
from bakery.delivery.variable_sets import masker_of
from bakery.model.actor import Actor
from bakery.model.deployments import SlotState
from bakery.model.errors import BadInput, BakeryError
from bakery.model.masking import Masker, Masking
from bakery.model.names import AppAt, Colour, ProcessName, UnitName, unit_name
from bakery.model.permissions import Permission
from bakery.model.processes import WEB, Instance
from bakery.model.runtimes import Runtime
from bakery.nodes.links import Links
from bakery.nodes.node import Node
from bakery.store.ending import end_tasks
from bakery.store.store import Store

MOST_LINES, USUAL_LINES = 2000, 500
LONGEST_TEXT = 200
_LONGEST_LINE = 64 * 1024
_LAST_BYTES = 1024 * 1024  # of a file, in which the last lines are looked for
_LARGEST_PIECE = 2 * 1024 * 1024  # that is read at once
_MOST_WAITING = 2000  # lines that nobody has taken yet
_ALL_LINES = 99_999  # of a container
_LOOK_AGAIN = 4.0
_NOTHING_RUNS = b"[Bakery: nothing runs there that writes a log. Each deployment has one of its own.]\n"
_OF_DOCKER = re.compile(rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8})(?:\.([0-9]{1,9}))?Z ?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines. None of `slot` and `process`: all. `lines` None: all that is kept; `since` is a duration."""

    slot: Colour | None = None
    process: ProcessName | None = None
    lines: int | None = USUAL_LINES
    since: timedelta | None = None
    containing: str = ""

    def __post_init__(self) -> None:
        if self.lines is not None and not 0 <= self.lines <= MOST_LINES:
            raise BadInput(f"Ask for up to {MOST_LINES} lines.", field="lines", hint="The download has all of them.")
        if len(self.containing) > LONGEST_TEXT:
            raise BadInput(f"Use up to {LONGEST_TEXT} characters.", field="grep")

    def takes(self, line: bytes) -> bool:
        return self.containing.casefold() in line.decode(errors="replace").casefold() if self.containing else True


@dataclass(frozen=True, slots=True)
class Source:
    """A program that writes."""

    unit: UnitName
    runtime: Runtime
    colour: Colour
    process: str  # with its number where there are several
    release: int

    def __str__(self) -> str:
        return f"{self.colour} {self.process}"


@dataclass(slots=True)
class _Position:
    """How far a source was read: a byte of a file, or the time of a container's last line."""

    byte: int | None = None
    moment: str | None = None


@dataclass(frozen=True, slots=True)
class AppLog:
    """Who may read it was asked before it was made. `environment` may be deployed to meanwhile."""

    store: Store
    links: Links
    environment_id: int
    app_id: int
    wanted: Wanted
    now: datetime
    _positions: dict[UnitName, _Position] = field(default_factory=dict)

    async def sources(self) -> Sequence[Source]:
        environment = await look_at_environment(self.store, self.environment_id)
        return _sources(environment, self.wanted) if environment else ()

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """What was written until now, program by program, and each line with its end."""
        sources = await self.sources()
        masker = await masker_of(self.store, self.environment_id)
        if not sources:
            yield _NOTHING_RUNS
        for source in sources:
            mark = _mark(source, sources)
            async for line in self._written(source, masker, tells_rest=True):
                yield mark + line

    async def follow(self) -> AsyncGenerator[bytes, None]:
        """That, and what comes, of what runs at the time. Never ends by itself."""
        arriving: asyncio.Queue[bytes] = asyncio.Queue(_MOST_WAITING)
        looking = asyncio.create_task(self._look_after(arriving))
        try:
            while True:
                taking = asyncio.create_task(arriving.get())
                await asyncio.wait({taking, looking}, return_when=asyncio.FIRST_COMPLETED)
                if not taking.done():
                    taking.cancel()
                    await looking
                    return
                yield taking.result()
        finally:
            await end_tasks(looking)

    async def _look_after(self, arriving: asyncio.Queue[bytes]) -> None:
        """A task each, for as long as it runs there. One that ended, as with its container, begins again behind its
        last line."""
        copying: dict[Source, asyncio.Task[None]] = {}
        try:
            while True:
                sources = await self.sources()
                for source in [one for one, task in copying.items() if one not in sources or task.done()]:
                    await end_tasks(copying.pop(source))
                for source in sources:
                    if source not in copying:
                        masker = await masker_of(self.store, self.environment_id)
                        mark = _mark(source, sources)
                        copying[source] = asyncio.create_task(self._copy(source, masker, mark, arriving))
                await asyncio.sleep(_LOOK_AGAIN)
        finally:
            await end_tasks(*copying.values())

    async def _copy(self, source: Source, masker: Masker, mark: bytes, arriving: asyncio.Queue[bytes]) -> None:
        """What there is; and what comes, unless too many are followed on its node. A node that is away, or a container
        that is not there yet, is asked again."""
        with contextlib.suppress(BakeryError):
            async for line in self._written(source, masker, tells_rest=False):
                await arriving.put(mark + line)
            node_id = await node_of_environment(self.store, self.environment_id)
            if node_id is None:
                return
            with self.links.following(node_id) as has_room:
                if has_room:
                    async with contextlib.aclosing(self._followed(source, masker, node_id)) as found:
                        async for line in found:
                            await arriving.put(mark + line)

    async def _written(self, source: Source, masker: Masker, *, tells_rest: bool) -> AsyncGenerator[bytes, None]:
        """By now. Whoever takes it slowly keeps no others from reading."""
        is_all = False
        while not is_all:
            found, is_all = await self._piece(source, masker, tells_rest=tells_rest)
            for line in found:
                yield line

    async def _piece(self, source: Source, masker: Masker, *, tells_rest: bool) -> tuple[Sequence[bytes], bool]:
        """Lines, and whether these are all. `tells_rest`: also of one that has no end yet."""
        node_id = await node_of_environment(self.store, self.environment_id)
        if node_id is None:
            return (), True
        position = self._positions.setdefault(source.unit, _Position())
        async with self.links.log_turns.reading(node_id):
            node = await self.links.node(node_id)
            is_first = position.byte is None and position.moment is None
            command, note, last = await self._command(node, source, position, follows=False)
            command = replace(command, is_routine=not is_first)  # it goes on with what the transcript has
            reading = _Reading(source, position, tells_rest=tells_rest, most=_LARGEST_PIECE if last is None else None)
            async with node.transport.open(command) as running, contextlib.aclosing(running.output()) as output:
                found: deque[bytes] = deque(maxlen=last)
                async for line in _masked(reading.blocks(output), masker):
                    if self.wanted.takes(line):
                        found.append(line)
        return [note, *found] if note else found, not reading.is_cut

    async def _followed(self, source: Source, masker: Masker, node_id: int) -> AsyncGenerator[bytes, None]:
        """What comes behind what was read."""
        node, position = await self.links.node(node_id), self._positions.setdefault(source.unit, _Position())
        command, _, _ = await self._command(node, source, position, follows=True)
        reading = _Reading(source, position, tells_rest=False, most=None)
        async with node.transport.open(command) as running, contextlib.aclosing(running.output()) as output:
            async for line in _masked(reading.blocks(output), masker):
                if self.wanted.takes(line):
                    yield line

    async def _command(
        self, node: Node, source: Source, position: _Position, *, follows: bool
    ) -> tuple[Command, bytes, int | None]:
        """With a line that says what is missing before, and how many of its last lines are wanted where that is not
        known beforehand."""
        since = None if self.wanted.since is None else int((self.now - self.wanted.since).timestamp())
        if source.runtime is Runtime.DOCKER:
            after = position.moment or (f"{max(0, since)}.000000000" if since is not None else None)
            is_open = self.wanted.lines is None or self.wanted.containing or position.moment
            lines = _ALL_LINES if is_open else max(1, self.wanted.lines or 0)
            last = None if position.moment else self.wanted.lines
            return node.containers.logs(source.unit, after=after, lines=lines, follows=follows), b"", last
        kept_from, size = await node.homes.log_extent(source.unit)
        if position.byte is not None:
            position.byte = max(kept_from, position.byte) if position.byte <= size else 0  # it was made anew
            return node.homes.log_from(source.unit, position.byte, follows=follows), b"", None
        begin = kept_from
        if since is not None:
            begin = max(begin, await node.homes.log_since(source.unit, since))
        if self.wanted.lines is not None:
            begin = max(begin, size - (_LAST_BYTES if self.wanted.lines else 0))
        position.byte = begin
        note = b"[Bakery: what was written before is not kept any more.]\n" if begin == kept_from > 0 else b""
        return node.homes.log_from(source.unit, begin, follows=follows), note, self.wanted.lines


async def open_app_log(
    store: Store, links: Links, where: AppAt, wanted: Wanted, *, actor: Actor, now: datetime
) -> AppLog:
    actor.require(Permission.READ)
    app = await find_app(store, where, actor)
    return AppLog(store, links, app.environment_id, app.id, wanted, now)


def _sources(environment: Environment, wanted: Wanted) -> Sequence[Source]:
    """The live slot first."""
    running = [slot for slot in environment.slots.values() if slot.state is not SlotState.IDLE]
    ordered = sorted(running, key=lambda slot: (slot.state is not SlotState.LIVE, slot.colour))
    chosen = [slot for slot in ordered if wanted.slot in (None, slot.colour)]
    return [source for slot in chosen for source in _of_slot(environment, slot, wanted)]


def _of_slot(environment: Environment, slot: Slot, wanted: Wanted) -> Sequence[Source]:
    """What has the port, then its workers."""
    if slot.release is None:
        return ()
    web: tuple[Instance | None, ...] = () if slot.port is None else (None,)
    workers = slot.release.instances if slot.state is SlotState.LIVE else ()
    return [
        Source(
            _unit(environment, slot.colour, instance),
            environment.runtime,
            slot.colour,
            str(instance or WEB),
            slot.release.number,
        )
        for instance in (*web, *workers)
        if wanted.process in (None, WEB if instance is None else instance.process)
    ]


def _unit(environment: Environment, colour: Colour, instance: Instance | None) -> UnitName:
    if instance is None:
        return unit_name(environment.app, environment.name, colour)
    return unit_name(environment.app, environment.name, colour, instance.process, instance.number)


def _mark(source: Source, sources: Sequence[Source]) -> bytes:
    """Which of several it is."""
    return f"{source} | ".encode() if len(sources) > 1 else b""


class _Reading:
    """What a source writes, in blocks of whole lines without the times that Docker writes before them. Where the next
    one begins is where who comes again goes on. Cut when it is more than `most` bytes."""

    def __init__(self, source: Source, position: _Position, *, tells_rest: bool, most: int | None) -> None:
        self._has_times = source.runtime is Runtime.DOCKER
        self._position = position
        self._tells_rest = tells_rest
        self._most = most
        self._begins_line = True
        self.is_cut = False

    async def blocks(self, output: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        taken = 0
        async for block in _blocks(output, tells_rest=self._tells_rest):
            if self._has_times:
                yield self._without_times(block)
            else:
                yield block
                self._position.byte = (self._position.byte or 0) + len(block)
            taken += len(block)
            if self._most is not None and taken >= self._most:
                self.is_cut = True
                return

    def _without_times(self, block: bytes) -> bytes:
        lines = block.split(b"\n")
        for index, line in enumerate(lines):
            found = _OF_DOCKER.match(line) if index or self._begins_line else None
            if found:
                lines[index] = line[found.end() :]
                seconds = int(datetime.fromisoformat(f"{found[1].decode()}+00:00").timestamp())
                self._position.moment = f"{seconds}.{(found[2] or b'').decode():0<9}"
        self._begins_line = block.endswith(b"\n")
        return b"\n".join(lines)


async def _blocks(output: AsyncIterator[bytes], *, tells_rest: bool) -> AsyncGenerator[bytes, None]:
    """A line that is endless is passed on all the same, as it is: only who has masked it may cut it."""
    rest = b""
    async for chunk in output:
        whole, rest = _whole_lines(rest + chunk)
        if whole:
            yield whole
    if rest and tells_rest:
        yield rest


def _whole_lines(written: bytes) -> tuple[bytes, bytes]:
    """And what follows the last of them, unless that is endless."""
    end = written.rfind(b"\n") + 1 or (len(written) if len(written) > _LONGEST_LINE else 0)
    return written[:end], written[end:]


async def _masked(chunks: AsyncIterator[bytes], masker: Masker) -> AsyncGenerator[bytes, None]:
    """Whole lines, in which no secret of the app is."""
    masking = Masking(masker)

    async def pieces() -> AsyncGenerator[bytes, None]:
        async for chunk in chunks:
            yield masking.feed(chunk)
        yield masking.end()

    async for line in _lines(pieces()):
        yield line


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """With their ends. One that is endless comes in pieces."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(rest) > _LONGEST_LINE:
            yield rest + b"\n"
            rest = b""
    if rest:
        yield rest + b"\n"
