"""The state of the fleet in words, and what just happened."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.views.activity import ActivityRow
from bakery.web.views.deployments import DeploymentRow
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
class DashboardPage:
    """dashboard.html. `checklist` is empty once everything in it is done."""

    headline: str
    summary: str
    attention: Sequence[Attention]
    checklist: Sequence[SetupStep]
    deployments: Sequence[DeploymentRow]
    activity: Sequence[ActivityRow]
