"""How an app runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bakery.web.views.forms import Form, Option
from bakery.web.views.shell import Tab
from bakery.web.views.terms import TermGroup


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """`path` is empty where nobody names it any more."""

    name: str
    path: str
    said: str


@dataclass(frozen=True, slots=True)
class AppSettingsPage:
    """apps/settings.html. Fields: name, and where `runs` command, strategy, volumes, and those of `groups`.

    `choices` are of the strategy. `facts` is what somebody reads who may not change it. `warning` is of a choice.
    """

    app: str
    tabs: Sequence[Tab]
    runtime: str
    runs: bool = True
    form: Form = field(default_factory=Form)
    choices: Sequence[Option] = ()
    groups: Sequence[TermGroup] = ()
    facts: Sequence[tuple[str, str]] = ()
    why_not_change: str = ""
    volumes: Sequence[VolumeRow] = ()
    volume_help: str = ""
    warning: str = ""
