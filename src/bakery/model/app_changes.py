"""What a person changes of how an app runs: texts from a form, a JSON body or the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bakery.model.apps import Runtime, parse_command, parse_health_path, parse_name
from bakery.model.errors import BadInput
from bakery.model.names import AppName
from bakery.model.sizes import parse_memory
from bakery.model.strategies import Strategy
from bakery.model.unit import Limits

KNOWN = ("name", "command", "health", "strategy", "memory", "cpus")
_OF_PROGRAMS = {
    "command": "need no start command",
    "health": "have no health check",
    "strategy": "are switched at once",
    "memory": "have no limits of their own",
    "cpus": "have no limits of their own",
}
MOST_CPUS = 1000
_MEGABYTE = 1024**2


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Of an environment, and the app's name. `command`, `health_path` and limits that are nothing are found out, or
    said by the repository's bakery.toml."""

    name: str
    command: tuple[str, ...]
    health_path: str | None
    strategy: Strategy
    limits: Limits


def changed(now: RunSettings, wanted: Mapping[str, str], *, app: AppName, runtime: Runtime) -> RunSettings:
    """What is not in `wanted` stays; an empty text means nothing is said. Each mistake names its field."""
    for name, text in wanted.items():
        if name not in KNOWN:
            raise BadInput(f"There is no setting “{name}”.", field=name, hint=f"Known are: {', '.join(KNOWN)}.")
        if runtime is Runtime.STATIC and name in _OF_PROGRAMS and text.strip():
            raise BadInput(f"Static files are served by nginx and {_OF_PROGRAMS[name]}.", field=name)
        now = _with(now, name, text, app)
    return now


def _with(now: RunSettings, name: str, text: str, app: AppName) -> RunSettings:
    match name:
        case "name":
            return replace(now, name=parse_name(text) or app)
        case "command":
            return replace(now, command=parse_command(text))
        case "health":
            return replace(now, health_path=parse_health_path(text))
        case "strategy":
            return replace(now, strategy=_parse_strategy(text))
        case "memory":
            return replace(now, limits=replace(now.limits, memory_bytes=parse_memory_limit(text)))
        case _:
            return replace(now, limits=replace(now.limits, cpu_percent=parse_cpu_limit(text)))


def _parse_strategy(text: str) -> Strategy:
    if not text.strip():
        return Strategy.BLUE_GREEN
    try:
        return Strategy(text.strip())
    except ValueError:
        raise BadInput("Choose “blue-green” or “recreate”.", field="strategy") from None


def parse_memory_limit(text: str) -> int | None:
    """A number alone is one of megabytes; a limit is whole ones."""
    said = text.strip()
    if not said:
        return None
    return parse_memory(f"{said}M" if said.isascii() and said.isdigit() else said) // _MEGABYTE * _MEGABYTE


def parse_cpu_limit(text: str) -> int | None:
    """In percent of one."""
    said = text.strip()
    if not said:
        return None
    try:
        cpus = float(said) if len(said) <= len("1000.00") and said.isascii() else 0.0
    except ValueError:
        cpus = 0.0
    if not 0.05 <= cpus <= MOST_CPUS:
        raise BadInput(f"Use a number of CPUs from 0.05 to {MOST_CPUS}.", field="cpus", hint="Like 0.5 or 2.")
    return round(cpus * 100)
