"""What a person changes of how an app runs: texts from a form, a JSON body or the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bakery.model.apps import parse_command, parse_name
from bakery.model.errors import BadInput
from bakery.model.health_kinds import HealthKind
from bakery.model.names import AppName
from bakery.model.runtimes import Runtime
from bakery.model.strategies import Strategy
from bakery.model.terms import NOTHING, TERMS, Said, with_term
from bakery.model.unit import Limits
from bakery.model.volumes import parse_volumes

_FIRST = ("name", "command", "health", "strategy", "volumes", "memory", "cpus")
KNOWN = (*_FIRST, *(key for key in TERMS if key not in _FIRST))
_OF_PROGRAMS = {
    "command": "need no start command",
    "strategy": "are switched at once",
    **dict.fromkeys(TERMS, "are switched at once, and nothing of them is watched"),
    **{key: "have no health check" for key in TERMS if key.startswith("health")},
    "memory": "have no limits of their own",
    "cpus": "have no limits of their own",
    "volumes": "have no volumes",
}


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Of an environment, and the app's name. `command`, `health_path` and limits that are nothing are found out, or
    said by the repository's bakery.toml, as the strategy, and what is not in `terms`: that has all else of how a
    release takes over. `volumes` are beside those that it names."""

    name: str
    command: tuple[str, ...]
    health_path: str | None
    strategy: Strategy | None
    limits: Limits
    terms: Said = NOTHING
    volumes: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> Said:
        """All that a person said of how a release is checked, takes over, and what it may use."""
        return replace(
            self.terms,
            path=self.health_path,
            memory_bytes=self.limits.memory_bytes,
            cpu_percent=self.limits.cpu_percent,
        )


def changed(now: RunSettings, wanted: Mapping[str, str], *, app: AppName, runtime: Runtime) -> RunSettings:
    """What is not in `wanted` stays; an empty text means nothing is said. Each mistake names its field."""
    for name, text in wanted.items():
        if name not in KNOWN:
            raise BadInput(f"There is no setting “{name}”.", field=name, hint=f"Known are: {', '.join(KNOWN)}.")
        if runtime is Runtime.STATIC and name in _OF_PROGRAMS and text.strip():
            raise BadInput(f"Static files are served by nginx and {_OF_PROGRAMS[name]}.", field=name)
        now = _with(now, name, text, app, runtime)
    if now.terms.kind is HealthKind.COMMAND and now.terms.command is None:
        raise BadInput("Say which command is its health check.", field="health_command")
    return now


def _with(now: RunSettings, name: str, text: str, app: AppName, runtime: Runtime) -> RunSettings:
    match name:
        case "name":
            return replace(now, name=parse_name(text) or app)
        case "command":
            return replace(now, command=parse_command(text))
        case "strategy":
            return replace(now, strategy=_parse_strategy(text))
        case "volumes":
            return replace(now, volumes=parse_volumes(text, runtime=runtime))
        case _:
            return _saying(now, with_term(now.said, name, text))


def _saying(now: RunSettings, said: Said) -> RunSettings:
    """Each where it has its place."""
    limits = Limits(said.memory_bytes, said.cpu_percent)
    terms = replace(said, path=None, memory_bytes=None, cpu_percent=None)
    return replace(now, health_path=said.path, limits=limits, terms=terms)


def _parse_strategy(text: str) -> Strategy | None:
    if not text.strip():
        return None
    try:
        return Strategy(text.strip())
    except ValueError:
        raise BadInput("Choose “blue-green” or “recreate”.", field="strategy") from None
