"""The list of apps, and the page of one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bakery.web.moments import Moment
from bakery.web.views.deployments import DeploymentRow
from bakery.web.views.forms import Form
from bakery.web.views.processes import ProcessesView
from bakery.web.views.shell import Tab
from bakery.web.views.slots import SlotsView
from bakery.web.views.status import StatusView
from bakery.web.views.variables import NotLive


@dataclass(frozen=True, slots=True)
class AppRow:
    slug: str
    name: str
    status: StatusView
    address: str
    node: str
    version: str  # “main@9f3c1e”
    deployed: Moment | None


@dataclass(frozen=True, slots=True)
class AppsPage:
    """apps/index.html. Filter (GET): q. 50 a page."""

    rows: Sequence[AppRow]
    filters: Form
    total: int
    is_filtered: bool
    why_not_create: str = ""
    next: str | None = None
    first: str | None = None


@dataclass(frozen=True, slots=True)
class LiveRelease:
    number: int
    change: str
    version: str
    by: str
    since: Moment
    slot: str
    address: str
    health: str


@dataclass(frozen=True, slots=True)
class AppView:
    """The part of the page that follows events; `_app.html` renders it alone.

    `problem` says what is wrong now, in a sentence. `interruption` says what stopping or restarting means here.
    `environment` is empty for production. `follows` is the branch and the repository that are deployed, or the image;
    empty: folders are uploaded.
    """

    slug: str
    name: str
    status: StatusView
    address: str
    source: str
    node: str
    interruption: str
    live: LiveRelease | None
    deployments: Sequence[DeploymentRow]
    back_to: int | None = None  # the release before
    environment: str = ""
    follows: str = ""
    is_image: bool = False
    is_stopped: bool = False
    not_live: NotLive | None = None
    problem: str = ""
    why_not_act: str = ""


@dataclass(frozen=True, slots=True)
class AppPage:
    """apps/show.html. Fields of the deletion: confirm, volumes; of the clone: slug. `lost` says what goes with the app,
    `kept` what stays; `volumes` may go too."""

    app: AppView
    tabs: Sequence[Tab]
    slots: SlotsView
    processes: ProcessesView
    delete: Form = field(default_factory=Form)
    lost: Sequence[str] = ()
    kept: Sequence[str] = ()
    volumes: Sequence[str] = ()
    why_not_delete: str = ""
    clone: Form = field(default_factory=Form)
    why_not_clone: str = ""
