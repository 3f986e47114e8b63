"""What the probe says of a machine. A line is checked before it is believed: the machine may be anyone's by now."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Annotated, Any, Final, Literal

import msgspec
import structlog
from msgspec import Meta

from bakery.commands.command import Command, command
from bakery.model.errors import CommandFailed, NodeUnreachable
from bakery.nodes.probe import MOST_SITES, STEPS
from bakery.nodes.transport import SHOWN_OF_OUTPUT, Running, Transport, ending

log = structlog.get_logger()

LONGEST_LINE: Final = 64 * 1024
# All that argv shows on the machine: the program follows on its standard input, after its length.
_LOADER = "import sys;exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))"
_INTERVALS_ALLOWED, _SECONDS_ALLOWED = 3, 5.0  # without a line, before a machine counts as away
_LAST_WORDS = 5.0
_AT_FIRST = 16 * LONGEST_LINE  # bytes that a machine may say beyond a longest line an interval; a usual one has 1 KB

Bytes = Annotated[int, Meta(ge=0, le=2**60)]
Count = Annotated[int, Meta(ge=0, le=2**62)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Load = Annotated[float, Meta(ge=0, le=1e6)]
Seconds = Annotated[float, Meta(ge=0, le=1e11)]
Requests = Annotated[int, Meta(ge=0, le=10**9)]
TimeStep = Annotated[int, Meta(ge=0, lt=STEPS)]
SiteText = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,56}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f\x7f-\x9f]+\Z")]
ProgramName = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,19}\Z")]
BootId = Annotated[str, Meta(pattern=r"\A[0-9a-f-]{36}\Z")]


class SiteTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """Requests to one release since the line before; `times` counts them by the steps of probe.py. Where a log grew by
    more than the probe reads, a part of it counts for all: `is_sampled`."""

    site: SiteText
    release: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    slot: Literal["", "blue", "green"]
    requests: Requests
    errors: Requests
    times: dict[TimeStep, Requests]
    is_sampled: bool


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """A file system. `free` is what those who are not root may still write."""

    path: Text
    total: Bytes
    used: Bytes
    free: Bytes
    inodes_total: Count
    inodes_used: Count


class Vitals(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the probe. `at` is what the clock there says; `cpu` is that since the line before. The first of `disks`
    is where Bakery keeps its things. `versions` come at times; a program that is not there has None."""

    at: Seconds
    cpu: Percent
    cpus: Annotated[int, Meta(ge=1, le=100_000)]
    memory_used: Bytes
    memory_total: Bytes
    swap_used: Bytes
    swap_total: Bytes
    disks: Annotated[tuple[Disk, ...], Meta(min_length=1, max_length=20)]
    load: tuple[Load, Load, Load]
    uptime: Seconds
    boot_id: BootId
    versions: Annotated[dict[ProgramName, Text | None], Meta(max_length=30)] | None = None
    traffic: Annotated[tuple[SiteTraffic, ...], Meta(max_length=MOST_SITES)] = ()

    @property
    def load1(self) -> float:
        return self.load[0]

    @property
    def disk_used(self) -> int:
        return self.disks[0].used

    @property
    def disk_total(self) -> int:
        return self.disks[0].total

    def as_line(self) -> Mapping[str, Any]:
        """What is kept of the newest; without what this line did not say, and without traffic, which is kept apart."""
        line: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, traffic=()))
        return line


def read_vitals(line: bytes | str) -> Vitals | None:
    """None for anything that a probe of ours does not say."""
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


class Lines:
    """Puts lines together from what arrives. `refused` counts those that were too long or made no sense."""

    def __init__(self) -> None:
        self.refused = 0
        self._rest = b""
        self._is_too_long = False

    def feed(self, chunk: bytes) -> list[Vitals]:
        *ended, self._rest = (self._rest + chunk).split(b"\n")
        found = [vitals for line in ended if (vitals := self._read(line)) is not None]
        if len(self._rest) > LONGEST_LINE:
            self._rest, self._is_too_long = b"", True
        return found

    def _read(self, line: bytes) -> Vitals | None:
        was_too_long, self._is_too_long = self._is_too_long or len(line) > LONGEST_LINE, False
        vitals = None if was_too_long else read_vitals(line)
        self.refused += vitals is None
        return vitals


class Allowance:
    """How much a machine may say: enough for anything that a probe of ours does, too little to keep us busy."""

    def __init__(self, interval: float, now: float) -> None:
        self._interval = interval
        self._began = now
        self._used = 0

    def use(self, count: int, now: float) -> None:
        self._used += count
        if self._used > _AT_FIRST + LONGEST_LINE * (now - self._began) / self._interval:
            raise CommandFailed("The probe on the machine says more than it should.", exit_status=-signal.SIGKILL)


async def watch(transport: Transport, *, interval: float, folder: PurePath) -> AsyncGenerator[Vitals, None]:
    """What the machine says, as it comes, for as long as it does. Raises NodeUnreachable when it falls silent or says
    nothing but nonsense, CommandFailed when the probe ends or floods us. Close it when you stop listening."""
    patience = _INTERVALS_ALLOWED * interval + _SECONDS_ALLOWED
    lines = Lines()
    allowance = Allowance(interval, asyncio.get_running_loop().time())
    try:
        async with (
            transport.open(probe_command(transport.python, interval, folder)) as running,
            contextlib.aclosing(running.output()) as output,
        ):
            while found := await _next(output, lines, allowance, patience):
                for vitals in found:
                    yield vitals
            raise await _why_it_ended(running)
    finally:
        if lines.refused:
            log.warning("probe_lines_refused", count=lines.refused)


def probe_command(python: str, interval: float, folder: PurePath) -> Command:
    settings = msgspec.json.encode({"interval": interval, "folder": str(folder)})
    program = _program()
    return command(python, "-I", "-S", "-c", _LOADER, stdin=b"%d\n%b%b\n" % (len(program), program, settings))


async def _next(
    output: AsyncGenerator[bytes, None], lines: Lines, allowance: Allowance, patience: float
) -> list[Vitals]:
    """At least one; none at the end."""
    refused = lines.refused
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(patience):
            while chunk := await anext(output, b""):
                allowance.use(len(chunk), loop.time())
                if found := lines.feed(chunk):
                    return found
    except TimeoutError as error:
        said = f" {lines.refused - refused} lines made no sense." if lines.refused > refused else ""
        raise NodeUnreachable(
            f"The machine said nothing of itself for {patience:g} s.{said}",
            hint="Bakery connects again by itself.",
        ) from error
    return []


async def _why_it_ended(running: Running) -> CommandFailed:
    try:
        async with asyncio.timeout(_LAST_WORDS):
            finished = await running.end()
    except TimeoutError:
        return CommandFailed("The probe on the machine closed its output.", exit_status=-signal.SIGKILL)
    said = finished.errors.strip()[-SHOWN_OF_OUTPUT:]
    return CommandFailed(
        f"The probe on the machine {ending(finished.exit_status)}" + (f": {said}" if said else "."),
        exit_status=finished.exit_status,
        output=finished.errors,
        hint="It needs Python 3.9 or newer there. Bakery starts it again by itself.",
    )


@cache
def _program() -> bytes:
    return files("bakery.nodes").joinpath("probe.py").read_bytes()


_DECODER = msgspec.json.Decoder(Vitals)
