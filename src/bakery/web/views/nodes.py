"""The machines that apps run on: what each can do, and what is limited."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a machine. `percent` draws a meter below it; `tone` colours it when it needs a person."""

    label: str
    value: str
    note: str = ""
    percent: int | None = None
    tone: Literal["", "warn", "bad"] = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """What this machine cannot do, what that means, and what would change it."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class NodeCard:
    name: str
    status: StatusView
    address: str
    figures: Sequence[Figure]
    tools: Sequence[StatusView]  # each word names a tool and its version
    abilities: Sequence[str]
    limits: Sequence[Limit]


@dataclass(frozen=True, slots=True)
class NodesPage:
    """nodes/index.html. `summary` is one sentence about all of them."""

    nodes: Sequence[NodeCard]
    summary: str
