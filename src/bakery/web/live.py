"""`/events`: what changed, as it happens. One connection a visible tab."""

import json
from collections.abc import AsyncGenerator
from typing import Annotated

from litestar import get
from litestar.params import Parameter
from litestar.response import Stream

from bakery.access.sessions import is_still_valid
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, TooMany
from bakery.model.permissions import Permission
from bakery.store.events import Changed, Position, Subscription
from bakery.store.logs import Piece
from bakery.web.context import Parts, WebRequest
from bakery.web.pulse import MOST_STREAMS, while_database_answers, with_pauses
from bakery.web.topics import allowed

_MOST_TOPICS = 20


def encode(what: Changed | Piece) -> bytes:
    """An SSE event without its id. Each is one line of JSON, so that nothing in a log can look like another event."""
    if isinstance(what, Changed):
        return b"event: changed\ndata: " + json.dumps({"topic": what.topic}).encode() + b"\n\n"
    piece = {
        "topic": f"log:{what.stream}",
        "from": what.from_byte,
        "to": what.to_byte,
        "line": what.lines_before,
        "text": what.bytes.decode("utf-8", "replace"),
    }
    return b"event: log\ndata: " + json.dumps(piece).encode() + b"\n\n"


@get("/events", opt={"permission": Permission.READ}, include_in_schema=False)
async def events(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    topics: Annotated[str, Parameter(max_length=2000)] = "",
    after: Annotated[str, Parameter(max_length=2000)] = "",
) -> Stream:
    names = [name for name in topics.split(",") if name]
    if len(names) > _MOST_TOPICS:
        raise BadInput(f"At most {_MOST_TOPICS} topics at once.", field="topics")
    if parts.hub.subscribers >= MOST_STREAMS:
        raise TooMany("Too many pages are watching at once.", retry_after=30)
    changes, streams = await allowed(parts.store, actor, names)
    position = Position.parse(request.headers.get("last-event-id") or after)
    return Stream(
        while_database_answers(_frames(parts, actor, changes, streams, position)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _frames(
    parts: Parts, actor: Actor, changes: set[str], streams: set[int], position: Position | None
) -> AsyncGenerator[bytes, None]:
    own = f"person:{actor.person_id}"  # when the person changes, look whether they may still watch
    async with (
        parts.hub.subscribe(changes | {own}, streams, position) as subscription,
        with_pauses(subscription.items()) as items,
    ):
        yield b"retry: 2000\n" + _id(subscription) + b"event: hello\ndata: {}\n\n"
        async for item in items:
            if parts.is_ending:
                return
            is_own = item is not None and isinstance(item.what, Changed) and item.what.topic == own
            if (item is None or is_own) and not await is_still_valid(parts.store, actor):
                return
            if item is None:
                yield b"event: beat\ndata: {}\n\n"
            elif not is_own or own in changes:
                yield _id(subscription) + item.encoded


def _id(subscription: Subscription) -> bytes:
    return f"id: {subscription.position}\n".encode()
