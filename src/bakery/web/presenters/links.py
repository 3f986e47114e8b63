"""What presenters build addresses with."""

from typing import Protocol


class Url(Protocol):
    """`Addresses.url`: below the configured prefix."""

    def __call__(self, path: str, **query: str | int | None) -> str: ...
