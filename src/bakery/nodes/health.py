"""Does an app answer? Asked from its own machine, until it does twice in a row or the time is over."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import httpx

from bakery.model.names import Port

EAGER_FOR, EAGER_PAUSE, CALM_PAUSE = 5.0, 0.1, 1.0  # seconds
ANSWER_WITHIN = 2.0
SUCCESSES_NEEDED = 2
_SUCCESS = range(200, 300)
_SERVER_ERROR = 500

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


@dataclass(frozen=True, slots=True)
class Healthy:
    answer: Answer
    seconds: float


@dataclass(frozen=True, slots=True)
class Unhealthy:
    answer: Answer
    seconds: float


async def wait_until_healthy(
    ask: Callable[[], Awaitable[Answer]], *, deadline: float, clock: Clock, sleep: Sleep
) -> Healthy | Unhealthy:
    """`deadline` is in seconds from now. At least one look is taken."""
    began = clock()
    in_a_row = 0
    while True:
        answer = await ask()
        in_a_row = in_a_row + 1 if answer.is_well else 0
        elapsed = clock() - began
        if in_a_row == SUCCESSES_NEEDED:
            return Healthy(answer, elapsed)
        pause = EAGER_PAUSE if elapsed < EAGER_FOR else CALM_PAUSE
        if elapsed + pause > deadline:
            return Unhealthy(answer, elapsed)
        await sleep(pause)


async def ask_app(port: Port, path: str | None = None) -> Answer:
    """`path` decides alone. Without one `/health` does where it exists, else the front page; and what speaks no HTTP
    needs only to listen."""
    # No TLS is spoken here. httpx's own context would read all authorities: 25 ms a look, in which nothing else runs.
    no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_WITHIN, verify=no_tls, trust_env=False
    ) as client:
        health_path = path or "/health"
        health = await _status(client, health_path)
        if isinstance(health, Answer):
            return replace(health, is_well=health.is_well and path is None)
        exists = path is not None or health in _SUCCESS or health >= _SERVER_ERROR
        if exists:
            return Answer(CheckKind.HEALTH_PAGE, health in _SUCCESS, f"GET {health_path} answered {health}")
        front = await _status(client, "/")
        if isinstance(front, Answer):
            return front
        return Answer(CheckKind.FRONT_PAGE, front < _SERVER_ERROR, f"GET / answered {front}")


async def _status(client: httpx.AsyncClient, path: str) -> int | Answer:
    """The response's status, whatever its body; an Answer when there is no response."""
    try:
        # For the whole answer: httpx's own limit begins anew with each byte that comes.
        async with asyncio.timeout(ANSWER_WITHIN), client.stream("GET", path) as response:
            return response.status_code
    except httpx.ConnectError:
        return Answer(CheckKind.OPEN_PORT, is_well=False, said="the port does not accept connections")
    except httpx.RemoteProtocolError:
        return Answer(CheckKind.OPEN_PORT, is_well=True, said="the port accepts connections, without speaking HTTP")
    except (httpx.TimeoutException, TimeoutError):
        return Answer(
            CheckKind.OPEN_PORT, is_well=False, said=f"GET {path} was not answered within {ANSWER_WITHIN:g} s"
        )
    except httpx.TransportError:
        return Answer(CheckKind.OPEN_PORT, is_well=False, said=f"GET {path} was cut off")
