"""The variables of an app: all of them, their text, and what was changed when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from bakery.web.moments import Moment
from bakery.web.views.forms import Clash, Form, Options
from bakery.web.views.shell import Tab


@dataclass(frozen=True, slots=True)
class Change:
    """One variable that came, went or changed."""

    kind: Literal["add", "chg", "del"]
    name: str

    @property
    def mark(self) -> str:
        return {"add": "+", "chg": "~", "del": "\N{MINUS SIGN}"}[self.kind]

    @property
    def word(self) -> str:
        return {"add": "added", "chg": "changed", "del": "removed"}[self.kind]


@dataclass(frozen=True, slots=True)
class NotLive:
    """The bar that stays until all is live. `note` says what makes it so."""

    title: str
    note: str
    changes: Sequence[Change]
    can_apply: bool


@dataclass(frozen=True, slots=True)
class VariableRow:
    """`value` is None for what is hidden; `is_revealed`: somebody asked for it just now."""

    name: str
    value: str | None
    used_in: str
    by: str
    changed: Moment
    is_live: bool
    is_revealed: bool = False


@dataclass(frozen=True, slots=True)
class VariableForm:
    """Fields: name, value, scope, secret. `name` is empty for a new one; of a secret one the value is typed anew."""

    form: Form
    version: int
    name: str = ""
    is_secret: bool = True
    clash: Clash | None = None


@dataclass(frozen=True, slots=True)
class VariablesPage:
    """apps/variables.html. Filter (GET): q."""

    app: str
    tabs: Sequence[Tab]
    rows: Sequence[VariableRow]
    total: int
    filters: Form
    scopes: Options
    not_live: NotLive | None = None
    edit: VariableForm | None = None
    why_not_change: str = ""
    why_not_see: str = ""


@dataclass(frozen=True, slots=True)
class BulkPage:
    """apps/variables_bulk.html. Field: text."""

    app: str
    tabs: Sequence[Tab]
    version: int
    form: Form = field(default_factory=Form)
    clash: Clash | None = None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """`restores`: the number of the version that it brought back."""

    number: int
    changes: Sequence[Change]
    by: str
    at: Moment
    is_newest: bool
    restores: int | None = None


@dataclass(frozen=True, slots=True)
class VersionsPage:
    """apps/variables_history.html. 50 a page."""

    app: str
    tabs: Sequence[Tab]
    rows: Sequence[VersionRow]
    newest: int
    next: str | None = None
    first: str | None = None
    why_not_change: str = ""
