"""What an app writes while it runs: as text, or as it comes."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter
from litestar.response import Stream

from bakery.access.sessions import is_still_valid
from bakery.delivery.app_logs import LONGEST_TEXT, MOST_LINES, USUAL_LINES, AppLog, Wanted, open_app_log
from bakery.model.actor import Actor
from bakery.model.durations import parse_seconds
from bakery.model.errors import BadInput, TooMany
from bakery.model.names import AppAt, Colour, parse_process_name
from bakery.model.permissions import Permission
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest
from bakery.web.moments import now
from bakery.web.pulse import MOST_STREAMS, while_database_answers, with_pauses

_LONGEST_SINCE = 31 * 86_400.0
_BEAT = 5.0  # seconds
_FOLLOWERS = "app_log_followers"

Slot = Annotated[str, Parameter(max_length=20, description="blue or green; empty: all in which something runs.")]
Process = Annotated[str, Parameter(max_length=40, description="A process; empty: all.")]
Lines = Annotated[int, Parameter(ge=0, le=MOST_LINES, description="How many of the last lines of each program.")]
Since = Annotated[str, Parameter(max_length=20, description="How far back, like 10m. A process's log knows minutes.")]
Grep = Annotated[str, Parameter(max_length=LONGEST_TEXT, description="Only lines with this text in them.")]


def wanted_lines(
    *, slot: str = "", process: str = "", lines: int | None = USUAL_LINES, since: str = "", grep: str = ""
) -> Wanted:
    """From texts; each mistake names its field."""
    if slot and slot not in set(Colour):
        raise BadInput("Use blue or green.", field="slot")
    seconds = parse_seconds(since, field="since", at_least=1, at_most=_LONGEST_SINCE) if since.strip() else None
    return Wanted(
        slot=Colour(slot) if slot else None,
        process=parse_process_name(process) if process else None,
        lines=lines,
        since=None if seconds is None else timedelta(seconds=seconds),
        containing=grep,
    )


@get(
    "/apps/{app:str}/logs",
    operation_id="readAppLog",
    summary="Read what an app writes while it runs",
    opt={"permission": Permission.READ},
    media_type="text/plain",
    responses=problems(429),
    tags=["Apps"],
)
async def get_app_log(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    *,
    slot: Slot = "",
    process: Process = "",
    lines: Lines = USUAL_LINES,
    since: Since = "",
    grep: Grep = "",
) -> Stream:
    """Text of what runs now, its secrets masked; or with `Accept: text/event-stream` that and what comes, as events
    `log` with the text. Of several programs each line says which one wrote it."""
    wanted = wanted_lines(slot=slot, process=process, lines=lines, since=since, grep=grep)
    log = await open_app_log(parts.store, parts.links, where, wanted, actor=actor, now=now())
    if "text/event-stream" not in request.headers.get("accept", ""):
        return Stream(log.lines(), media_type="text/plain; charset=utf-8", headers={"cache-control": "no-store"})
    followers: Counter[str] = request.app.state.setdefault(_FOLLOWERS, Counter())
    if followers.total() + parts.hub.subscribers >= MOST_STREAMS:
        raise TooMany("Too many programs are following logs at once.", retry_after=30)
    return Stream(
        while_database_answers(_events(parts, actor, log, followers)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(parts: Parts, actor: Actor, log: AppLog, followers: Counter[str]) -> AsyncGenerator[bytes, None]:
    followers[actor.label] += 1
    try:
        async with aclosing(log.follow()) as found, with_pauses(found, every=_BEAT) as lines:
            async for line in lines:
                if parts.is_ending or (line is None and not await is_still_valid(parts.store, actor)):
                    return
                if line is None:
                    yield b": still here\n\n"
                else:
                    data = msgspec.json.encode({"text": line.decode("utf-8", "replace")})
                    yield b"event: log\ndata: " + data + b"\n\n"
    finally:
        followers[actor.label] -= 1


ROUTES = (get_app_log,)
