"""Previews: a place of its own for each pull request, and what an app's people say of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bakery.model.errors import BadInput
from bakery.model.names import PRODUCTION, EnvironmentName, parse_environment_name
from bakery.model.terms import parse_cpu_limit, parse_memory_limit
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


def is_preview_name(name: EnvironmentName) -> bool:
    return re.fullmatch("pr[0-9]+", name) is not None


@dataclass(frozen=True, slots=True)
class PreviewChanges:
    """As texts from a form, a JSON body or the command line; each mistake names its field. What is None stays as it is.
    An empty limit: that of the environment that previews are made like."""

    is_on: bool | None = None
    like: str | None = None
    variables: Sequence[str] | None = None
    most: str | int | None = None
    days: str | int | None = None
    memory: str | None = None
    cpus: str | None = None
    forks: str | None = None


def changed(was: PreviewSettings, wanted: PreviewChanges) -> PreviewSettings:
    memory, cpus = wanted.memory, wanted.cpus
    return PreviewSettings(
        is_on=was.is_on if wanted.is_on is None else wanted.is_on,
        like=was.like if wanted.like is None else parse_environment_name(wanted.like.strip(), field="like"),
        variables=was.variables if wanted.variables is None else _parse_names(wanted.variables),
        most=was.most if wanted.most is None else _whole(wanted.most, MOST_PREVIEWS, "most"),
        days=was.days if wanted.days is None else _whole(wanted.days, LONGEST_DAYS, "days"),
        memory_bytes=was.memory_bytes if memory is None else parse_memory_limit(memory) if memory.strip() else None,
        cpu_percent=was.cpu_percent if cpus is None else parse_cpu_limit(cpus) if cpus.strip() else None,
        forks=was.forks if wanted.forks is None else _parse_forks(wanted.forks),
    )


def _parse_names(texts: Sequence[str]) -> Sequence[VariableName]:
    found = sorted({parse_variable_name(text.strip(), field="variables") for text in texts if text.strip()})
    if len(found) > _MOST_VARIABLES:
        raise BadInput(f"Name at most {_MOST_VARIABLES} variables.", field="variables")
    return found


def _parse_forks(text: str) -> Forks:
    if text not in set(Forks):
        raise BadInput("Say never or approval.", field="forks")
    return Forks(text)


def _whole(value: str | int, highest: int, field: str) -> int:
    text = str(value).strip()[:10]
    number = int(text) if re.fullmatch("[0-9]{1,4}", text) else 0
    if not 1 <= number <= highest:
        raise BadInput(f"Use a number from 1 to {highest}.", field=field)
    return number
