"""What a delivery says of a pull request, in the words of GitHub and Gitea alike. Pure; nothing in it is believed."""

import re
from datetime import datetime
from typing import Any

import msgspec

from bakery.hooks.payloads import Envelope, Repository, json_in, moment, urls_of
from bakery.hooks.signatures import Provider
from bakery.model.errors import BadInput
from bakery.model.labels import shown_part

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HIGHEST = 10**12
_SYNCHRONIZE = {"synchronize", "synchronized"}
MOVES = {"opened", "reopened", "synchronize"}


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`commit` is its head, `before` the head before a push; `at` when its server changed it last. What cannot be told
    from a fork is one."""

    action: str
    number: int
    is_closed: bool
    is_fork: bool
    commit: str
    at: datetime
    before: str = ""
    title: str = ""
    branch: str = ""
    base: str = ""
    author: str = ""
    url: str = ""
    repository_id: str = ""
    repository: str = ""
    urls: list[str] = []

    @property
    def ref(self) -> str:
        return f"refs/pull/{self.number}/head"


def is_pull_request(envelope: Envelope) -> bool:
    return envelope.event == "pull_request" and envelope.provider is not Provider.GITLAB


def read_pull_request(provider: Provider, body: bytes, *, is_form: bool = False) -> PullRequest:
    """Raises BadInput when it is none."""
    try:
        told = msgspec.json.decode(json_in(body) if is_form else body, type=_Body, strict=False)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadInput(
            f"The body is not what a pull request looks like: {shown_part(str(error), at_most=200)}"
        ) from None
    return _request(provider, told)


class _Who(msgspec.Struct):
    login: str | None = None


class _End(msgspec.Struct):
    """One of its two."""

    sha: str
    ref: str = ""
    repo: Repository | None = None


class _PullRequest(msgspec.Struct):
    head: _End
    base: _End
    state: str
    updated_at: Any
    title: str | None = ""
    html_url: str | None = ""
    user: _Who | None = None


class _Body(msgspec.Struct):
    action: str
    number: int
    pull_request: _PullRequest
    repository: Repository
    before: str | None = ""


def _request(provider: Provider, told: _Body) -> PullRequest:
    asked, repository = told.pull_request, told.repository
    head, base = asked.head, asked.base
    at = moment(asked.updated_at)
    if not _COMMIT.fullmatch(head.sha.lower()):
        raise BadInput("Its head is not the hash of a commit.")
    if not 0 < told.number < _HIGHEST:
        raise BadInput("Its number is none.")
    if at is None:
        raise BadInput("It does not say when it was changed last.")
    if repository.id is None or base.repo is None or str(base.repo.id) != str(repository.id):
        raise BadInput("It asks to be taken by another repository than the one that tells of it.")
    before = (told.before or "").lower()
    action = "synchronize" if told.action in _SYNCHRONIZE else shown_part(told.action, at_most=40)
    return PullRequest(
        action=action,
        number=told.number,
        is_closed=action == "closed" or asked.state == "closed",
        is_fork=head.repo is None or head.repo.id is None or str(head.repo.id) != str(repository.id),
        commit=head.sha.lower(),
        at=at,
        before=before if _COMMIT.fullmatch(before) else "",
        title=shown_part(asked.title or "", at_most=200),
        branch=shown_part(head.ref, at_most=200),
        base=shown_part(base.ref, at_most=200),
        author=shown_part((asked.user or _Who()).login or "", at_most=80),
        url=_page(asked.html_url or ""),
        repository_id=f"{provider}:{shown_part(str(repository.id), at_most=60)}",
        repository=shown_part(repository.full_name or "", at_most=200),
        urls=urls_of(repository),
    )


def _page(url: str) -> str:
    """Where people read it: it becomes a link."""
    return url if url.startswith(("https://", "http://")) and url.isprintable() and len(url) <= 500 else ""
