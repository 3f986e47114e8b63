"""Repositories, fetched on a node through its helper: the node's own way to them counts, not Bakery's."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from bakery.commands.command import Command
from bakery.helper.words import HINT
from bakery.model.errors import BadInput, CommandFailed
from bakery.model.secret import Secret
from bakery.model.sources import Branch, GitUrl, Ref
from bakery.nodes.helper_calls import Helper, lacks_verb
from bakery.nodes.homes import Place
from bakery.nodes.jobs import JobKey, JobLimits, JobState, JobStatus

_Answer = TypeVar("_Answer")
_CHECK_WITHIN = 60.0
_FORGET_WITHIN = 300.0


@dataclass(frozen=True, slots=True)
class GitCredentials:
    """What opens a repository: a token over https, a key over SSH. `host_keys`: those that its server may show."""

    username: str | None = None
    token: Secret | None = None
    private_key: Secret | None = None
    host_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GitFetch:
    """A commit that becomes release `number`. `for_visitors`: the machine's nginx reads its files."""

    place: Place
    number: int
    url: GitUrl
    ref: Ref
    credentials: GitCredentials = field(default_factory=GitCredentials)
    submodules: bool = True
    for_visitors: bool = False


class GitCommit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`title` is the first line of its message; `ref` is what was asked for."""

    commit: Annotated[str, Meta(pattern="^[0-9a-f]{40}$")]
    title: Annotated[str, Meta(max_length=200)]
    author: Annotated[str, Meta(max_length=200)]
    committed_at: datetime
    ref: Annotated[str, Meta(max_length=250)]


class GitRepository(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a server says of one. `host_keys` are lines that name those which it showed."""

    branches: Annotated[list[Annotated[Branch, Meta(max_length=250)]], Meta(max_length=500)]
    default: Branch | None
    host_keys: Annotated[list[Annotated[str, Meta(max_length=5000)]], Meta(max_length=20)]

    @property
    def is_listed_whole(self) -> bool:
        return len(self.branches) < 500


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    commit: Annotated[str, Meta(pattern="^[0-9a-f]{40}$")] | None


class GitSources:
    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    def fetching(self, key: JobKey, fetch: GitFetch, limits: JobLimits | None = None) -> Command:
        """The call that begins the job and goes on with its log."""
        limits = limits or JobLimits()
        told = {
            "app": fetch.place.app,
            "environment": fetch.place.environment,
            "number": fetch.number,
            **_server(fetch.url, fetch.credentials),
            "ref": fetch.ref,
            "submodules": fetch.submodules,
            "for_visitors": fetch.for_visitors,
            "memory_bytes": limits.memory_bytes,
            "seconds": limits.seconds,
            "log_bytes": limits.log_bytes,
        }
        return self._helper.call("source-fetch", key, "--follow", told=told)

    async def look(self, place: Place, number: int) -> GitCommit:
        """Of which commit a release was made."""
        return await self._helper.ask(GitCommit, "source-look", place.app, place.environment, str(number))

    async def forget(self, place: Place) -> None:
        """What is kept of fetches: the next one brings all anew. Refused while one is under way."""
        try:
            await self._helper.say("source-forget", place.app, place.environment, within=_FORGET_WITHIN)
        except CommandFailed as error:
            if not lacks_verb(error):  # there it stays, as it did
                raise

    async def check(self, url: GitUrl, credentials: GitCredentials) -> GitRepository:
        """Asks its server, from the node. Raises BadInput when that does not show it, and says why."""
        return await self._ask(GitRepository, "source-check", _server(url, credentials))

    async def head(self, url: GitUrl, credentials: GitCredentials, branch: Branch) -> str | None:
        """The commit that a branch is at, as its server says; None: there is no such branch. Raises as `check`."""
        told = {**_server(url, credentials), "branch": branch}
        return (await self._ask(_Head, "source-head", told)).commit

    async def _ask(self, shape: type[_Answer], verb: str, told: dict[str, object]) -> _Answer:
        try:
            return await self._helper.ask(shape, verb, told=told, within=_CHECK_WITHIN)
        except CommandFailed as error:
            if error.exit_status != 1:
                raise
            raise BadInput(error.message, field="url", hint=error.hint) from error


def why_not_fetched(status: JobStatus, *, what: str = "The fetch") -> tuple[str, str]:
    """A sentence about a job that was to bring something and failed, and what to do next."""
    sentence, _, hint = status.reason.partition(f"\n{HINT}")
    if status.state is not JobState.EXITED or sentence.startswith("ended "):  # it could say nothing itself
        return f"{what} {sentence or status.state}.", hint
    return sentence, hint


def _server(url: GitUrl, given: GitCredentials) -> dict[str, object]:
    return {
        "url": url,
        "username": given.username if given.token else None,
        "token": given.token.reveal() if given.token else None,
        "private_key": given.private_key.reveal() if given.private_key else None,
        "host_keys": list(given.host_keys),
    }
