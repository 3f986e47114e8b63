"""The page on which an app is made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from bakery.web.moments import Moment
from bakery.web.views.forms import Form, Options

State = Literal["done", "now", "later"]


@dataclass(frozen=True, slots=True)
class Section:
    """One of five. `summary` is what it says while it is closed."""

    key: str
    title: str
    state: State
    summary: str = ""
    is_found: bool = False  # Bakery proposes what stands there


@dataclass(frozen=True, slots=True)
class FoundView:
    """What the repository is. `note` says why it is not to run as it would by itself; `problem` why nothing can be made
    of it yet."""

    headline: str
    commit: str
    facts: Sequence[tuple[str, str]]
    why: Sequence[str]
    note: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ProposedView:
    """A variable. `is_kept`: it has a value in the draft, which no page shows."""

    name: str
    why: str
    is_kept: bool


@dataclass(frozen=True, slots=True)
class PlanStep:
    title: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class NewAppPage:
    """apps/new.html. The form holds the fields of the section `at`, and the button that was pressed as `do`.

    Fields: kind, url, branch, image, port, username, token; base, runtime, command, health; node, slug, name,
    skip_tests; value-NAME, forget, text.
    """

    form: Form
    at: str
    sections: Sequence[Section]
    kinds: Options
    runtimes: Options
    nodes: Options
    plan: Sequence[PlanStep]
    began: str = ""
    saved: Moment | None = None
    found: FoundView | None = None
    github: str = ""  # what opens repositories there, in words
    may_link: bool = False
    opened_by: str = ""
    folders: Options = ()  # of the repository, each with an app
    has_token: bool = False
    deploy_key: str = ""
    host: tuple[str, str] = ("http://", "")  # around the name
    is_free: bool = False
    tests: str = ""  # how they are run
    variables: Sequence[ProposedView] = ()
    review: Sequence[tuple[str, str]] = field(default_factory=tuple)
    where: str = ""  # the node on which it is looked at
    why_not_create: str = ""
    why_not_deploy: str = ""
