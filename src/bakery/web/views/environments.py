"""The environments of an app."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bakery.web.views.forms import Form
from bakery.web.views.shell import Tab
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """`page` is where it is looked at; `follows` is its branch; `address` is empty while it has none."""

    name: str
    page: str
    status: StatusView
    address: str
    follows: str
    node: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class EnvironmentsPage:
    """apps/environments.html. Fields: name, variables, and where it `has_branch` branch. `like` is the environment
    whose source and settings a new one gets."""

    app: str
    tabs: Sequence[Tab]
    rows: Sequence[EnvironmentRow]
    like: str
    has_branch: bool = False
    form: Form = field(default_factory=Form)
    why_not_add: str = ""
