"""Figures of machines, and how they went."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Spark:
    """A line and the area below it, as paths in a box of 96 by 24. `label` says it in words."""

    line: str
    area: str
    label: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a machine. `percent` draws a meter below it; `tone` colours it when it needs a person."""

    label: str
    value: str
    note: str = ""
    percent: int | None = None
    tone: Literal["", "warn", "bad"] = ""
    spark: Spark | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """How far back the charts go: “24 h”, and where that is shown."""

    title: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure over time, as paths in a box of `width` by 100 that is stretched. `band` is between the least and the
    most of each step, `top` stands at its upper edge. `values` are those of the line by step, for who points at one: a
    dash where nothing was heard."""

    title: str
    label: str
    width: int
    line: str
    band: str
    top: str
    unit: str
    values: str


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A step in the table, or several in which nothing was heard: then `cells` is empty."""

    at: str
    cells: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Charts:
    """nodes/_charts.html. `since` is ISO 8601 and `step` in seconds. Of `charts` and `rows` one is empty: `other` is
    where the other is shown. `here` is the address of this."""

    title: str
    here: str
    other: str
    ranges: Sequence[Range]
    since: str
    step: int
    begin: str
    charts: Sequence[Chart] = ()
    columns: Sequence[str] = ()
    rows: Sequence[ChartRow] = ()
