"""The processes of an app, and how many of each run."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.views.status import StatusView


@dataclass(frozen=True, slots=True)
class InstanceView:
    """`name` is that of its unit or container, `note` how it ended last."""

    name: str
    status: StatusView
    note: str


@dataclass(frozen=True, slots=True)
class ProcessView:
    """`fewer` and `more` are the counts beside `count`; None where there is no such, or for who may only look."""

    name: str
    command: str
    count: int
    instances: Sequence[InstanceView]
    fewer: int | None
    more: int | None


@dataclass(frozen=True, slots=True)
class ProcessesView:
    """apps/_processes.html, which renders alone. Fields of each count: process, count. `problem` says why one was
    refused."""

    slug: str
    processes: Sequence[ProcessView]
    problem: str = ""
