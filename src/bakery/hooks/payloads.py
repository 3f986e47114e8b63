"""What a delivery says, in the words of GitHub, GitLab and Gitea alike. Pure; nothing in it is believed to be well."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec

from bakery.hooks.signatures import Provider
from bakery.model.errors import BadInput
from bakery.model.labels import shown_part

NOTHING = "0" * 40  # a branch that was not there before, or is not there any more
_COMMIT = re.compile(r"[0-9a-f]{40}")
_MOST_PATHS = 20_000
_LONGEST_PATH = 4096
_LONGEST_REF = 250
_HEADERS: Mapping[Provider, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Provider.GITHUB: (("x-github-event",), ("x-github-delivery",)),
    Provider.GITLAB: (("x-gitlab-event",), ("webhook-id", "idempotency-key", "x-gitlab-event-uuid")),
    Provider.GITEA: (
        ("x-gitea-event", "x-forgejo-event", "x-gogs-event", "x-github-event"),
        ("x-gitea-delivery", "x-forgejo-delivery", "x-gogs-delivery", "x-github-delivery"),
    ),
}


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """Of a branch or a tag. `paths` is None where the server does not list all that changed. `at` is when it was
    pushed, as far as the server says."""

    ref: str
    before: str
    commit: str
    is_forced: bool = False
    title: str = ""
    message: str = ""
    pusher: str = ""
    paths: list[str] | None = None
    repository_id: str = ""
    repository: str = ""
    urls: list[str] = []
    at: datetime | None = None

    @property
    def is_gone(self) -> bool:
        return self.commit == NOTHING

    @property
    def is_new(self) -> bool:
        return self.before == NOTHING


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What its headers say. `delivery` is the server's own id of it."""

    provider: Provider
    event: str
    delivery: str


def envelope_of(provider: Provider, headers: Mapping[str, str]) -> Envelope:
    events, ids = _HEADERS[provider]
    event = next((headers[name] for name in events if headers.get(name)), "")
    delivery = next((headers[name] for name in ids if headers.get(name)), "")
    return Envelope(
        provider=provider, event=shown_part(event, at_most=60), delivery=shown_part(delivery, at_most=100).strip()
    )


def is_ping(envelope: Envelope) -> bool:
    return envelope.event == "ping"


def is_push(envelope: Envelope) -> bool:
    """GitHub tells of new tags as pushes; Gitea also as `create`, which says nothing else."""
    return envelope.event.lower() in {"push", "push hook", "tag push hook"}


def read_push(provider: Provider, body: bytes, *, is_form: bool = False) -> Push:
    """Raises BadInput when it is none."""
    try:
        told = msgspec.json.decode(json_in(body) if is_form else body, type=_Body, strict=False)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadInput(f"The body is not what a push looks like: {shown_part(str(error), at_most=200)}") from None
    return _push(provider, told)


class _Commit(msgspec.Struct):
    id: str | None = ""
    message: str | None = ""
    timestamp: Any = None
    added: list[str] | None = None
    removed: list[str] | None = None
    modified: list[str] | None = None


class Repository(msgspec.Struct):
    id: int | str | None = None
    full_name: str | None = None
    path_with_namespace: str | None = None
    clone_url: str | None = None
    ssh_url: str | None = None
    html_url: str | None = None
    git_url: str | None = None
    git_http_url: str | None = None
    git_ssh_url: str | None = None
    web_url: str | None = None
    pushed_at: Any = None


class _Who(msgspec.Struct):
    name: str | None = None
    login: str | None = None
    username: str | None = None


class _Body(msgspec.Struct):
    """All three providers in one: what a provider does not know is not there."""

    ref: str
    after: str
    before: str = ""
    forced: bool | None = False
    deleted: bool | None = False
    commits: list[_Commit] | None = None
    head_commit: _Commit | None = None
    repository: Repository | None = None
    project: Repository | None = None
    project_id: int | str | None = None
    pusher: _Who | None = None
    user_username: str | None = None
    total_commits: int | None = None
    total_commits_count: int | None = None


def _push(provider: Provider, told: _Body) -> Push:
    after, before = told.after.lower(), told.before.lower() or NOTHING
    for name, commit in (("after", after), ("before", before)):
        if not _COMMIT.fullmatch(commit):
            raise BadInput(f"“{name}” is not the hash of a commit.")
    if not told.ref.startswith(("refs/heads/", "refs/tags/")) or len(told.ref) > _LONGEST_REF:
        raise BadInput("“ref” names no branch and no tag.")
    repository = told.project or told.repository or Repository()
    head = told.head_commit or _newest(told.commits or [], after)
    number = told.project_id if provider is Provider.GITLAB and told.project_id is not None else repository.id
    who = told.pusher or _Who()
    message = head.message or ""
    return Push(
        ref=told.ref,
        before=before,
        commit=NOTHING if told.deleted else after,
        is_forced=bool(told.forced),
        title=shown_part(message.strip().partition("\n")[0], at_most=200),
        message=kept(message, at_most=10_000),
        pusher=shown_part(told.user_username or who.login or who.username or who.name or "", at_most=80),
        paths=_paths(told, before),
        repository_id="" if number is None else f"{provider}:{shown_part(str(number), at_most=60)}",
        repository=shown_part(repository.full_name or repository.path_with_namespace or "", at_most=200),
        urls=urls_of(repository),
        at=moment(repository.pushed_at) or moment(head.timestamp),
    )


def _newest(commits: Sequence[_Commit], after: str) -> _Commit:
    """Servers list them from either end."""
    return next((one for one in commits if one.id == after), commits[-1] if commits else _Commit())


def urls_of(repository: Repository) -> list[str]:
    named = (
        repository.clone_url,
        repository.ssh_url,
        repository.html_url,
        repository.git_url,
        repository.git_http_url,
        repository.git_ssh_url,
        repository.web_url,
    )
    return list(dict.fromkeys(kept(url, at_most=500) for url in named if url))


def kept(text: str, *, at_most: int) -> str:
    """As the database takes it, which has no NUL. Git has none either, in messages and paths."""
    return text[:at_most].replace("\0", "")


def _paths(told: _Body, before: str) -> list[str] | None:
    """Servers list so many commits and no more, and after a forced push not those that went."""
    commits = told.commits or []
    count = told.total_commits if told.total_commits is not None else told.total_commits_count
    is_whole = bool(commits) and (count is None or count <= len(commits)) and len(commits) < 2000
    if not is_whole or told.forced or before == NOTHING:
        return None
    found = {
        kept(path, at_most=_LONGEST_PATH)
        for commit in commits
        for path in (*(commit.added or ()), *(commit.removed or ()), *(commit.modified or ()))
    }
    return sorted(found)[:_MOST_PATHS] if len(found) <= _MOST_PATHS else None


def moment(told: object) -> datetime | None:
    """Seconds since 1970, or ISO 8601."""
    try:
        if isinstance(told, int) and not isinstance(told, bool):
            return datetime.fromtimestamp(told, UTC)
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def json_in(body: bytes) -> bytes:
    """Of a form, as GitHub sends it where nobody chose JSON."""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:  # more of them
        return b""
    return (fields.get("payload") or [""])[0].encode("utf-8", "replace")
