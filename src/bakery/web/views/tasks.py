"""The page of all that is under way."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.moments import Moment
from bakery.web.views.jobs import JobRow
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A deployment. `place` is its environment and node; `why` what it waits for, or why it failed. `cancel` and
    `retry` are addresses to post to, where whoever looks may do that."""

    id: int
    app: str
    number: int
    href: str
    place: str
    status: StatusView
    change: str
    why: str
    at: Moment
    by: str
    cancel: str = ""
    retry: str = ""


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """`key` is its anchor. `since` names the column of the time; `none` stands where there is no row."""

    key: str
    title: str
    since: str
    rows: Sequence[TaskRow]
    none: str


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command on a node."""

    node: str
    job: JobRow


@dataclass(frozen=True, slots=True)
class TasksPage:
    """tasks.html. `commands` is None for who does not manage nodes."""

    summary: str
    groups: Sequence[TaskGroup]
    commands: Sequence[CommandRow] | None
    more: bool = False
