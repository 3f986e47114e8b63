"""How a release is checked, takes over, and what it may use. Pure.

A person says it of an environment, the repository in its bakery.toml, an Admin of the installation: the first of them
that says something decides. Where nobody does, Bakery has something usual.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

from msgspec import Struct

from bakery.model.apps import parse_command, parse_health_path
from bakery.model.durations import parse_seconds
from bakery.model.errors import BadInput
from bakery.model.health_kinds import HealthKind, Statuses, parse_statuses
from bakery.model.sizes import MOST_CPUS, parse_memory, shown_cpus, shown_megabytes
from bakery.model.unit import Limits

LONGEST_DRAIN, LONGEST_AFTER = 3600.0, 86_400.0  # seconds
_MEGABYTE = 1024**2


class Origin(StrEnum):
    """Who says something, from who decides to who is asked last."""

    PERSON = "set here"
    REPOSITORY = "from bakery.toml"
    INSTALLATION = "the installation's"
    USUAL = "usual"


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says; None: nothing. Times are in seconds."""

    kind: HealthKind | None = None
    path: str | None = None
    status: Statuses | None = None
    command: tuple[str, ...] | None = None
    interval: float | None = None
    timeout: float | None = None  # of one try
    threshold: int | None = None  # this many failures in a row mean that it is not well
    successes: int | None = None  # this many in a row mean that it is
    grace: float | None = None  # after its start
    memory_bytes: int | None = None
    cpu_percent: int | None = None
    drain: float | None = None
    bake: float | None = None
    warm: float | None = None
    auto_rollback: bool | None = None

    def over(self, other: "Said") -> "Said":
        """This where it says something, else the other."""
        return replace(other, **{name: value for name, value in said_of(self).items() if value is not None})


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds. `kind` None: /health where it exists, else the front page, else an open port."""

    kind: HealthKind | None = None
    path: str | None = None
    status: Statuses = field(default_factory=Statuses)
    command: tuple[str, ...] = ()
    interval: float = 5.0
    timeout: float = 5.0
    threshold: int = 2
    successes: int = 2
    grace: float = 0.0
    limits: Limits = field(default_factory=Limits)
    drain: float = 30.0
    bake: float = 300.0
    warm: float = 600.0
    auto_rollback: bool = True
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False)  # by the field of what is said

    @property
    def watched_for(self) -> float:
        """After the switch, for taking it back."""
        return self.bake if self.auto_rollback else 0.0


USUAL = Said(
    interval=5.0, timeout=5.0, threshold=2, successes=2, grace=0.0, status=Statuses(), drain=30.0, bake=300.0,
    warm=600.0, auto_rollback=True,
)  # fmt: skip
NOTHING = Said()


@lru_cache(maxsize=1024)  # asked of every app every few seconds, and most say the same
def terms_of(person: Said, repository: Said = NOTHING, installation: Said = NOTHING, usual: Said = USUAL) -> Terms:
    """`usual` says all that cannot be left open."""
    layers = {
        Origin.PERSON: with_kind(person),
        Origin.REPOSITORY: with_kind(repository),
        Origin.INSTALLATION: installation,
        Origin.USUAL: usual,
    }
    said = NOTHING
    for layer in layers.values():
        said = said.over(layer)
    origins = {
        name: next((origin for origin, layer in layers.items() if said_of(layer)[name] is not None), Origin.USUAL)
        for name in said_of(said)
    }
    known = {name: value for name, value in said_of(said).items() if value is not None}
    limits = Limits(known.pop("memory_bytes", None), known.pop("cpu_percent", None))
    return replace(Terms(), **known, limits=limits, origins=origins)


def with_kind(said: Said) -> Said:
    """Who names a page means that it is asked for, and who names a command that it is run."""
    if said.kind is not None:
        return said
    if said.command is not None:
        return replace(said, kind=HealthKind.COMMAND)
    is_of_http = said.path is not None or said.status is not None
    return replace(said, kind=HealthKind.HTTP) if is_of_http else said


def said_of(said: Said) -> dict[str, Any]:
    return {each.name: getattr(said, each.name) for each in fields(said)}


# As people write it, and read it.


def parse_kind(text: str, key: str) -> HealthKind:
    try:
        return HealthKind(text.strip())
    except ValueError:
        raise BadInput("Choose “http”, “tcp” or “command”.", field=key) from None


def parse_memory_limit(text: str, key: str = "memory") -> int:
    """A number alone is one of megabytes; a limit is whole ones."""
    said = text.strip()
    megabytes = said.isascii() and said.isdigit()
    return parse_memory(f"{said}M" if megabytes else said, field=key) // _MEGABYTE * _MEGABYTE


def parse_cpu_limit(text: str, key: str = "cpus") -> int:
    """In percent of one."""
    said = text.strip()
    try:
        cpus = float(said) if len(said) <= len("1000.00") and said.isascii() else 0.0
    except ValueError:
        cpus = 0.0
    if not 0.05 <= cpus <= MOST_CPUS:
        raise BadInput(f"Use a number of CPUs from 0.05 to {MOST_CPUS}.", field=key, hint="Like 0.5 or 2.")
    return round(cpus * 100)


def parse_count(text: str, key: str) -> int:
    said = text.strip()
    if not (said.isascii() and said.isdigit() and len(said) <= 3 and 1 <= int(said) <= 100):
        raise BadInput("Use a number from 1 to 100.", field=key)
    return int(said)


def parse_yes_or_no(text: str, key: str) -> bool:
    known = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
    if text.strip().lower() not in known:
        raise BadInput("Say yes or no.", field=key)
    return known[text.strip().lower()]


def _parse_path(text: str, key: str) -> str:
    path = parse_health_path(text)
    if path is None:
        raise BadInput("Use a path like /health, up to 200 characters.", field=key)
    return path


def _parse_argv(text: str, key: str) -> tuple[str, ...]:
    try:
        return parse_command(text)
    except BadInput as error:
        raise BadInput(error.message, field=key, hint=error.hint) from None


def _seconds(at_least: float, at_most: float) -> Callable[[str, str], float]:
    return lambda text, key: parse_seconds(text, field=key, at_least=at_least, at_most=at_most)


def shown_seconds(seconds: float) -> str:
    """As somebody would write it: 90s, 5m, 1h."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


