"""The work on a machine: its jobs, one of them with its log, and what was run there."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.moments import Moment
from bakery.web.views.forms import Form
from bakery.web.views.logs import LogViewer
from bakery.web.views.shell import Tab
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class JobRow:
    id: int
    title: str
    status: StatusView
    by: str
    asked: Moment
    took: str
    href: str


@dataclass(frozen=True, slots=True)
class NodeJobsPage:
    """nodes/jobs.html. Field: command."""

    node: str
    tabs: Sequence[Tab]
    rows: Sequence[JobRow]
    form: Form
    next: str | None = None
    first: str | None = None


@dataclass(frozen=True, slots=True)
class JobView:
    """The part of a job's page that follows events, without its log."""

    id: int
    node: str
    title: str
    status: StatusView
    by: str
    asked: Moment
    took: str
    outcome: str
    is_over: bool
    is_cancelling: bool


@dataclass(frozen=True, slots=True)
class JobPage:
    """nodes/job.html."""

    job: JobView
    log: LogViewer


@dataclass(frozen=True, slots=True)
class RunRow:
    """A line of the transcript."""

    id: int
    at: Moment
    command: str
    status: StatusView
    took: str
    output: str


@dataclass(frozen=True, slots=True)
class NodeCommandsPage:
    """nodes/commands.html. `request` narrows it to what one request caused."""

    node: str
    tabs: Sequence[Tab]
    rows: Sequence[RunRow]
    request: str
    here: str
    next: str | None = None
    first: str | None = None
