"""A log as an answer: as text, or as it grows."""

from collections.abc import AsyncGenerator
from typing import Annotated

from litestar.params import Parameter
from litestar.response import Stream

from bakery.access.sessions import is_still_valid
from bakery.model.actor import Actor
from bakery.model.errors import TooMany
from bakery.store.events import Position
from bakery.store.logs import Piece, extent, read
from bakery.web.context import Parts, WebRequest
from bakery.web.pulse import MOST_STREAMS, while_database_answers, with_pauses

_LARGEST_OFFSET = 2**62
Offset = Annotated[int, Parameter(ge=0, le=_LARGEST_OFFSET, description="A byte of the log.")]


def log_answer(
    request: WebRequest, parts: Parts, actor: Actor, stream: int, *, topic: str, from_byte: int, to_byte: int | None
) -> Stream:
    """Text, or with `Accept: text/event-stream` events. `topic` is what changes when the log comes to its end."""
    if "text/event-stream" not in request.headers.get("accept", ""):
        return Stream(
            _text(parts, stream, from_byte, to_byte),
            media_type="text/plain; charset=utf-8",
            headers={"cache-control": "no-store"},
        )
    if parts.hub.subscribers >= MOST_STREAMS:
        raise TooMany("Too many programs are following logs at once.", retry_after=30)
    return Stream(
        while_database_answers(_events(parts, actor, stream, topic, _offset_in(request, from_byte))),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _text(parts: Parts, stream: int, from_byte: int, to_byte: int | None) -> AsyncGenerator[bytes, None]:
    while piece := await read(parts.store, stream, from_byte, to_byte):
        from_byte = piece.to_byte
        yield piece.bytes


async def _events(parts: Parts, actor: Actor, stream: int, topic: str, offset: int) -> AsyncGenerator[bytes, None]:
    topics = {topic, f"person:{actor.person_id}"}
    position = Position(await parts.hub.newest_event(), {stream: offset})
    async with (
        parts.hub.subscribe(topics, {stream}, position) as subscription,
        with_pauses(subscription.items()) as items,
    ):
        length = await _final_length(parts, stream)
        while length is None or offset < length:
            item = await anext(items)
            if item is not None and isinstance(item.what, Piece):
                offset = item.what.to_byte
                yield f"id: {offset}\n".encode() + item.encoded
                continue
            if parts.is_ending or not await is_still_valid(parts.store, actor):
                return
            if item is None:
                yield b": still here\n\n"
            length = await _final_length(parts, stream)
        yield b"event: end\ndata: {}\n\n"


async def _final_length(parts: Parts, stream: int) -> int | None:
    """None while it may still grow."""
    found = await extent(parts.store, stream)
    if found is None:
        return 0  # its app was deleted
    return found.bytes if found.is_closed else None


def _offset_in(request: WebRequest, otherwise: int) -> int:
    text = request.headers.get("last-event-id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else otherwise
