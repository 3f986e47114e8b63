"""Fields of what may be said of how apps are checked and take over."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.views.forms import Option


@dataclass(frozen=True, slots=True)
class TermField:
    """A text field, or with `options` a choice of these. `help` says what holds while it is empty."""

    name: str
    label: str
    help: str
    options: Sequence[Option] = ()


@dataclass(frozen=True, slots=True)
class TermGroup:
    title: str
    fields: Sequence[TermField]
