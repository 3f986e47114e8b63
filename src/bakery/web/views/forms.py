"""What a form shows: the values that were typed, and what is wrong with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bakery.web.moments import Moment


@dataclass(frozen=True, slots=True)
class Form:
    """`errors` stand below their fields, `problem` above the form, for what belongs to no single field."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        return self.errors.get(name, "")


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a select, or one of several check boxes."""

    value: str
    title: str
    help: str = ""


Options = Sequence[Option]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is stored otherwise than it was typed."""

    label: str
    theirs: str
    mine: str


@dataclass(frozen=True, slots=True)
class Clash:
    """The thing was saved while its form was open. `who` and `at` are of the last change, where it is known."""

    title: str
    differences: Sequence[Difference]
    who: str = ""
    at: Moment | None = None
