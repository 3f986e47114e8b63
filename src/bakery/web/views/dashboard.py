"""The state of the fleet in words, and what just happened."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.views.activity import ActivityRow
from bakery.web.views.deployments import DeploymentRow
from bakery.web.views.figures import Figure
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that needs a person, and the one thing to do about it."""

    status: StatusView
    title: str
    text: str
    href: str
    link: str


@dataclass(frozen=True, slots=True)
class SetupStep:
    title: str
    text: str
    href: str
    link: str
    done: bool


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A machine in one line. What it is busy with is for those who may open it."""

    name: str
    status: StatusView
    href: str
    is_draining: bool = False
    cpu: str = ""
    memory: str = ""
    disk: StatusView | str = ""
    load: str = ""


@dataclass(frozen=True, slots=True)
class FleetView:
    """The part of the dashboard that follows the machines; `_fleet.html` renders it alone. `lines` are those that need
    a look most; `more` counts the rest."""

    summary: str
    figures: Sequence[Figure]
    lines: Sequence[NodeLine]
    has_details: bool
    more: str = ""


@dataclass(frozen=True, slots=True)
class DashboardPage:
    """dashboard.html. `checklist` is empty once everything in it is done."""

    headline: str
    summary: str
    attention: Sequence[Attention]
    checklist: Sequence[SetupStep]
    fleet: FleetView
    deployments: Sequence[DeploymentRow]
    activity: Sequence[ActivityRow]
    why_not_create: str = ""
