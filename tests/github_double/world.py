"""What the double of GitHub knows: people, repositories, OAuth apps, GitHub Apps, and the tokens that it gave out."""

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

LIMIT = 5000
AS_USUAL: tuple[int, dict[str, str]] = (0, {})  # no fault: what comes before one


class Refused(Exception):
    """Is answered instead of what was asked for, in GitHub's words."""

    def __init__(self, status: int, message: str, *, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {
            "message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status),
        }  # fmt: skip
        if errors:
            self.body["errors"] = errors


@dataclass
class Repository:
    id: int
    owner: str
    name: str
    private: bool
    branches: dict[str, str]
    readers: frozenset[str]
    hooks: dict[int, dict[str, object]] = field(default_factory=dict)
    statuses: list[dict[str, object]] = field(default_factory=list)
    deployments: dict[int, dict[str, object]] = field(default_factory=dict)
    comments: dict[int, dict[str, object]] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True)
class OAuthClient:
    client_id: str
    client_secret: str
    callbacks: tuple[str, ...]


@dataclass(frozen=True)
class App:
    id: int
    name: str
    client: OAuthClient
    private_key: str
    webhook_secret: str
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    owner: str = "ann"
    hook_url: str = ""


@dataclass(frozen=True)
class Installation:
    id: int
    app: int
    account: str
    repositories: frozenset[str]
    is_suspended: bool = False


@dataclass(frozen=True)
class Grant:
    """For whom a token stands: a person through a client, or an installation for some repositories."""

    expires: float
    login: str = ""
    client_id: str = ""
    installation: int = 0
    repositories: frozenset[str] = frozenset()
    permissions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Code:
    client_id: str
    login: str
    redirect_uri: str
    challenge: str
    expires: float


@dataclass
class World:
    """`signed_in` sits before the browser; `faults` are answered first, one a request; `later` turns the clock."""

    signed_in: str = "ann"
    later: float = 0
    remaining: int = LIMIT
    faults: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)  # nothing is answered while this is cleared
    asked: list[tuple[str, str, int]] = field(default_factory=list)  # method, path, status
    people: dict[str, int] = field(default_factory=lambda: {"ann": 2})
    organisations: dict[str, int] = field(default_factory=lambda: {"acme": 1})
    repositories: dict[str, Repository] = field(default_factory=dict)
    clients: dict[str, OAuthClient] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    manifests: dict[str, tuple[App, float]] = field(default_factory=dict)
    tokens: dict[str, Grant] = field(default_factory=dict)
    refreshers: dict[str, Grant] = field(default_factory=dict)
    git: Path | None = None  # where the repositories' contents are, if they have any
    lock: threading.RLock = field(default_factory=threading.RLock)
    _last: int = 1000

    def now(self) -> float:
        return time.time() + self.later

    def next_id(self) -> int:
        self._last += 1
        return self._last

    def repository(
        self, full_name: str, *, private: bool = True, readers: tuple[str, ...] = ("ann",), **branches: str
    ) -> Repository:
        owner, name = full_name.split("/")
        made = Repository(self.next_id(), owner, name, private, branches or {"main": "a" * 40}, frozenset(readers))
        self.repositories[full_name] = made
        return made

    def oauth_client(self, *callbacks: str) -> OAuthClient:
        made = OAuthClient(f"Iv1.{secrets.token_hex(8)}", secrets.token_hex(20), callbacks)
        self.clients[made.client_id] = made
        return made

    def install(self, app: App, account: str, *repositories: str) -> Installation:
        made = Installation(self.next_id(), app.id, account, frozenset(repositories))
        self.installations[made.id] = made
        return made

    def change(
        self, installation: Installation, *, repositories: frozenset[str] | None = None, suspended: bool | None = None
    ) -> Installation:
        """As its account changes it; what it takes away, tokens that are out there lose too."""
        now = self.installations[installation.id]
        changed = replace(
            now,
            repositories=now.repositories if repositories is None else repositories,
            is_suspended=now.is_suspended if suspended is None else suspended,
        )
        self.installations[installation.id] = changed
        return changed

    def uninstall(self, installation: Installation) -> None:
        del self.installations[installation.id]

    def token_of(self, login: str, *, client_id: str = "", seconds: float = 28800) -> str:
        token = f"ghu_{secrets.token_hex(18)}"
        self.tokens[token] = Grant(self.now() + seconds, login=login, client_id=client_id)
        return token