class Term(Struct, frozen=True):
    """One thing that may be said: `key` is how people call it, `name` the field of what is said."""

    key: str
    name: str
    title: str
    parse: Callable[[str, str], object]
    show: Callable[[object], str] = str

    def shown(self, value: object) -> str:
        return self.show(value)


def _time(key: str, name: str, title: str, at_least: float, at_most: float) -> Term:
    return Term(key, name, title, _seconds(at_least, at_most), lambda value: shown_seconds(float(str(value))))


def _words(value: object) -> str:
    return shlex.join(map(str, value)) if isinstance(value, tuple) else str(value)


def _yes_or_no(value: object) -> str:
    return "yes" if value else "no"


TERMS: Mapping[str, Term] = {
    term.key: term
    for term in (
        Term("health_kind", "kind", "Health check", parse_kind),
        Term("health", "path", "Health path", _parse_path),
        Term("health_status", "status", "Expected status", parse_statuses),
        Term("health_command", "command", "Check command", _parse_argv, _words),
        _time("health_interval", "interval", "Asked every", 1.0, 3600.0),
        _time("health_timeout", "timeout", "Time for an answer", 0.1, 300.0),
        Term("health_threshold", "threshold", "Failures until it is down", parse_count),
        Term("health_successes", "successes", "Good answers until it is well", parse_count),
        _time("health_grace", "grace", "More time after a start", 0.0, 3600.0),
        Term("memory", "memory_bytes", "Memory limit", parse_memory_limit, lambda it: shown_megabytes(int(str(it)))),
        Term("cpus", "cpu_percent", "CPU limit", parse_cpu_limit, lambda it: shown_cpus(int(str(it)))),
        _time("drain", "drain", "Longest drain", 0.0, LONGEST_DRAIN),
        _time("bake", "bake", "Watched after the switch", 0.0, LONGEST_AFTER),
        _time("warm", "warm", "Old release stays warm", 0.0, LONGEST_AFTER),
        Term("auto_rollback", "auto_rollback", "Taken back by itself", parse_yes_or_no, _yes_or_no),
    )
}
# What the installation says of all apps.
OF_INSTALLATION = ("memory", "cpus", "drain", "bake", "warm", "auto_rollback")


def with_term(said: Said, key: str, text: str) -> Said:
    """An empty text says nothing any more. A mistake names its field."""
    term = TERMS[key]
    now: dict[str, Any] = {term.name: term.parse(text, key) if text.strip() else None}
    return replace(said, **now)


class TermShown(Struct, frozen=True):
    """One of the terms, with what holds: `said` is what a person said of this very place, `shown` what holds, in
    words, and whose that is; `otherwise` both if nothing were said here. `value` is for programs."""

    key: str
    title: str
    said: str
    shown: str
    origin: Origin
    otherwise: str
    value: object


def shown_terms(said: Said, terms: Terms, without: Terms) -> tuple[TermShown, ...]:
    """`without`: what holds if nothing is said here."""
    return tuple(_shown(term, said_of(said)[term.name], terms, without) for term in TERMS.values())


def _shown(term: Term, said: object, terms: Terms, without: Terms) -> TermShown:
    value = _value(term, terms)
    return TermShown(
        term.key,
        term.title,
        said="" if said is None else term.shown(said),
        shown=_in_words(term, terms),
        origin=_origin(term, terms),
        otherwise=f"{_in_words(term, without)}, {_OTHERWISE.get(whose := _origin(term, without), whose)}",
        value=str(value) if isinstance(value, Statuses) else value,
    )


def _value(term: Term, terms: Terms) -> object:
    limits = {"memory_bytes": terms.limits.memory_bytes, "cpu_percent": terms.limits.cpu_percent}
    return limits[term.name] if term.name in limits else getattr(terms, term.name)


def _in_words(term: Term, terms: Terms) -> str:
    value = _value(term, terms)
    return _WITHOUT[term.name] if value in (None, ()) else term.shown(value)


def _origin(term: Term, terms: Terms) -> Origin:
    return terms.origins.get(term.name, Origin.USUAL)


_OTHERWISE = {Origin.USUAL: "as usual"}
_WITHOUT = {
    "kind": "/health where it exists, else the front page, else an open port",
    "path": "none",
    "command": "none",
    "memory_bytes": "no limit",
    "cpu_percent": "no limit",
}
