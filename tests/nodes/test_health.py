import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import pytest

from bakery.model.names import Port
from bakery.nodes.health import Answer, CheckKind, Healthy, Pace, Unhealthy, ask_app, pause_after, wait_until_healthy
from bakery.nodes.local import LocalTransport

WELL = Answer(CheckKind.HEALTH_PAGE, is_well=True, said="GET /health answered 200")
CLOSED = Answer(CheckKind.OPEN_PORT, is_well=False, said="the port does not accept connections")
ILL = Answer(CheckKind.HEALTH_PAGE, is_well=False, said="GET /health answered 503")


class Time:
    """Passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def answering(answers: Iterable[Answer]) -> Callable[[], Awaitable[Answer]]:
    waiting = iter(answers)

    async def ask() -> Answer:
        return next(waiting)

    return ask


async def test_two_successes_in_a_row_are_needed() -> None:
    time = Time()
    ask = answering([ILL, WELL, ILL, WELL, WELL])
    outcome = await wait_until_healthy(ask, deadline=60, clock=time.clock, sleep=time.sleep)
    assert isinstance(outcome, Healthy)
    assert outcome.answer == WELL
    assert time.pauses == [0.1, 0.05, 0.1, 0.05]


async def test_the_first_seconds_are_eager_and_the_rest_is_calm() -> None:
    time = Time()
    ask = answering([ILL] * 100)
    outcome = await wait_until_healthy(ask, deadline=8, clock=time.clock, sleep=time.sleep)
    assert isinstance(outcome, Unhealthy)
    assert outcome.answer == ILL
    assert outcome.seconds <= 8
    assert set(time.pauses[:50]) == {0.1}
    assert set(time.pauses[51:]) == {1.0}


@pytest.mark.parametrize(
    ("said", "elapsed", "pause"), [(CLOSED, 0.0, 0.03), (ILL, 0.0, 0.1), (WELL, 4.9, 0.05), (CLOSED, 5.0, 1.0)]
)
def test_a_port_that_is_still_closed_is_asked_most_often(said: Answer, elapsed: float, pause: float) -> None:
    assert pause_after(said, elapsed, Pace()) == pause


async def test_even_without_time_there_is_one_look() -> None:
    time = Time()
    outcome = await wait_until_healthy(answering([ILL]), deadline=0, clock=time.clock, sleep=time.sleep)
    assert outcome == Unhealthy(ILL, 0)


@pytest.mark.parametrize(
    ("pages", "answer"),
    [
        ({"/health": 200, "/": 500}, Answer(CheckKind.HEALTH_PAGE, is_well=True, said="GET /health answered 200")),
        ({"/health": 503, "/": 200}, Answer(CheckKind.HEALTH_PAGE, is_well=False, said="GET /health answered 503")),
        ({"/health": 404, "/": 302}, Answer(CheckKind.FRONT_PAGE, is_well=True, said="GET / answered 302")),
        ({"/health": 404, "/": 404}, Answer(CheckKind.FRONT_PAGE, is_well=True, said="GET / answered 404")),
        ({"/health": 404, "/": 500}, Answer(CheckKind.FRONT_PAGE, is_well=False, said="GET / answered 500")),
    ],
)
async def test_the_health_page_decides_where_there_is_one(pages: dict[str, int], answer: Answer) -> None:
    async with an_app(pages) as port:
        assert await ask_app(LocalTransport(), port) == answer


@pytest.mark.parametrize(("status", "is_well"), [(204, True), (302, False), (404, False), (500, False)])
async def test_a_page_that_was_named_decides_alone(status: int, is_well: bool) -> None:  # noqa: FBT001 - a parameter
    async with an_app({"/ready": status, "/": 200, "/health": 200}) as port:
        assert await ask_app(LocalTransport(), port, "/ready") == Answer(
            CheckKind.HEALTH_PAGE, is_well=is_well, said=f"GET /ready answered {status}"
        )


async def test_what_speaks_no_http_needs_only_to_listen() -> None:
    async with a_listener(b"220 mail.example ESMTP\r\n") as port:
        said = "the port accepts connections, without speaking HTTP"
        assert await ask_app(LocalTransport(), port) == Answer(CheckKind.OPEN_PORT, is_well=True, said=said)
        assert await ask_app(LocalTransport(), port, "/ready") == Answer(CheckKind.OPEN_PORT, is_well=False, said=said)


async def test_a_closed_port_is_not_well() -> None:
    async with a_listener(b"") as port:
        pass
    assert await ask_app(LocalTransport(), port) == Answer(
        CheckKind.OPEN_PORT, is_well=False, said="the port does not accept connections"
    )


async def test_an_app_that_never_answers_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakery.nodes.health.ANSWER_WITHIN", 0.1)
    async with a_listener(None) as port:
        assert await ask_app(LocalTransport(), port) == Answer(
            CheckKind.OPEN_PORT, is_well=False, said="GET /health was not answered within 0.1 s"
        )


async def test_an_app_that_answers_without_an_end_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakery.nodes.health.ANSWER_WITHIN", 0.2)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
        gone = asyncio.ensure_future(reader.read())
        while not (await asyncio.wait({gone}, timeout=0.01))[0]:
            writer.write(b"x")
        assert isinstance(gone.exception(), ConnectionResetError | None)
        writer.close()

    async with serving(drip) as port:
        assert await ask_app(LocalTransport(), port) == Answer(
            CheckKind.OPEN_PORT, is_well=False, said="GET /health was not answered within 0.2 s"
        )


@asynccontextmanager
async def an_app(pages: dict[str, int]) -> AsyncIterator[Port]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.readline():
            while await reader.readline() not in (b"\r\n", b""):
                pass
            status = pages[request.split()[1].decode()]
            writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    async with serving(answer) as port:
        yield port


@asynccontextmanager
async def a_listener(greeting: bytes | None) -> AsyncIterator[Port]:
    """Says its greeting, whatever it hears, and goes; None: it says nothing and stays."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if greeting is None:
            await reader.read()
        else:
            writer.write(greeting)
            await writer.drain()
        writer.close()

    async with serving(greet) as port:
        yield port


@asynccontextmanager
async def serving(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[Port]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Port(server.sockets[0].getsockname()[1])
