"""A log of any length: what its viewer begins with, and where it asks for more."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bakery.web.views.figures import Range
from bakery.web.views.shell import Tab
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class LogViewer:
    """logs/_viewer.html. `name` completes “Log of …”. `lines` and `to` say how long it was when the page was made;
    `last` are its last rows, of which the first is line `first`. `topic` changes when it ends."""

    stream: str
    name: str
    topic: str
    is_growing: bool
    lines: int
    to: int
    first: int
    last: Markup
    lines_url: str
    times_url: str
    search_url: str
    raw_url: str
    file_name: str

    @property
    def is_short(self) -> bool:
        return not self.is_growing and self.lines <= 12


@dataclass(frozen=True, slots=True)
class DeploymentLogPage:
    """logs/deployment.html."""

    id: int
    app: str
    number: int
    status: StatusView
    change: str
    log: LogViewer


@dataclass(frozen=True, slots=True)
class AppLogPage:
    """logs/app.html. Without a log nothing runs that writes one. `choices` are of which slots it is."""

    app: str
    tabs: Sequence[Tab]
    choices: Sequence[Range]
    log: LogViewer | None
