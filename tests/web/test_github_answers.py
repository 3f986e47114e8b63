"""What answers in GitHub's place, and is no GitHub: a proxy's page, half an answer, nonsense."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from bakery.github import reaching
from bakery.github.asking import asking_without_token
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
            async with asking_without_token(url) as github:
                _ = [row async for row in github.getiter("/repositories")]


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        ("422 No", "", b'{"message": "No", "errors": 5}'),
        ("422 No", "", b'{"message": "No", "errors": [5]}'),
        ("422 No", "", b"{}"),
        ("999 No", "", b"{}"),
        ("200 OK", "", b"[" * 100_000),
        ("200 OK", "", b"1" * 5000),
        ("200 OK", "", b'{"repositories": 5}'),
        ("200 OK", "\r\nx-ratelimit-limit: 1\r\nx-ratelimit-reset: 1e400", b"[]"),
    ],
)
async def test_so_it_is_where_the_library_stumbles(status: str, headers: str, body: bytes) -> None:
    async with answering(f"content-type: application/json{headers}", body, status=status) as url:
        with pytest.raises(Unavailable, match="in words that mean nothing to us"):
            async with asking_without_token(url) as github:
                _ = [row async for row in github.getiter("/repositories", iterable_key="repositories")]


async def test_what_callers_do_wrong_is_a_fault_of_ours() -> None:
    async with answering("content-type: application/json", b"[]") as url:
        with pytest.raises(LookupError):
            async with asking_without_token(url) as github:
                (await github.getitem("/repositories"))[0]


@pytest.mark.parametrize("packing", ["", "content-encoding: gzip"])
async def test_an_answer_that_would_fill_memory_is_told(packing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "_LARGEST", 2**20)
    body = b'"' + b"x" * 2**20 + b'"'
    headers = f"content-type: application/json\r\n{packing or 'x: y'}"
    async with answering(headers, gzip.compress(body) if packing else body) as url:
        with pytest.raises(Unavailable, match="answered with more than 1 MB, which is not read"):
            async with asking_without_token(url) as github:
                await github.getitem("/user")
        with pytest.raises(Unavailable, match="answered with more than 1 MB, which is not read"):
            await refresh(_registration(url), Secret("a secret"), Secret("a token"), datetime.now(UTC))


async def test_packed_within_what_is_packed_it_is_not_unpacked_at_all() -> None:
    body = gzip.compress(gzip.compress(b'"' + b"x" * 2**20 + b'"'))
    async with answering("content-type: application/json\r\ncontent-encoding: gzip, gzip", body) as url:
        with pytest.raises(Unavailable, match="in words that mean nothing to us"):
            async with asking_without_token(url) as github:
                await github.getitem("/user")


async def test_so_are_pages_that_fill_it_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "_LARGEST_IN_ALL", 2**20)
    headers = 'content-type: application/json\r\nlink: </repositories>; rel="next"'
    async with answering(headers, b'["' + b"x" * 2**18 + b'"]') as url:
        with pytest.raises(Unavailable, match="answered with more than 1 MB, which is not read"):
            async with asking_without_token(url) as github:
                _ = [row async for row in github.getiter(f"{url}/repositories")]


async def test_an_answer_without_an_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "_LONGEST", 0.2)

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server:
        url = GitHubUrl(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(Unavailable, match="was not done answering"):
            async with asking_without_token(url) as github:
                await github.getitem("/user")


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"error": "\xff"}', b"[" * 100_000, b'{"access_token": "a", "expires_in": 1000000000000000}']
)
async def test_so_it_is_where_tokens_are_given(body: bytes) -> None:
    async with answering("content-type: application/json", body) as url:
        with pytest.raises(Unavailable, match="answered 200 where it gives tokens"):
            await refresh(_registration(url), Secret("a secret"), Secret("a token"), datetime.now(UTC))


def _registration(url: GitHubUrl) -> Registration:
    return Registration(url, "bakery", b"", "ann", datetime.now(UTC))


@asynccontextmanager
async def answering(headers: str, body: bytes, *, status: str = "200 OK") -> AsyncIterator[GitHubUrl]:
    """The same, whatever is asked."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", asked)
        await reader.readexactly(int(length[1]) if length else 0)
        more = "x-ratelimit-remaining: 1\r\nx-ratelimit-reset: 1\r\nconnection: close"
        writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\n{more}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield GitHubUrl(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
