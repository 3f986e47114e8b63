"""What a form shows: the values that were typed, and what is wrong with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


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
