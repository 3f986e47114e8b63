"""Lists: `{"items": […], "next": …}`. The cursor in `next` means something to us alone."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from typing import Annotated, Generic, Protocol, TypeVar

import msgspec
from litestar.params import Parameter

from bakery.model.errors import BadInput

T = TypeVar("T")

After = Annotated[str, Parameter(max_length=400, description="The `next` of the page before; empty: the first page.")]


PAGE = 50


class Numbered(Protocol):
    @property
    def id(self) -> int: ...


class Listing(msgspec.Struct, Generic[T]):
    items: list[T]
    next: str | None = None


def listing(kind: type[T], found: Iterable[object], next_: str | int | None = None) -> Listing[T]:
    """Of each thing found, the fields that `kind` names."""
    return Listing([shown(kind, thing) for thing in found], None if next_ is None else _cursor(str(next_)))


def page(kind: type[T], found: Sequence[Numbered]) -> Listing[T]:
    """Of one thing more than a page holds, which says whether there is another page."""
    return listing(kind, found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


def shown(kind: type[T], thing: object) -> T:
    """Only what `kind` names leaves: a field that is added to a thing stays inside until somebody lets it out."""
    return msgspec.convert(thing, kind, from_attributes=True)


def position_in(cursor: str) -> str:
    """What we put into a cursor."""
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        raise _not_ours() from None
    if not text.isprintable():
        raise _not_ours()
    return text


def number_in(cursor: str) -> int | None:
    """Likewise, where positions are numbers."""
    text = position_in(cursor)
    if not text:
        return None
    if not text.isdigit() or len(text) > 18:
        raise _not_ours()
    return int(text)


def _cursor(position: str) -> str:
    return urlsafe_b64encode(position.encode("ascii")).decode("ascii").rstrip("=")


def _not_ours() -> BadInput:
    return BadInput("This is not a cursor of this list.", field="after", hint="Use the `next` of the page before.")
