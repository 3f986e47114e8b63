"""Running a command in an app's live release: its output as it comes, its input in requests of their own."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import msgspec
from litestar import post
from litestar.response import Stream
from msgspec import Meta

from bakery.access.sessions import is_still_valid
from bakery.delivery.command_runs import LONGEST_RUN, Begun, CommandRun
from bakery.delivery.find import find_app
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, NotAllowed, Unavailable
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.nodes.live_runs import Ended, Window, Written
from bakery.web.api.problems import problems
from bakery.web.context import Parts
from bakery.web.pulse import HEARTBEAT

_DEPLOY = {"permission": Permission.DEPLOY}
_LOOK_EVERY = HEARTBEAT
_MOST_INPUT = 64 * 1024  # characters of base64 in a request
Side = Annotated[int, Meta(ge=1, le=10_000)]


class Terminal(msgspec.Struct, kw_only=True):
    """How large it is, in characters."""

    columns: Side = 80
    rows: Side = 24

    @property
    def window(self) -> Window:
        return Window(self.columns, self.rows)


class RunWanted(msgspec.Struct, kw_only=True):
    """`command` is a list of words: nothing in them means anything to a shell. With a `terminal` it has one. It ends
    when for `idle_seconds` nothing was told to it and it said nothing."""

    command: list[str]
    terminal: Terminal | None = None
    idle_seconds: Annotated[int, Meta(ge=60, le=LONGEST_RUN)] | None = None


class RunInput(msgspec.Struct, kw_only=True):
    """`input` is base64. `ends`: there comes no more of it. `terminal`: its size is another now."""

    input: Annotated[str, Meta(max_length=_MOST_INPUT)] = ""
    ends: bool = False
    terminal: Terminal | None = None


@post(
    "/apps/{app:str}/run",
    operation_id="runInApp",
    summary="Run a command in an app",
    opt=_DEPLOY,
    status_code=200,
    media_type="application/x-ndjson",
    responses=problems(409, 429, 502),
    tags=["Apps"],
)
async def post_run(parts: Parts, actor: Actor, where: AppAt, data: RunWanted) -> Stream:
    """In the live release, for as long as somebody reads the answer: a line of JSON for each thing that is told. First
    `run`, where its input goes; then `output` and `errors`, which are base64; at the end `exit_status` and `reason`, or
    `error` and `hint`. Lines that are empty say that it still runs."""
    window = data.terminal.window if data.terminal else None
    run = await parts.runs.prepare(
        parts.store, parts.links, where, data.command, window, idle_seconds=data.idle_seconds, actor=actor
    )
    return Stream(
        _lines(parts, actor, run),
        media_type="application/x-ndjson",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@post(
    "/apps/{app:str}/run/{run:str}",
    operation_id="tellRun",
    summary="Send input to a command",
    opt=_DEPLOY,
    status_code=204,
    responses=problems(),
    tags=["Apps"],
)
async def post_input(parts: Parts, actor: Actor, where: AppAt, run: str, data: RunInput) -> None:
    """What it reads, in the order of the requests; also that there comes no more, and a terminal's new size."""
    try:
        content = b64decode(data.input, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("The input has to be written in base64.", field="input") from None
    talk = parts.runs.conversation(where, run, actor=actor)
    if data.terminal is not None:
        await talk.resize(data.terminal.window)
    await talk.write(content)
    if data.ends:
        await talk.end_input()


async def _lines(parts: Parts, actor: Actor, run: CommandRun) -> AsyncGenerator[bytes, None]:
    hearing = parts.runs.hear(run, lambda: _expect_allowed(parts, actor, run), every=_LOOK_EVERY)
    try:
        async with aclosing(hearing):
            async for said in hearing:
                yield _line(_told(said, run)) if said is not None else b"\n"
    except BakeryError as error:
        yield _line({"error": error.message, "hint": error.hint})


async def _expect_allowed(parts: Parts, actor: Actor, run: CommandRun) -> None:
    """An app that was deleted meanwhile cannot go while a command runs as its account, or from its image."""
    if parts.is_ending:
        raise Unavailable("Bakery is being stopped, and the command with it.", hint="Run it again.")
    if not await is_still_valid(parts.store, actor):
        raise NotAllowed("You may not run this any more, so it was ended.", hint="Sign in again.")
    await find_app(parts.store, run.environment.where, actor)


def _told(said: Begun | Written | Ended, run: CommandRun) -> dict[str, object]:
    match said:
        case Begun():
            return {"run": run.id}
        case Ended():
            return {"exit_status": said.exit_status, "reason": said.reason}
        case Written():
            return {said.where: b64encode(said.data).decode()}


def _line(what: dict[str, object]) -> bytes:
    return msgspec.json.encode(what) + b"\n"


ROUTES = (post_run, post_input)
