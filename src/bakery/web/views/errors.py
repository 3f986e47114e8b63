"""An error as a page: what, why, and a way onward."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """error.html. `id` finds the error in Bakery's own log; `retry`: the same page may work in a moment."""

    status: int
    title: str
    text: str
    hint: str = ""
    id: str = ""
    retry: bool = False
