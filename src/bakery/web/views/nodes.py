"""The machines that apps run on: the list, and one of them with what was found there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bakery.web.moments import Moment
from bakery.web.views.figures import Charts, Figure
from bakery.web.views.forms import Form
from bakery.web.views.shell import Tab
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class Limit:
    """What this machine cannot do, what that means, and what would change it."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class NodeCard:
    """`href` is empty for those who may not open it. `trouble` says since when, what, and what to do."""

    name: str
    status: StatusView
    address: str
    href: str = ""
    trouble: str = ""
    remedy: str = ""
    is_draining: bool = False
    figures: Sequence[Figure] = ()
    tools: Sequence[StatusView] = ()  # each word names a tool and its version


@dataclass(frozen=True, slots=True)
class NodesPage:
    """nodes/index.html. `summary` is one sentence about all of them."""

    nodes: Sequence[NodeCard]
    summary: str
    why_not_add: str


@dataclass(frozen=True, slots=True)
class NewNodePage:
    """nodes/new.html. Fields: slug, host, port, user, bastion, name."""

    form: Form


@dataclass(frozen=True, slots=True)
class CheckRow:
    status: StatusView
    said: str
    fix: str


@dataclass(frozen=True, slots=True)
class Keys:
    """A host key that is not the pinned one. `seen` goes back with the decision."""

    pinned: str
    seen: str
    whose: str


@dataclass(frozen=True, slots=True)
class Installer:
    """The line to run, and until when its address is good."""

    line: str
    until: Moment


@dataclass(frozen=True, slots=True)
class NodeView:
    """The part of a node's page that follows events; `_node.html` renders it alone."""

    card: NodeCard
    slug: str
    is_local: bool
    is_new: bool
    handshake: str
    handshake_at: Moment | None
    host_key: str
    keys: Keys | None
    checks: Sequence[CheckRow]
    checked: Moment | None
    is_checking: bool
    last_deployment: str
    abilities: Sequence[str]
    limits: Sequence[Limit]


@dataclass(frozen=True, slots=True)
class NodePage:
    """nodes/show.html."""

    node: NodeView
    tabs: Sequence[Tab]
    charts: Charts
    installer: Installer | None = None


@dataclass(frozen=True, slots=True)
class LeftoverRow:
    """`size` is empty for what takes next to nothing."""

    kind: str
    name: str
    size: str
    why: str


@dataclass(frozen=True, slots=True)
class NodeVolumeRow:
    """`why_not_delete` is empty for one that nothing has."""

    key: str
    app: str
    name: str
    size: str
    said: str
    why_not_delete: str = ""


@dataclass(frozen=True, slots=True)
class NodeDiskPage:
    """nodes/disk.html. `trouble`: the node could not be asked, and nothing else is known. `delete` is the form of a
    deletion that was refused, `refused` the key of its row. Field: confirm."""

    node: str
    tabs: Sequence[Tab]
    free: Sequence[str] = ()
    is_scarce: bool = False
    rows: Sequence[LeftoverRow] = ()
    total: str = ""
    notes: Sequence[str] = ()
    trouble: str = ""
    volumes: Sequence[NodeVolumeRow] = ()
    delete: Form = field(default_factory=Form)
    refused: str = ""
    problem: str = ""
    no_form: Form = field(default_factory=Form)


@dataclass(frozen=True, slots=True)
class DriftRow:
    key: str
    kind: str
    name: str
    app: str
    path: str
    said: str
    how: str
    is_repairable: bool
    diff: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NodeDriftPage:
    """nodes/drift.html. `trouble`: the node could not be asked. `at_once` is how many are repaired without being named.
    Field: what."""

    node: str
    tabs: Sequence[Tab]
    rows: Sequence[DriftRow] = ()
    looked_at: int = 0
    at_once: int = 0
    notes: Sequence[str] = ()
    trouble: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class NodeSettingsPage:
    """nodes/settings.html. Fields: name, host, port, user, bastion, apps_domain, public_address, public_ipv6; and
    confirm. Of this machine: public_ipv6 alone."""

    node: str
    tabs: Sequence[Tab]
    form: Form
    is_draining: bool
    is_rotating: bool
    why_not_remove: str
    is_local: bool = False
    remove: Form = field(default_factory=Form)
