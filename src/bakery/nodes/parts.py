"""Names in parts: a call of the helper takes only so many of them."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

One = TypeVar("One")


def in_parts(names: Sequence[One], most: int) -> Iterator[Sequence[One]]:
    for first in range(0, len(names), most):
        yield names[first : first + most]
