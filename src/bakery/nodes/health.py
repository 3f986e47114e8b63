"""Does an app answer? Asked from its own machine, until it does twice in a row or the time is over."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import quote

from bakery.model.errors import Unavailable
from bakery.model.names import Port
from bakery.nodes.transport import Transport

EAGER_FOR, EAGER_PAUSE, CALM_PAUSE = 5.0, 0.1, 1.0  # seconds
CLOSED_PAUSE = 0.03  # while nothing answers at all, which costs the app nothing
ANSWER_WITHIN = 2.0
SUCCESSES_NEEDED = 2
_SUCCESS = range(200, 300)
_SERVER_ERROR = 500
_LONGEST_HEAD = 64 * 1024
_HTTP = b"HTTP/1."
_STATUS = re.compile(rb"HTTP/1\.[0-9] ([1-5][0-9]{2})[ \r\n]")
_AS_IT_STANDS = "/?%&=+:@!$'()*,;~-._"
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


@dataclass(frozen=True, slots=True)
class Answer:
    """One look. `said` is for people: “GET /health answered 200”."""

    kind: CheckKind
    is_well: bool
    said: str

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


async def wait_until_healthy(
    ask: Callable[[], Awaitable[Answer]],
    *,
    deadline: float,
    clock: Clock,
    sleep: Sleep,
    successes: int = SUCCESSES_NEEDED,
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
        pause = pause_after(answer, elapsed)
        if elapsed + pause > deadline:
            return Unhealthy(answer, elapsed)
        await sleep(pause)


def pause_after(answer: Answer, elapsed: float) -> float:
    if elapsed >= EAGER_FOR:
        return CALM_PAUSE
    return CLOSED_PAUSE if answer.is_closed else EAGER_PAUSE


async def ask_app(transport: Transport, port: Port, path: str | None = None) -> Answer:
    """`path` decides alone. Without one `/health` does where it exists, else the front page; and what speaks no HTTP
    needs only to listen. Raises NodeUnreachable when it is the machine that cannot be reached."""
    health_path = path or "/health"
    health = await _status(transport, port, health_path)
    if isinstance(health, Answer):
        return replace(health, is_well=health.is_well and path is None)
    exists = path is not None or health in _SUCCESS or health >= _SERVER_ERROR
    if exists:
        return Answer(CheckKind.HEALTH_PAGE, health in _SUCCESS, f"GET {health_path} answered {health}")
    front = await _status(transport, port, "/")
    if isinstance(front, Answer):
        return front
    return Answer(CheckKind.FRONT_PAGE, front < _SERVER_ERROR, f"GET / answered {front}")


async def _status(transport: Transport, port: Port, path: str) -> int | Answer:
    """The response's status, whatever its body; an Answer when there is no response."""
    has_connected = False
    try:
        async with asyncio.timeout(ANSWER_WITHIN), transport.tunnel(port) as (reader, writer):
            has_connected = True
            writer.write(_REQUEST.format(path=quote(path, safe=_AS_IT_STANDS), port=port).encode())
            head = await _head(reader)
    except TimeoutError:
        said = f"GET {path} was not answered within {ANSWER_WITHIN:g} s"
        return Answer(CheckKind.OPEN_PORT, is_well=False, said=said)
    except (OSError, asyncio.IncompleteReadError):
        return Answer(CheckKind.OPEN_PORT, is_well=False, said=f"GET {path} was cut off")
    except Unavailable:  # nothing listens there
        if has_connected:
            raise
        return Answer(CheckKind.OPEN_PORT, is_well=False, said="the port does not accept connections")
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
