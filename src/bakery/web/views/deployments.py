"""A deployment: its row in a list, and its page with steps and log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from markupsafe import Markup

from bakery.web.moments import Moment
from bakery.web.views.forms import Form, Options
from bakery.web.views.shell import Tab
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """`id` is the row's in the database; people know it as `app` #`number`. One can go back to release
    `back_to`."""

    id: int
    app: str
    number: int
    status: StatusView
    sha: str
    change: str
    started: Moment
    took: str = ""
    is_live: bool = False
    back_to: int | None = None


@dataclass(frozen=True, slots=True)
class DeploymentsPage:
    """deployments/index.html. `next` and `first` page through the history."""

    app: str
    tabs: Sequence[Tab]
    rows: Sequence[DeploymentRow]
    next: str | None = None
    first: str | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """`html` is made by the server: escaped text with classes for its colours, links to http(s) only."""

    number: int
    html: Markup


@dataclass(frozen=True, slots=True)
class StepLog:
    """The step's lines, up to the byte `to`, where the live part goes on. `is_cut`: the first are left out."""

    stream: str
    lines: Sequence[LogLine]
    to: int
    raw: str
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class StepView:
    """`key` is the step's anchor; `weight` (1 to 4) its share of the strip; `since` the start while it runs."""

    key: str
    name: str
    status: StatusView
    detail: str
    took: str = ""
    usual: str = ""
    weight: int = 1
    is_open: bool = False
    since: str = ""
    log: StepLog | None = None


@dataclass(frozen=True, slots=True)
class StepFold:
    """Several steps in one line, so that the log starts high."""

    status: StatusView
    title: str
    steps: Sequence[StepView]


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed, where, what the command said, how to fix it."""

    title: str
    where: str
    output: str
    fix: str
    error_id: str
    at: Moment
    line: str = ""  # the anchor of the line to jump to


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """The part of the page that changes while it runs; `_deployment.html` renders it alone."""

    id: int
    app: str
    number: int
    status: StatusView
    change: str
    sha: str
    trigger: str
    place: str
    calm: str  # what is live meanwhile: “#42 is still live on blue.”
    steps: Sequence[StepView]
    is_over: bool
    took: str
    note: str = ""  # what failed although it is live
    usual: str = ""
    since: str = ""
    current: StepView | None = None
    position: str = ""  # “step 6 of 12”
    failure: Failure | None = None
    why_not_cancel: str = ""
    address: str = ""  # of the site, once it is live
    retries_from: str = ""  # the step at which it ended, where it can be retried
    back_to: int | None = None  # the release that one can go back to
    why_not_back: str = ""

    @property
    def rows(self) -> Sequence[StepView | StepFold]:
        """Steps that are done, and all but the next of those to come, fold into one line each."""
        tones = [step.status.tone for step in self.steps]
        done = next((at for at, tone in enumerate(tones) if tone != "ok"), 0)
        coming = len(tones) - sum(1 for _ in takewhile(lambda tone: tone == "wait", reversed(tones))) + 1
        head, tail = self.steps[:done], self.steps[coming:]
        rows: list[StepView | StepFold] = list(self.steps[done:coming])
        if len(head) > 1:
            rows.insert(0, StepFold(head[-1].status, f"{len(head)} steps done", head))
        else:
            rows[:0] = head
        if len(tail) > 1:
            return [*rows, StepFold(tail[0].status, f"{len(tail)} more steps", tail)]
        return [*rows, *tail]


@dataclass(frozen=True, slots=True)
class WayBackView:
    """What rolling back would change. `variables` is empty where there is nothing to choose."""

    number: int
    change: str
    was_live: Moment
    instead: str
    effect: str
    variables: Options
    form: Form = field(default_factory=lambda: Form(values={"variables": "then"}))


@dataclass(frozen=True, slots=True)
class DeploymentPage:
    """deployments/show.html. Field of the way back: variables."""

    deployment: DeploymentView
    way_back: WayBackView | None = None
