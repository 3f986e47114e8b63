"""How the slots of an app are doing."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.moments import Moment
from bakery.web.views.figures import Chart
from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class SlotView:
    """`state` is what it is for: live, warm. `check` says what was looked at last, `restarts` how often its program
    ended; `memory` and `cpu` are what it uses of its limits, empty where nobody counts it; `traffic` sums up what the
    charts show of the last hour."""

    colour: str
    state: str
    release: int
    status: StatusView
    since: Moment
    check: str
    note: str
    restarts: str
    traffic: str
    charts: Sequence[Chart]
    memory: str = ""
    cpu: str = ""


@dataclass(frozen=True, slots=True)
class SlotsView:
    """apps/_slots.html, which renders alone. `since` is ISO 8601, and a step of the charts a minute."""

    slug: str
    since: str
    begin: str
    slots: Sequence[SlotView]
