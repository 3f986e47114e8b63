"""Asking GitHub: every answer that is none becomes a sentence with its cause and what to do next."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec
from gidgethub import GitHubException, HTTPException, RateLimitExceeded, RedirectionException
from gidgethub.abc import CACHE_TYPE
from gidgethub.httpx import GitHubAPI
from gidgethub.sansio import accept_format, decipher_response

from bakery.github.reaching import A_WHILE, Reached, not_understood, reaching
from bakery.model.errors import BakeryError, Conflict, NotFound, TooMany, Unavailable
from bakery.model.github import GitHubUrl, api_of
from bakery.model.secret import Secret


class LinkRefused(Conflict):
    """The token is good for nothing any more."""


@dataclass(frozen=True, slots=True)
class By:
    """Which connection asks, as refusals name it, and why GitHub may not take it any more. Then what helps: where it
    is not taken, where something is not allowed to it, and where it is shown nothing."""

    name: str
    ended: str
    again: str
    allow: str
    show: str


def by_link(login: str) -> By:
    return By(
        f"the link of {login}",
        "it was revoked, or ended.",
        f"Who linked {login} does so again, under Account → GitHub. Or choose another connection for the app.",
        "Ask an owner of the organisation to allow Bakery there.",
        f"Was it deleted or renamed, or does {login} not see it any more?",
    )


def by_app(account: str) -> By:
    return By(
        f"the GitHub App at {account}",
        "it was uninstalled or suspended, or its token was revoked.",
        "Settings → GitHub says whether it is still installed there. Else choose another connection for the app.",
        f"An owner of {account} accepts what the App asks for, in its installation there.",
        f"Was it deleted or renamed? Else an owner of {account} chooses it for the App.",
    )


_WITH_ITS_KEY = By(
    "Bakery's GitHub App", "its key was revoked, or it was deleted.", *["Look under Settings → GitHub."] * 3
)


@dataclass(frozen=True, slots=True)
class Opened:
    """GitHub's API, for whom the token is of."""

    url: GitHubUrl
    token: Secret
    by: By


@asynccontextmanager
async def asking(opened: Opened, *, cache: CACHE_TYPE | None = None) -> AsyncIterator[GitHubAPI]:
    """`cache` holds what GitHub answered to the same token."""
    async with _asking(opened.url, opened.token.reveal(), opened.by, cache) as github:
        yield github


@asynccontextmanager
async def asking_without_token(url: GitHubUrl) -> AsyncIterator[GitHubAPI]:
    """As everybody, or with a JWT of the App in each request."""
    async with _asking(url, None, _WITH_ITS_KEY, None) as github:
        yield github


@asynccontextmanager
async def _asking(url: GitHubUrl, token: str | None, by: By, cache: CACHE_TYPE | None) -> AsyncIterator[GitHubAPI]:
    """What callers convert is what GitHub answered, and is told where it does not fit. Whatever else they do wrong is
    theirs."""
    async with reaching(url) as server:
        try:
            yield _GitHub(server, token, cache)
        except msgspec.ValidationError as error:
            raise not_understood(url) from error
        except GitHubException as error:
            raise _told(error, url, by) from error


class _GitHub(GitHubAPI):
    """The library's, which stumbles over some answers that are none of GitHub's."""

    def __init__(self, server: Reached, token: str | None, cache: CACHE_TYPE | None) -> None:
        super().__init__(server.client, "bakery", oauth_token=token, base_url=api_of(server.url), cache=cache)
        self._server = server

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """What the library cannot read is found here, where nothing but the answer can be the cause."""
        request = self._server.client.build_request(method, url, headers=dict(headers), content=body)
        answer = await self._server.ask(request)
        told = (answer.status_code, answer.headers, answer.content)
        try:
            decipher_response(*told)
        except GitHubException:
            pass  # which it raises again
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise not_understood(self._server.url) from error
        return told

    async def getiter(
        self,
        url: str,
        url_vars: Mapping[str, Any] | None = None,
        *,
        accept: str = accept_format(),
        jwt: str | None = None,
        oauth_token: str | None = None,
        extra_headers: dict[str, str] | None = None,
        iterable_key: str | None = None,
    ) -> AsyncGenerator[Any, None]:
        rows = super().getiter(
            url,
            url_vars,
            accept=accept,
            jwt=jwt,
            oauth_token=oauth_token,
            extra_headers=extra_headers,
            iterable_key=iterable_key,
        )
        async with aclosing(rows):
            while True:
                try:
                    row = await anext(rows)
                except StopAsyncIteration:
                    return
                except TypeError as error:  # it is no list
                    raise not_understood(self._server.url) from error
                yield row


def _told(error: GitHubException, url: GitHubUrl, by: By) -> BakeryError:
    if isinstance(error, RateLimitExceeded):
        until = error.rate_limit.reset_datetime
        return TooMany(
            f"GitHub's rate limit for {by.name} is used up until {until:%H:%M} UTC.",
            hint="Ask again after that.",
            retry_after=max(int((until - datetime.now(UTC)).total_seconds()), 1),
        )
    if isinstance(error, RedirectionException):
        return Conflict("It has moved at GitHub: it was renamed or transferred.", hint="Choose it anew.")
    if isinstance(error, HTTPException):
        return _of_status(error, url, by)
    return not_understood(url)


def _of_status(error: HTTPException, url: GitHubUrl, by: By) -> BakeryError:
    status = int(error.status_code)
    asks_to_wait = "retry-after" in (error.headers or {})
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and asks_to_wait):
        return _too_many(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(
            f"{url} has a fault of its own: it answered {status}.",
            hint="Look at githubstatus.com, and try again in a while.",
            retry_after=A_WHILE,
        )
    refused = f"GitHub refused this: {_said(error)}"
    told: Mapping[int, BakeryError] = {
        401: LinkRefused(f"GitHub does not take {by.name} any more: {by.ended}", hint=by.again),
        403: Conflict(f"GitHub does not allow this to {by.name}: {_said(error)}", hint=by.allow),
        404: NotFound(f"GitHub shows no such thing to {by.name}.", hint=by.show),
        410: NotFound(f"GitHub shows this to nobody any more, nor to {by.name}.", hint=by.show),
        422: Conflict(refused, hint="Correct what it names, and try again."),
    }
    return told.get(status, Conflict(refused, hint="Try again in a while."))


def _too_many(error: HTTPException) -> TooMany:
    told = (error.headers or {}).get("retry-after", "")
    seconds = int(told) if told.isascii() and told.isdecimal() and len(told) < 6 else A_WHILE
    return TooMany(
        f"GitHub asks us to wait {seconds} seconds.", hint="It was asked too much at once.", retry_after=max(seconds, 1)
    )


def _said(error: HTTPException) -> str:
    """In one line, and no longer than people read."""
    return " ".join(str(error).split())[:300]
