"""The values of `bakery.toml`: whatever type somebody wrote goes in, a checked value comes out, or BadInput."""

import re
from typing import TypeVar

from bakery.model.app_commands import AppCommand, parse_app_command
from bakery.model.durations import parse_seconds
from bakery.model.errors import BadInput
from bakery.model.health_kinds import HealthKind, Statuses, parse_statuses
from bakery.model.names import Port, parse_port
from bakery.model.repository_paths import parse_repository_path
from bakery.model.sizes import MOST_CPUS, parse_memory
from bakery.model.strategies import Strategy
from bakery.model.volumes import parse_volume
from bakery.stacks.app_settings import Volume

_LONGEST_ARGUMENT = 4000
_HEALTH_PATH = re.compile(r"/[A-Za-z0-9/._~!&'()*+,;=:@%?-]{0,199}")

E = TypeVar("E", HealthKind, Strategy)


def a_text(value: object) -> str:
    if not isinstance(value, str):
        raise BadInput("This is a text, in quotes.")
    return value


def a_command(value: object) -> AppCommand:
    match value:
        case str():
            return parse_app_command(value)
        case list() if all(isinstance(word, str) for word in value):
            return parse_app_command(value)
        case _:
            raise BadInput(
                "A command is a text, or a list of texts.", hint='Like "npm start" or ["node", "server.js"].'
            )


def a_port(value: object) -> Port:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadInput("A port is a number from 1 to 65535.")
    return parse_port(value)


def a_health_path(value: object) -> str:
    text = a_text(value)
    if not _HEALTH_PATH.fullmatch(text):
        raise BadInput("Use a path like /health, up to 200 characters.")
    return text


def statuses(value: object) -> Statuses:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise BadInput("This is no status of HTTP.", hint='Like 200, or "200-399".')
    return parse_statuses(str(value)[:20], "")


def an_amount_of_memory(value: object) -> int:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise BadInput("This is no amount of memory.", hint='Like "512M" or "1G".')
    return parse_memory(value)


def a_cpu_percent(value: object) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.05 <= value <= MOST_CPUS:
        raise BadInput(f"Use a number of CPUs from 0.05 to {MOST_CPUS}.", hint="Like 0.5 or 2.")
    return round(value * 100)


def seconds(value: object, at_least: float, at_most: float) -> float:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise BadInput("This is no duration.", hint='Like "30s" or "5m".')
    return parse_seconds(value, field="", at_least=at_least, at_most=at_most)


def a_count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100:
        raise BadInput("Use a number from 1 to 100.")
    return value


def yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadInput("This is true or false.")
    return value


def one_of(value: object, kind: type[E]) -> E:
    try:
        return kind(a_text(value))
    except ValueError:
        raise BadInput(f"Choose {' or '.join(f'“{each}”' for each in kind)}.") from None


def an_argument(value: object) -> str:
    text = a_text(value)
    if len(text) > _LONGEST_ARGUMENT or "\0" in text:
        raise BadInput(f"A build argument has at most {_LONGEST_ARGUMENT} characters.")
    return text


def a_pattern(value: object) -> str:
    text = a_text(value)
    return parse_repository_path(text.removeprefix("!"), field="watch") and text


def a_volume(value: object) -> Volume:
    return Volume(*parse_volume(a_text(value)))
