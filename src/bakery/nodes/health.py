"""Does an app answer? Asked from its own machine, until it does twice in a row or the time is over."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import quote

from bakery.model.errors import Unavailable
from bakery.model.health_kinds import Statuses
from bakery.model.names import Port
from bakery.nodes.transport import Transport

EAGER_FOR, EAGER_PAUSE, CALM_PAUSE = 5.0, 0.1, 1.0  # seconds
CLOSED_PAUSE = 0.03  # while nothing answers at all, which costs the app nothing
GOOD_PAUSE = 0.05  # after a good answer, which one more is to confirm
STAYS_OPEN = 0.2  # a port that somebody listens on; Docker's lets everybody in, and cuts off
ANSWER_WITHIN = 2.0
SUCCESSES_NEEDED = 2
_SUCCESS = Statuses()
_SERVER_ERROR = 500
_LONGEST_HEAD = 64 * 1024
_CLOSED = "the port does not accept connections"
_HTTP = b"HTTP/1."
_STATUS = re.compile(rb"HTTP/1\.[0-9] ([1-5][0-9]{2})[ \r\n]")
AS_IT_STANDS = "/?%&=+:@!$'()*,;~-._"
_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: bakery\r\nAccept: */*\r\nConnection: close\r\n\r\n"
)

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class CheckKind(StrEnum):
    """What was looked at, from what proves most to what proves least."""

    HEALTH_PAGE = "health page"
    FRONT_PAGE = "front page"
    OPEN_PORT = "open port"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Answer:
    """One look. `said` is for people: “GET /health answered 200”."""

    kind: CheckKind
    is_well: bool
    said: str
    written: str = ""  # by the command that was run for it

    @property
    def is_closed(self) -> bool:
        """Nothing answers on the port yet: refused, or let in and cut off, as Docker does for a container."""
        return self.kind is CheckKind.OPEN_PORT and not self.is_well


@dataclass(frozen=True, slots=True)
class Healthy:
    answer: Answer
    seconds: float


@dataclass(frozen=True, slots=True)
class Unhealthy:
    answer: Answer
    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How long it waits between two looks, in the first seconds and afterwards."""

    eager: float = EAGER_PAUSE
    calm: float = CALM_PAUSE


async def wait_until_healthy(
    ask: Callable[[], Awaitable[Answer]],
    *,
    deadline: float,
    clock: Clock,
    sleep: Sleep,
    successes: int = SUCCESSES_NEEDED,
    pace: Pace | None = None,
) -> Healthy | Unhealthy:
    """`deadline` is in seconds from now, `successes` how many are needed in a row. At least one look is taken."""
    began = clock()
    in_a_row = 0
    while True:
        answer = await ask()
        in_a_row = in_a_row + 1 if answer.is_well else 0
        elapsed = clock() - began
        if in_a_row == successes:
            return Healthy(answer, elapsed)
        pause = pause_after(answer, elapsed, pace or Pace())
        if elapsed + pause > deadline:
            return Unhealthy(answer, elapsed)
        await sleep(pause)


def pause_after(answer: Answer, elapsed: float, pace: Pace) -> float:
    if elapsed >= EAGER_FOR:
        return pace.calm
    if answer.is_closed:
        return CLOSED_PAUSE
    return min(pace.eager, GOOD_PAUSE) if answer.is_well and answer.kind is not CheckKind.COMMAND else pace.eager


async def ask_app(
    transport: Transport,
    port: Port,
    path: str | None = None,
    *,
    good: Statuses = _SUCCESS,
    within: float | None = None,
    speaks_http: bool = False,
) -> Answer:
    """`path` decides alone, with an answer that is among the `good`. Without one `/health` does where it exists, else
    the front page; and what speaks no HTTP needs only to listen, unless it is to. Raises NodeUnreachable when it is the
    machine that cannot be reached."""
    health_path, within = path or "/health", within or ANSWER_WITHIN
    health = await _status(transport, port, health_path, within)
    if isinstance(health, Answer):
        return replace(health, is_well=health.is_well and path is None and not speaks_http)
    if path is not None:
        return Answer(CheckKind.HEALTH_PAGE, health in good, f"GET {path} answered {health}{_instead_of(health, good)}")
    if health in _SUCCESS or health >= _SERVER_ERROR:
        return Answer(CheckKind.HEALTH_PAGE, health in _SUCCESS, f"GET {health_path} answered {health}")
    front = await _status(transport, port, "/", within)
    if isinstance(front, Answer):
        return replace(front, is_well=front.is_well and not speaks_http)
    return Answer(CheckKind.FRONT_PAGE, front < _SERVER_ERROR, f"GET / answered {front}")


def _instead_of(status: int, good: Statuses) -> str:
    return "" if status in good or good == _SUCCESS else f" and not {good}"


async def ask_port(transport: Transport, port: Port, *, within: float) -> Answer:
    """Whether somebody listens there, whatever they speak."""
    try:
        async with asyncio.timeout(within), transport.tunnel(port) as (reader, _):
            is_cut_off = await _is_cut_off(reader)
    except TimeoutError:
        said = f"the port did not accept a connection within {within:g} s"
        return Answer(CheckKind.OPEN_PORT, is_well=False, said=said)
    except OSError:
        is_cut_off = True
    except Unavailable:
        return Answer(CheckKind.OPEN_PORT, is_well=False, said=_CLOSED)
    if is_cut_off:
        return Answer(CheckKind.OPEN_PORT, is_well=False, said="the port accepts connections, and cuts them off")
    return Answer(CheckKind.OPEN_PORT, is_well=True, said="the port accepts connections")


async def _is_cut_off(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(STAYS_OPEN):
            return not await reader.read(1)
    except TimeoutError:
        return False


async def _status(transport: Transport, port: Port, path: str, within: float) -> int | Answer:
    """The response's status, whatever its body; an Answer when there is no response."""
    has_connected = False
    try:
        async with asyncio.timeout(within), transport.tunnel(port) as (reader, writer):
            has_connected = True
            writer.write(_REQUEST.format(path=quote(path, safe=AS_IT_STANDS), port=port).encode())
            head = await _head(reader)
    except TimeoutError:
        said = f"GET {path} was not answered within {within:g} s"
        return Answer(CheckKind.OPEN_PORT, is_well=False, said=said)
    except (OSError, asyncio.IncompleteReadError):
        return Answer(CheckKind.OPEN_PORT, is_well=False, said=f"GET {path} was cut off")
    except Unavailable:  # nothing listens there
        if has_connected:
            raise
        return Answer(CheckKind.OPEN_PORT, is_well=False, said=_CLOSED)
    found = _STATUS.match(head)
    if found is None:
        said = "the port accepts connections, without speaking HTTP"
        return Answer(CheckKind.OPEN_PORT, is_well=True, said=said)
    return int(found[1])


async def _head(reader: asyncio.StreamReader) -> bytes:
    """To its end, for an answer whose head never ends is none. What begins otherwise than HTTP is not waited for."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) <= _LONGEST_HEAD:
        chunk = await reader.read(_LONGEST_HEAD)
        if not chunk:
            if not head:
                raise asyncio.IncompleteReadError(head, None)
            break
        head += chunk
        if not _HTTP.startswith(head[: len(_HTTP)]):
            break
    return head
