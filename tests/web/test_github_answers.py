"""What answers in GitHub's place, and is no GitHub: a proxy's page, half an answer, nonsense."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from bakery.github.asking import asking
from bakery.github.oauth import refresh
from bakery.github.registration import Registration
from bakery.model.errors import Unavailable
from bakery.model.github import GitHubUrl
from bakery.model.secret import Secret


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("content-type: application/json", b"<html>Gateway</html>"),
        ("content-type: application/json", b'[{"id": 1'),
        ("content-type: application/json", b"\xff\xfe"),
        ("content-type: application/json; charset=nonsense", b"[]"),
        ("content-type: application/json\r\nx-ratelimit-limit: many", b"[]"),
        ('content-type: application/json\r\nlink: <http://127.0.0.1:1/>; rel="next"', b"[]"),  # elsewhere
        ('content-type: application/json\r\nlink: </repositories>; rel="next"', b"[]"),  # in a circle
    ],
)
async def test_an_answer_that_means_nothing_is_told_and_is_no_fault_of_ours(headers: str, body: bytes) -> None:
    async with answering(headers, body) as url:
        with pytest.raises(Unavailable, match="in words that mean nothing to us"):
            async with asking(url, None) as github:
                _ = [row async for row in github.getiter("/repositories")]


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"error": "\xff"}', b"[" * 100_000, b'{"access_token": "a", "expires_in": 1000000000000000}']
)
async def test_so_it_is_where_tokens_are_given(body: bytes) -> None:
    now = datetime.now(UTC)
    async with answering("content-type: application/json", body) as url:
        registration = Registration(url, "bakery", b"", "ann", now)
        with pytest.raises(Unavailable, match="answered 200 where it gives tokens"):
            await refresh(registration, Secret("a secret"), Secret("a token"), now)


@asynccontextmanager
async def answering(headers: str, body: bytes) -> AsyncIterator[GitHubUrl]:
    """The same, whatever is asked."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        more = "x-ratelimit-remaining: 1\r\nx-ratelimit-reset: 1\r\nconnection: close"
        writer.write(f"HTTP/1.1 200 OK\r\n{headers}\r\n{more}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield GitHubUrl(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
