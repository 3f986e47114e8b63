"""Asking GitHub: every answer that is none becomes a sentence with its cause and what to do next."""

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus

import httpx
import msgspec
from gidgethub import GitHubException, HTTPException, RateLimitExceeded, RedirectionException
from gidgethub.abc import CACHE_TYPE
from gidgethub.httpx import GitHubAPI

from bakery.model.errors import BakeryError, Conflict, NotFound, TooMany, Unavailable
from bakery.model.github import GitHubUrl, api_of
from bakery.model.secret import Secret

_PATIENCE = 10.0  # seconds
_MOST_PAGES = 500
_A_WHILE = 60  # seconds, where GitHub does not say for how long


class LinkRefused(Conflict):
    """The token is good for nothing any more."""


@asynccontextmanager
async def asking(url: GitHubUrl, token: Secret | None, *, cache: CACHE_TYPE | None = None) -> AsyncIterator[GitHubAPI]:
    """Its API, for whom the token is of; without one for everybody, or with a JWT of an App in each request. `cache`
    holds what it answered to the same token."""
    opened = token.reveal() if token else None
    async with reaching(url) as client:
        try:
            yield GitHubAPI(client, "bakery", oauth_token=opened, base_url=api_of(url), cache=cache)
        except (msgspec.ValidationError, ValueError, LookupError) as error:  # as the library reads what is no GitHub's
            raise _not_understood(url) from error
        except GitHubException as error:
            raise _told(error, url) from error


@asynccontextmanager
async def reaching(url: GitHubUrl) -> AsyncIterator[httpx.AsyncClient]:
    """Follows no redirect, and no page of a list that lies elsewhere: a token goes to the server that an Admin named,
    and nowhere else. Pages that lead in a circle have an end."""
    servers = {_server(httpx.URL(address)) for address in (url, api_of(url))}
    asked = itertools.count()

    async def expect_server(request: httpx.Request) -> None:
        if _server(request.url) not in servers or next(asked) >= _MOST_PAGES:
            raise _not_understood(url)

    hooks = {"request": [expect_server]}
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE, follow_redirects=False, event_hooks=hooks) as client:
            yield client
    except httpx.TimeoutException as error:
        raise Unavailable(
            f"{url} did not answer within {_PATIENCE:.0f} seconds.", hint="Try again in a moment.", retry_after=_A_WHILE
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(
            f"{url} cannot be reached from here: {type(error).__name__}.",
            hint="Look at githubstatus.com, and at the address under Settings → GitHub. Then try again.",
            retry_after=_A_WHILE,
        ) from error


def _server(url: httpx.URL) -> tuple[str, bytes]:
    return url.scheme, url.netloc


def _told(error: GitHubException, url: GitHubUrl) -> BakeryError:
    if isinstance(error, RateLimitExceeded):
        until = error.rate_limit.reset_datetime
        return TooMany(
            f"GitHub's rate limit for this connection is used up until {until:%H:%M} UTC.",
            hint="Ask again after that.",
            retry_after=max(int((until - datetime.now(UTC)).total_seconds()), 1),
        )
    if isinstance(error, RedirectionException):
        return Conflict("It has moved at GitHub: it was renamed or transferred.", hint="Choose it anew.")
    if isinstance(error, HTTPException):
        return _of_status(error, url)
    return _not_understood(url)


def _not_understood(url: GitHubUrl) -> Unavailable:
    return Unavailable(f"{url} answered in words that mean nothing to us.", hint="Is it a GitHub server?")


def _of_status(error: HTTPException, url: GitHubUrl) -> BakeryError:
    status = int(error.status_code)
    asks_to_wait = "retry-after" in (error.headers or {})
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and asks_to_wait):
        return _too_many(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(
            f"{url} has a fault of its own: it answered {status}.",
            hint="Look at githubstatus.com, and try again in a while.",
            retry_after=_A_WHILE,
        )
    kind, sentence, hint = _SENTENCES.get(status, (Conflict, "GitHub refused this: {said}", "Try again in a while."))
    return kind(sentence.format(said=_said(error)), hint=hint)


_SENTENCES: Mapping[int, tuple[type[BakeryError], str, str]] = {
    401: (
        LinkRefused,
        "GitHub does not take this link any more: it was revoked, or ended.",
        "Link GitHub again under Account → GitHub. Of the GitHub App, Settings → GitHub says more.",
    ),
    403: (
        Conflict,
        "GitHub does not allow this to the link: {said}",
        "Ask an owner of the organisation to allow Bakery there.",
    ),
    404: (NotFound, "GitHub shows no such thing to this link.", "Was it deleted, renamed or made private?"),
    422: (Conflict, "GitHub refused this: {said}", "Correct what it names, and try again."),
}


def _too_many(error: HTTPException) -> TooMany:
    told = (error.headers or {}).get("retry-after", "")
    seconds = int(told) if told.isascii() and told.isdecimal() and len(told) < 6 else _A_WHILE
    return TooMany(
        f"GitHub asks us to wait {seconds} seconds.", hint="It was asked too much at once.", retry_after=max(seconds, 1)
    )


def _said(error: HTTPException) -> str:
    """In one line, and no longer than people read."""
    return " ".join(str(error).split())[:300]
