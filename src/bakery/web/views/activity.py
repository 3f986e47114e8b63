"""Who did what to which thing, when, from where."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakery.web.moments import Moment
from bakery.web.views.forms import Form, Options


@dataclass(frozen=True, slots=True)
class Transcript:
    """Where the commands stand that something had run on a node."""

    node: str
    href: str


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """`actor` `did` `target`: “ops1” “deployed” “shop #44”."""

    id: int
    icon: str
    actor: str
    did: str
    target: str
    at: Moment
    href: str | None = None
    origin: str = ""  # “browser, 203.0.113.7”
    transcripts: Sequence[Transcript] = ()


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """activity.html. Filters (GET): app, user, action, since, until. `next` is the address of older rows.

    `export` is where all of them are as a file, unless `why_not_export` says why not.
    `here` is the address of these, where they are the newest and new ones may come.
    """

    rows: Sequence[ActivityRow]
    filters: Form
    apps: Options
    people: Options
    actions: Options
    is_filtered: bool
    export: str
    why_not_export: str = ""
    here: str | None = None
    next: str | None = None
    first: str | None = None  # back to the newest rows, when this is not the first page
