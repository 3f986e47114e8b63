"""What answers in GitHub's place, and is no GitHub: a proxy's page, half an answer, nonsense."""

import asyncio

import pytest

from bakery.github.asking import asking
from bakery.model.errors import Unavailable
from bakery.model.github import GitHubUrl


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
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        more = "x-ratelimit-remaining: 1\r\nx-ratelimit-reset: 1\r\nconnection: close"
        writer.write(f"HTTP/1.1 200 OK\r\n{headers}\r\n{more}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = GitHubUrl(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(Unavailable, match="in words that mean nothing to us"):
            async with asking(url, None) as github:
                _ = [row async for row in github.getiter("/repositories")]
