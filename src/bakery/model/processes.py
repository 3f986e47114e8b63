"""The processes of an app: `web`, which has the port, and those beside it, of which any number runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from bakery.model.errors import BadInput
from bakery.model.names import ProcessName, parse_process_name

WEB = ProcessName("web")
MOST_INSTANCES = 20
_MOST_DIGITS = 6
_RELEASE = ProcessName("release")  # prepares a release, and ends


@dataclass(frozen=True, slots=True, order=True)
class Instance:
    """One of the programs that a process beside the one with the port is; they are counted from 1."""

    process: ProcessName
    number: int

    def __str__(self) -> str:
        return f"{self.process} {self.number}"


def usual_count(process: ProcessName) -> int:
    return 0 if process == _RELEASE else 1


def parse_counts(told: Mapping[str, int], *, field: str = "counts") -> Mapping[ProcessName, int]:
    """How many of each there are to be."""
    if not told:
        raise BadInput("Say of which process, and how many.", field=field, hint="Like worker=2.")
    return {parse_process_name(name, field=field): _count(name, count, field) for name, count in told.items()}


def parse_count(text: str, *, field: str = "count") -> int:
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    raise BadInput("Use a whole number.", field=field)


def _count(process: str, count: int, field: str) -> int:
    if process == WEB and count != 1:
        raise BadInput(
            "An app has one web process." if count else "An app without its web process answers nobody.",
            field=field,
            hint="Only the processes beside it can be counted." if count else "Stop the app instead.",
        )
    if not 0 <= count <= MOST_INSTANCES:
        raise BadInput(f"Of {process} there can be 0 to {MOST_INSTANCES}.", field=field)
    return count
