"""The pages of the connection to GitHub."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.moments import Moment
from bakery.web.views.forms import Form


@dataclass(frozen=True, slots=True)
class GitHubSettingsPage:
    """settings/github.html. Fields: url, client_id, client_secret. `callback` is what GitHub wants to know of us,
    `register` where an OAuth app is made there, `changed` who did last; all of it None where nothing is known yet."""

    form: Form
    callback: str
    homepage: str
    register: str
    is_known: bool
    links: int = 0
    changed_by: str = ""
    changed: Moment | None = None


@dataclass(frozen=True, slots=True)
class GitHubLinkPage:
    """account/github.html. `server` None: no OAuth app is known. `topic` changes when the link does."""

    server: str | None
    login: str | None
    linked: Moment | None
    topic: str
    may_set_up: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    full_name: str
    is_private: bool
    branch: str


@dataclass(frozen=True, slots=True)
class PickPage:
    """apps/new_github.html. `repositories` that match `q`, of which `more` are not shown; or the `branches` of one
    `repository`. `limits` says in words how much GitHub still answers, `renews` until when."""

    q: str
    repositories: Sequence[RepositoryRow]
    more: int
    repository: str
    branches: Sequence[str]
    cut: str
    limits: str
    renews: Moment | None
    problem: str
