"""How it is told whether an app is well: what is asked, and which answers are good."""

from enum import StrEnum

from msgspec import Struct

from bakery.model.errors import BadInput

_LEAST_STATUS, _LAST_STATUS, _DIGITS = 100, 599, 3


class HealthKind(StrEnum):
    HTTP = "http"
    TCP = "tcp"
    COMMAND = "command"


class Statuses(Struct, frozen=True):
    """Of an answer that is a good one: both are among them."""

    first: int = 200
    last: int = 299

    def __contains__(self, status: int) -> bool:
        return self.first <= status <= self.last

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"


def parse_statuses(text: str, key: str) -> Statuses:
    """`200`, or `200-399`."""
    first, dash, last = text.strip().partition("-")
    both = (first, last if dash else first)
    numbers = [int(one) for one in both if one.isascii() and one.isdigit() and len(one) == _DIGITS]
    if len(numbers) != 2 or not _LEAST_STATUS <= numbers[0] <= numbers[1] <= _LAST_STATUS:
        raise BadInput("This is no status of HTTP.", field=key, hint="Like 200, or 200-399.")
    return Statuses(*numbers)
