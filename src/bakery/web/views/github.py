"""The pages of the connection to GitHub."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.moments import Moment
from bakery.web.views.forms import Form, Options
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class InstallationRow:
    """`problem` says why it opens nothing. `settings_url` is where repositories are chosen at GitHub."""

    account: str
    repositories: str
    names: Sequence[str]
    settings_url: str
    status: StatusView
    problem: str = ""


@dataclass(frozen=True, slots=True)
class GitHubAppView:
    """The App, as it was `looked` at last. `apps`: those that it opens. `problem` is of that look."""

    name: str
    owner: str
    server: str
    page: str
    install_page: str
    installations: Sequence[InstallationRow]
    apps: Sequence[str]
    made_by: str
    made: Moment
    looked: Moment | None
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class NewGitHubAppPage:
    """settings/github_app.html. Fields: server, owner. `manifest` is what the browser sends to `address` at GitHub;
    empty where it cannot yet."""

    form: Form
    address: str = ""
    manifest: str = ""


@dataclass(frozen=True, slots=True)
class LeftHookRow:
    """A webhook that is of no use any more and that GitHub has not taken away. `page` is where a person does. `next`
    None: it was given up."""

    id: int
    repository: str
    of: str
    page: str
    problem: str
    since: Moment
    next: Moment | None


@dataclass(frozen=True, slots=True)
class GitHubSettingsPage:
    """settings/github.html. `app` None: there is none, and `problem` says why none was made. Fields: url,
    client_id, client_secret. `callback` is what GitHub wants to know of us, `register` where an OAuth app is made
    there, `changed` who did last; all of it None where nothing is known yet."""

    form: Form
    callback: str
    homepage: str
    register: str
    is_known: bool
    app: GitHubAppView | None = None
    problem: str = ""
    links: int = 0
    changed_by: str = ""
    changed: Moment | None = None
    left: Sequence[LeftHookRow] = ()


@dataclass(frozen=True, slots=True)
class GitHubLinkPage:
    """account/github.html. `server` None: no OAuth app is known. `topic` changes when the link does."""

    server: str | None
    login: str | None
    linked: Moment | None
    topic: str
    may_set_up: bool
    has_app: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    full_name: str
    is_private: bool
    branch: str


@dataclass(frozen=True, slots=True)
class Choices:
    """Whose repositories can be shown, and whose are: `of` is an account where the GitHub App is installed, empty for
    the person's own link."""

    of: str
    rows: Options


@dataclass(frozen=True, slots=True)
class PickPage:
    """apps/new_github.html. `repositories` that match `q`, of which `more` are not shown; or the `branches` of one
    `repository`. `limits` says in words how much GitHub still answers, `renews` until when."""

    q: str
    choices: Choices
    repositories: Sequence[RepositoryRow]
    more: int
    repository: str
    branches: Sequence[str]
    cut: str
    limits: str
    renews: Moment | None
    problem: str
