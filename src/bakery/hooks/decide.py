"""What becomes of a push: decided from facts alone, with the reason as a sentence for people."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bakery.helper.git_urls import find_url, is_ref
from bakery.hooks.path_globs import any_matches, is_below, matches
from bakery.hooks.payloads import NOTHING, Push
from bakery.model.sources import Ref

_SKIPS = re.compile(r"\[(?:skip (?:deploy|ci)|(?:deploy|ci) skip|no ci)\]", re.IGNORECASE)
_SAME_SERVERS = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com", "www.github.com": "github.com"}


class Decision(StrEnum):
    DEPLOYS = "deploys"
    PREVIEWS = "previews"  # a pull request, which has a place of its own
    COALESCED = "coalesced"  # a newer push came before it was its turn
    IGNORED = "ignored"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Decided:
    """`ref` is what is deployed; None: nothing. `is_newest`: its commit is the head from now on, deployed or not."""

    decision: Decision
    why: str
    ref: Ref | None = None
    is_newest: bool = False


@dataclass(frozen=True, slots=True)
class Followed:
    """What an environment follows, and what is known of it. `head` is the newest commit that a push brought."""

    url: str | None
    branch: str | None
    base: str = ""
    is_on: bool = True
    paths: Sequence[str] = ()
    tags: str = ""
    repository_id: str | None = None
    head: str | None = None
    head_at: datetime | None = None


class OfRepository(Protocol):
    """What tells of a repository."""

    @property
    def repository(self) -> str: ...
    @property
    def repository_id(self) -> str: ...
    @property
    def urls(self) -> Sequence[str]: ...


def decide(push: Push, followed: Followed, *, is_behind_head: bool) -> Decided:
    """`is_behind_head`: pushes that are known lead from its commit to the head."""
    return (
        refusal_of_repository(push, followed)
        or _of_ref(push, followed)
        or _of_order(push, followed, is_behind_head=is_behind_head)
        or _of_switches(push, followed)
        or _of_paths(push, followed)
        or _deploys(push, followed)
    )


def is_renamed(push: Push, followed: Followed) -> bool:
    return bool(push.repository_id) and push.repository_id == followed.repository_id and not _is_at(push, followed.url)


def refusal_of_repository(told: OfRepository, followed: Followed) -> Decided | None:
    """None: it is of the one that is followed."""
    if followed.url is None or followed.branch is None:
        return _ignored("The app follows no repository.")
    named = told.repository or "another repository"
    if followed.repository_id and told.repository_id and told.repository_id != followed.repository_id:
        return Decided(
            Decision.REFUSED,
            f"It is of {named}, which is not the repository that pushed here before: its server counts it as another.",
        )
    if not followed.repository_id and not _is_at(told, followed.url):
        return Decided(Decision.REFUSED, f"It is of {named}, and the app follows {followed.url}.")
    if followed.repository_id and not told.repository_id and not _is_at(told, followed.url):
        return Decided(Decision.REFUSED, f"It is of {named}, and the app follows {followed.url}.")
    return None


def _is_at(told: OfRepository, url: str | None) -> bool:
    ours = _identity(url or "")
    return ours is not None and any(_identity(theirs) == ours for theirs in told.urls)


def _identity(url: str) -> tuple[str, str] | None:
    """One repository, however it is reached."""
    found = find_url(url.rstrip("/").replace("git://", "https://", 1))
    if found is None:
        return None
    host = _SAME_SERVERS.get(found.host, found.host)
    return host, found.path.strip("/").removesuffix(".git").lower()


def _of_ref(push: Push, followed: Followed) -> Decided | None:
    if not is_ref(push.ref):
        return _ignored("Its branch or tag has a name that git would not take.")
    kind, name = push.ref.split("/", 2)[1:]
    if kind == "tags":
        return _of_tag(push, followed, name)
    if name != followed.branch:
        return _ignored(f"It is of the branch {name}, and the app follows {followed.branch}.")
    if push.is_gone:
        return _ignored(f"The branch {name} was deleted. What is live stays live.")
    if push.before == push.commit:
        return _ignored("Nothing was pushed: its server tests whether we listen. We do.")
    return None


def _of_tag(push: Push, followed: Followed, name: str) -> Decided | None:
    if push.is_gone:
        return _ignored(f"The tag {name} was deleted.")
    if not followed.tags:
        return _ignored(f"Tags do not deploy, and this is the tag {name}.")
    if not matches(followed.tags, name):
        return _ignored(f"The tag {name} is none of {followed.tags}.")
    return None


def _of_switches(push: Push, followed: Followed) -> Decided | None:
    if not followed.is_on:
        return _ignored("Auto-deploy is off.", is_newest=True)
    if found := _SKIPS.search(push.message):
        return _ignored(f"Its commit says {found[0].lower()}.", is_newest=True)
    return None


def _of_order(push: Push, followed: Followed, *, is_behind_head: bool) -> Decided | None:
    if followed.head is None or push.ref.startswith("refs/tags/"):
        return None
    head = followed.head[:7]
    if push.commit == followed.head:
        return _ignored(f"{head} came with an earlier push already.")
    if push.before == followed.head:
        return None
    if is_behind_head:
        return _ignored(f"It is older than {head}, whose push arrived before it.")
    if push.at is not None and followed.head_at is not None and push.at < followed.head_at:
        return _ignored(f"It was pushed before {head}, whose push arrived before it.")
    return None


def _of_paths(push: Push, followed: Followed) -> Decided | None:
    base, globs = followed.base, [*([followed.base] if followed.base else []), *followed.paths]
    if not globs or push.paths is None or push.ref.startswith("refs/tags/"):
        return None
    if (base and any(is_below(base, path) for path in push.paths)) or any_matches(followed.paths, push.paths):
        return None
    return _ignored(f"It changes nothing in {', '.join(globs)}.", is_newest=True)


def _deploys(push: Push, followed: Followed) -> Decided:
    """A tag by its name: its hash may be that of the tag itself."""
    name = push.ref.split("/", 2)[2]
    if push.ref.startswith("refs/tags/"):
        return Decided(Decision.DEPLOYS, f"The tag {name} was pushed.", Ref(push.ref), is_newest=True)
    said = [f"{push.commit[:7]} was {'force-pushed' if push.is_forced else 'pushed'} to {name}."]
    if followed.head and push.before not in {followed.head, NOTHING} and not push.is_forced:
        said.append("Pushes between this one and the last never arrived.")
    if (followed.base or followed.paths) and push.paths is None:
        said.append("Its server does not list all files that changed, so it is deployed.")
    if is_renamed(push, followed):
        said.append(f"The repository is called {push.repository} now: change the address of the source.")
    return Decided(Decision.DEPLOYS, " ".join(said), Ref(push.commit), is_newest=True)


def _ignored(why: str, *, is_newest: bool = False) -> Decided:
    return Decided(Decision.IGNORED, why, is_newest=is_newest)
