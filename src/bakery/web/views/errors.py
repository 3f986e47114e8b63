"""An error as a page: what, why, and a way onward."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """error.html. `id` finds the error in Bakery's own log; `retry`: the same page may work in a moment.

    `details` is what to hand to who may help: all of it as text, with the address and the time.
    """

    status: int
    title: str
    text: str
    hint: str = ""
    id: str = ""
    details: str = ""
    retry: bool = False
