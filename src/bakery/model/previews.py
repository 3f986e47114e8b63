"""Previews: a place of its own for each pull request, and what an app's people say of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bakery.model.errors import BadInput
from bakery.model.names import PRODUCTION, EnvironmentName
from bakery.model.variables import VariableName, parse_variable_name

MOST_PREVIEWS = 50
LONGEST_DAYS = 365
_MOST_VARIABLES = 200


class Forks(StrEnum):
    """Whether a pull request from a fork may have one: a stranger's code."""

    NEVER = "never"
    APPROVAL = "approval"  # each commit of it, by a person


class PreviewState(StrEnum):
    """What stands of one. How its environment does, the environment says."""

    NEW = "new"
    APPROVAL = "approval"
    ROOM = "room"
    PLACED = "placed"
    REFUSED = "refused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class PreviewSettings:
    """`variables` are names of variables of `like`, whose values a preview is given; none of a fork is given any."""

    is_on: bool = False
    like: EnvironmentName = PRODUCTION
    variables: Sequence[VariableName] = ()
    most: int = 5
    days: int = 14
    memory_bytes: int | None = None
    cpu_percent: int | None = None
    forks: Forks = Forks.NEVER


def preview_name(number: int) -> EnvironmentName:
    """Of the environment, for the pull request of that number."""
    return EnvironmentName(f"pr{number}")


def parse_names(texts: Sequence[str], *, field: str = "variables") -> Sequence[VariableName]:
    found = sorted({parse_variable_name(text.strip(), field=field) for text in texts if text.strip()})
    if len(found) > _MOST_VARIABLES:
        raise BadInput(f"Name at most {_MOST_VARIABLES} variables.", field=field)
    return found


def parse_most(value: str | int, *, field: str = "most") -> int:
    return _whole(value, MOST_PREVIEWS, field)


def parse_days(value: str | int, *, field: str = "days") -> int:
    return _whole(value, LONGEST_DAYS, field)


def parse_forks(text: str, *, field: str = "forks") -> Forks:
    if text not in set(Forks):
        raise BadInput("Say never or approval.", field=field)
    return Forks(text)


def _whole(value: str | int, highest: int, field: str) -> int:
    text = str(value).strip()[:10]
    number = int(text) if re.fullmatch("[0-9]{1,4}", text) else 0
    if not 1 <= number <= highest:
        raise BadInput(f"Use a number from 1 to {highest}.", field=field)
    return number
