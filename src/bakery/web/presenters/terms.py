"""What may be said of how apps are checked and take over: each as a field that says what holds while it is empty."""

from collections.abc import Mapping, Sequence

from bakery.model.health_kinds import HealthKind
from bakery.model.sizes import SMALLEST_MEMORY
from bakery.model.terms import TermShown
from bakery.web.views.forms import Option
from bakery.web.views.terms import TermField, TermGroup

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Health check": (
        "health_kind", "health", "health_status", "health_command", "health_interval", "health_timeout",
        "health_threshold", "health_successes", "health_grace",
    ),
    "Limits": ("memory", "cpus"),
    "After the switch": ("drain", "bake", "warm", "auto_rollback"),
}  # fmt: skip
_HELP: Mapping[str, str] = {
    "health": "Answers when the app is well, like /health.",
    "health_status": "Of a good answer, like 200 or 200-399.",
    "health_command": "Runs where the app runs; status 0 is well. Like ./healthy --quick.",
    "health_interval": "While it runs. Right after a start it is asked more often.",
    "health_timeout": "Of one try.",
    "health_threshold": "In a row.",
    "health_successes": "In a row.",
    "health_grace": "So long after a start no bad answer counts.",
    "memory": "In MB, or like 1G.",
    "cpus": "Like 0.5 or 2.",
    "drain": "So long the old release may finish what it answers.",
    "bake": "Like 5m. A new release that does worse than the old one is taken back; 0: never.",
    "warm": "Like 10m, to go back to at once; 0: not at all.",
    "auto_rollback": "Whether one that does worse is taken back.",
}
_CHOICES: Mapping[str, Sequence[Option]] = {
    "health_kind": (
        Option("", "Found out"),
        Option(HealthKind.HTTP, "A page (HTTP)"),
        Option(HealthKind.TCP, "An open port (TCP)"),
        Option(HealthKind.COMMAND, "A command"),
    ),
    "auto_rollback": (Option("", "Not said here"), Option("yes", "Yes"), Option("no", "No")),
}


def term_groups(terms: Sequence[TermShown]) -> Sequence[TermGroup]:
    by_key = {term.key: term for term in terms}
    groups = ((title, [by_key[key] for key in keys if key in by_key]) for title, keys in _GROUPS.items())
    return [TermGroup(title, [_field(term) for term in found]) for title, found in groups if found]


def stored_terms(terms: Sequence[TermShown]) -> Mapping[str, str]:
    """As fields hold them. A limit of memory is a number of megabytes."""
    return {term.key: _typed(term) for term in terms}


def term_facts(terms: Sequence[TermShown]) -> Sequence[tuple[str, str]]:
    return [(term.title, f"{term.shown}, {term.origin}") for term in terms]


def _field(term: TermShown) -> TermField:
    options = _CHOICES.get(term.key, ())
    told = f"{_HELP.get(term.key, '')} {'Otherwise' if options else 'Empty'}: {term.otherwise}.".strip()
    return TermField(term.key, term.title, told, options)


def _typed(term: TermShown) -> str:
    if term.key == "memory" and term.said and isinstance(term.value, int):
        return str(max(term.value, SMALLEST_MEMORY) // 1024**2)
    return term.said.removesuffix(" CPUs").removesuffix(" CPU") if term.key == "cpus" else term.said
