"""The terminal of an app's page."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.views.shell import Tab


@dataclass(frozen=True, slots=True)
class TerminalPage:
    """apps/terminal.html. `run` is where a command is asked for, and what goes to it below that; `same` says the same
    at a terminal. `why_not` says why nothing can be run, with what to do."""

    app: str
    environment: str
    tabs: Sequence[Tab]
    run: str
    same: str
    release: int | None
    node: str
    idle_seconds: int
    why_not: str = ""
