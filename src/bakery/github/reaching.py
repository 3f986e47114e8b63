"""The way to a GitHub server: to it alone, for a while, and for no more than fits."""

import asyncio
import itertools
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from bakery.model.errors import Unavailable
from bakery.model.github import GitHubUrl, api_of

A_WHILE = 60  # seconds, where GitHub does not say for how long
_SILENCE = 10.0  # seconds
_LONGEST = 60.0  # seconds for a whole answer
_MOST_PAGES = 500
_LARGEST = 10 * 1024 * 1024  # bytes of an answer
_LARGEST_IN_ALL = 5 * _LARGEST  # of the pages of a list
_GZIP = 31  # as zlib calls it
_OF_THE_WAY = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Reached:
    """A server that is asked with `client`, by `ask` alone."""

    def __init__(self, url: GitHubUrl, client: httpx.AsyncClient) -> None:
        self.url, self.client = url, client
        self._read = 0

    async def ask(self, request: httpx.Request, *, auth: httpx.BasicAuth | None = None) -> httpx.Response:
        """Its whole answer, unpacked. One that has no end, or is packed to burst, is told."""
        try:
            async with asyncio.timeout(_LONGEST):
                answer = await self.client.send(request, stream=True, auth=auth)
                try:
                    body = await self._body(answer)
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise Unavailable(
                f"{self.url} was not done answering after {_LONGEST:.0f} seconds.",
                hint="Try again in a while.",
                retry_after=A_WHILE,
            ) from error
        headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _OF_THE_WAY]
        return httpx.Response(answer.status_code, headers=headers, content=body, request=request)

    async def _body(self, answer: httpx.Response) -> bytes:
        parts, size, unpack = [], 0, _unpacking(answer, self.url)
        async for piece in answer.aiter_raw():
            part = unpack(piece, _LARGEST + 1 - size)
            size += len(part)
            if size > _LARGEST or self._read + size > _LARGEST_IN_ALL:
                most = _LARGEST if size > _LARGEST else _LARGEST_IN_ALL
                raise Unavailable(
                    f"{self.url} answered with more than {most // 1024**2} MB, which is not read.",
                    hint="Is it a GitHub server?",
                    retry_after=A_WHILE,
                )
            parts.append(part)
        self._read += size
        return b"".join(parts)


@asynccontextmanager
async def reaching(url: GitHubUrl) -> AsyncIterator[Reached]:
    """Follows no redirect, and no page of a list that lies elsewhere: a token goes to the server that an Admin named,
    and nowhere else. Pages that lead in a circle have an end."""
    servers = {_server(httpx.URL(address)) for address in (url, api_of(url))}
    asked = itertools.count()

    async def expect_server(request: httpx.Request) -> None:
        if _server(request.url) not in servers or next(asked) >= _MOST_PAGES:
            raise not_understood(url)

    hooks = {"request": [expect_server]}
    try:
        async with httpx.AsyncClient(
            timeout=_SILENCE, follow_redirects=False, event_hooks=hooks, headers={"accept-encoding": "gzip"}
        ) as client:
            yield Reached(url, client)
    except httpx.TimeoutException as error:
        raise Unavailable(
            f"{url} did not answer within {_SILENCE:.0f} seconds.", hint="Try again in a moment.", retry_after=A_WHILE
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(
            f"{url} cannot be reached from here: {type(error).__name__}.",
            hint="Look at githubstatus.com, and at the address under Settings → GitHub. Then try again.",
            retry_after=A_WHILE,
        ) from error


def _unpacking(answer: httpx.Response, url: GitHubUrl) -> Callable[[bytes, int], bytes]:
    """The next bytes, no more than so many: httpx unpacks first and counts then, one packing within another."""
    packing = answer.headers.get("content-encoding", "identity").strip().lower()
    if packing == "identity":
        return lambda piece, _: piece
    if packing != "gzip":
        raise not_understood(url)
    unpacking = zlib.decompressobj(_GZIP)

    def unpack(piece: bytes, most: int) -> bytes:
        try:
            return unpacking.decompress(piece, most)
        except zlib.error as error:
            raise not_understood(url) from error

    return unpack


def not_understood(url: GitHubUrl) -> Unavailable:
    return Unavailable(f"{url} answered in words that mean nothing to us.", hint="Is it a GitHub server?")


def _server(url: httpx.URL) -> tuple[str, bytes]:
    return url.scheme, url.netloc
