"""The previews of an app: pull requests with a place of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bakery.web.moments import Moment
from bakery.web.views.forms import Form, Option
from bakery.web.views.shell import Tab
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A pull request. `page` is that of its environment, `notes` are sentences about it. What may be done has a way:
    `approve` with the `commit` that is approved, and `close`."""

    number: int
    title: str
    url: str
    said: str
    status: StatusView
    notes: Sequence[str] = ()
    page: str = ""
    address: str = ""
    deployment: int | None = None
    deployment_page: str = ""
    deployed: str = ""
    at: Moment | None = None
    commit: str = ""
    approve: str = ""
    close: str = ""


@dataclass(frozen=True, slots=True)
class PreviewsPage:
    """apps/previews.html. Fields: is_on, like, variables, most, days, memory, cpus, forks. `warning` says why nothing
    arrives although previews are on."""

    app: str
    tabs: Sequence[Tab]
    rows: Sequence[PreviewRow] = ()
    is_on: bool = False
    warning: str = ""
    likes: Sequence[Option] = ()
    forks: Sequence[Option] = ()
    form: Form = field(default_factory=Form)
    older: str | None = None
    first: str | None = None
    why_not_change: str = ""
