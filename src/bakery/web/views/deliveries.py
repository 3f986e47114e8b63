"""What was delivered to an app's webhook, and what was decided."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bakery.web.moments import Moment
from bakery.web.views.forms import Form
from bakery.web.views.shell import Tab
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """`said` is its branch or event with its commit; `deployment` is a number; `redeliver` is where that is asked."""

    id: int
    status: StatusView
    said: str
    title: str
    why: str
    pusher: str
    at: Moment
    times: int = 1
    deployment: int | None = None
    redeliver: str = ""


@dataclass(frozen=True, slots=True)
class BranchCard:
    """Where the branch is that pushes should tell of. `gap` says why that is not live; `problem` why nobody knows."""

    said: str
    gap: str = ""
    may_deploy: bool = False
    problem: str = ""
    hint: str = ""
    at: Moment | None = None


@dataclass(frozen=True, slots=True)
class DeliveriesPage:
    """apps/deliveries.html. Fields: is_on, paths, tags. `secret` is shown after it was asked for, once; `signing_token`
    is the same, as GitLab takes it to sign with. Without
    `addresses` there is no webhook yet. `workflows` are files for CI, each with its title. `badge` is for a
    README. `at_github` says what GitHub refused, where a link opens the repository. `repaired` is when the webhook was
    put back by itself, `repair_problem` why it could not be, `untold` what GitHub does not know of
    deployments, `left` which webhooks are there still that are of no use any more."""

    app: str
    tabs: Sequence[Tab]
    rows: Sequence[DeliveryRow] = ()
    branch: BranchCard | None = None
    addresses: Sequence[tuple[str, str]] = ()
    is_on: bool = False
    secret: str = ""
    form: Form = field(default_factory=Form)
    at_github: Form = field(default_factory=Form)
    has_github_link: bool = False
    by_app: bool = False
    is_heard: bool = False
    repaired: Moment | None = None
    repair_problem: str = ""
    untold: str = ""
    signing_token: str = ""
    left: Sequence[str] = ()
    workflows: Sequence[tuple[str, str]] = ()
    badge: str = ""
    older: str | None = None
    first: str | None = None
    why_not_change: str = ""
