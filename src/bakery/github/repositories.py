"""What a person's link shows of GitHub: their repositories, those of their organisations too, and the branches. An
installation of the GitHub App shows those that were chosen for it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from gidgethub.abc import CACHE_TYPE
from gidgethub.httpx import GitHubAPI

from bakery.github.asking import Opened, asking
from bakery.github.installation_tokens import token_to_list
from bakery.github.installations import find_account
from bakery.github.links import usable_link
from bakery.model.actor import Actor
from bakery.model.bearer import digest
from bakery.model.errors import BadInput
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.store.store import Store

MOST = 1000  # that are read for one list
_ON_A_PAGE = 100
_LINKS_KEPT = 50
_NAME = re.compile(r"([A-Za-z0-9_.-]{1,100})/([A-Za-z0-9_.-]{1,100})")


@dataclass(slots=True)
class Answers:
    """What GitHub answered before, for each token: asked again with its ETag, what has not changed costs nothing."""

    of_tokens: dict[bytes, CACHE_TYPE] = field(default_factory=dict)

    def of(self, token: Secret) -> CACHE_TYPE:
        """The oldest make room."""
        key = digest(token)
        kept = self.of_tokens.pop(key, {})
        while len(self.of_tokens) >= _LINKS_KEPT:
            self.of_tokens.pop(next(iter(self.of_tokens)))
        if len(kept) > _ON_A_PAGE:
            kept.clear()
        self.of_tokens[key] = kept
        return kept


class Repository(msgspec.Struct, frozen=True):
    """As GitHub tells it."""

    full_name: str
    private: bool
    clone_url: str
    default_branch: str
    archived: bool = False
    id: int = 0
    pushed_at: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How many questions this link may still ask, of how many, until it begins anew."""

    remaining: int
    limit: int
    renews_at: datetime


@dataclass(frozen=True, slots=True)
class Repositories:
    """`is_cut`: there are more than are read for one list."""

    items: list[Repository]
    is_cut: bool
    limits: Limits | None


@dataclass(frozen=True, slots=True)
class Branches:
    repository: Repository
    items: list[str]
    is_cut: bool
    limits: Limits | None


async def list_repositories(
    store: Store, answers: Answers, *, containing: str = "", account: str = "", actor: Actor
) -> Repositories:
    """The most lately pushed first. `containing`: a part of their names, in capitals or not. `account`: of which the
    GitHub App shows them; empty: one's own link does."""
    async with _asking(store, answers, account, actor) as github:
        address, under = (
            ("/installation/repositories?", "repositories") if account else ("/user/repos?sort=pushed&", "")
        )
        found, is_cut = await _all(github, f"{address}per_page={_ON_A_PAGE}", {}, under)
        repositories = [msgspec.convert(row, Repository) for row in found]
        repositories.sort(key=lambda one: one.pushed_at or "", reverse=True)
        wanted = containing.strip().lower()
        shown = [one for one in repositories if wanted in one.full_name.lower() and not one.archived]
        return Repositories(shown, is_cut, _limits(github))


async def list_branches(store: Store, answers: Answers, full_name: str, *, account: str = "", actor: Actor) -> Branches:
    """`full_name` is owner/name. `account` is as for repositories."""
    place = split_name(full_name)
    async with _asking(store, answers, account, actor) as github:
        repository = msgspec.convert(await github.getitem("/repos/{owner}/{name}", place), Repository)
        rows, is_cut = await _all(github, f"/repos/{{owner}}/{{name}}/branches?per_page={_ON_A_PAGE}", place)
        names = [msgspec.convert(row, _Named).name for row in rows]
        first = [name for name in names if name == repository.default_branch]
        return Branches(repository, first + [name for name in names if name not in first], is_cut, _limits(github))


async def repository_at(opened: Opened, url: str) -> Repository:
    """The one at this address, if the connection shows it."""
    async with asking(opened) as github:
        found = await github.getitem("/repos/{owner}/{name}", name_at(url))
        return msgspec.convert(found, Repository)


def name_at(url: str) -> dict[str, str]:
    """Of a repository by the address that it is fetched from."""
    return split_name(urlsplit(url).path.strip("/").removesuffix(".git"))


def split_name(full_name: str) -> dict[str, str]:
    """For the addresses of GitHub's API."""
    found = _NAME.fullmatch(full_name.strip())
    if found is None or {".", ".."} & set(found.groups()):
        raise BadInput("Name a repository as owner/name.", field="repository", hint="Like acme/shop.")
    return {"owner": found[1], "name": found[2]}


class _Named(msgspec.Struct):
    name: str


@asynccontextmanager
async def _asking(store: Store, answers: Answers, account: str, actor: Actor) -> AsyncIterator[GitHubAPI]:
    if account:
        actor.require(Permission.CREATE_APP)
        async with store.connection() as connection:
            found = await find_account(connection, account)
        opened = await token_to_list(store, found.number)
    else:
        actor.require(Permission.OWN_ACCOUNT)
        opened = await usable_link(store, actor.person_id or 0)
    async with asking(opened, cache=answers.of(opened.token)) as github:
        yield github


async def _all(github: GitHubAPI, address: str, place: Mapping[str, str], under: str = "") -> tuple[list[Any], bool]:
    """Page by page, as the Link headers lead, up to MOST."""
    found: list[Any] = []
    async for row in github.getiter(address, place, iterable_key=under or None):
        if len(found) == MOST:
            return found, True
        found.append(row)
    return found, False


def _limits(github: GitHubAPI) -> Limits | None:
    told = github.rate_limit
    return Limits(told.remaining, told.limit, told.reset_datetime) if told else None
