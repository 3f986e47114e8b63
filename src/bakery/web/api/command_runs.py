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
from bakery.delivery.command_runs import CommandRun
from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError
from bakery.model.names import AppName
from bakery.model.permissions import Permission
from bakery.nodes.live_runs import Ended, Window, Written
from bakery.web.api.problems import problems
from bakery.web.context import Parts
from bakery.web.pulse import with_pauses

_DEPLOY = {"permission": Permission.DEPLOY}
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
    """`command` is a list of words: nothing in them means anything to a shell. With a `terminal` it has one."""

    command: list[str]
    terminal: Terminal | None = None


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
async def post_run(parts: Parts, actor: Actor, app_name: AppName, data: RunWanted) -> Stream:
    """In the live release, for as long as somebody reads the answer: a line of JSON for each thing that is told. First
    `run`, where its input goes; then `output` and `errors`, which are base64; at the end `exit_status` and `reason`, or
    `error` and `hint`. Lines that are empty say that it still runs."""
    window = data.terminal.window if data.terminal else None
    run = await parts.runs.prepare(parts.store, parts.links, app_name, data.command, window, actor=actor)
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
async def post_input(parts: Parts, actor: Actor, app_name: AppName, run: str, data: RunInput) -> None:
    """What it reads, in the order of the requests; also that there comes no more, and a terminal's new size."""
    try:
        content = b64decode(data.input, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("The input has to be written in base64.", field="input") from None
    talk = parts.runs.conversation(app_name, run, actor=actor)
    if data.terminal is not None:
        await talk.resize(data.terminal.window)
    await talk.write(content)
    if data.ends:
        await talk.end_input()


async def _lines(parts: Parts, actor: Actor, run: CommandRun) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(parts.runs.hear(run)) as saying:
            await anext(saying)
            yield _line({"run": run.id})
            async with with_pauses(saying) as said:
                async for one in said:
                    if one is not None:
                        yield _line(_told(one))
                        if isinstance(one, Ended):
                            return
                    elif parts.is_ending:
                        yield _line(
                            {"error": "Bakery is being stopped, and the command with it.", "hint": "Run it again."}
                        )
                        return
                    elif not await is_still_valid(parts.store, actor):
                        yield _line(
                            {"error": "You may not run this any more, so it was ended.", "hint": "Sign in again."}
                        )
                        return
                    else:
                        yield b"\n"
    except BakeryError as error:
        yield _line({"error": error.message, "hint": error.hint})


def _told(one: Written | Ended) -> dict[str, object]:
    if isinstance(one, Ended):
        return {"exit_status": one.exit_status, "reason": one.reason}
    return {one.where: b64encode(one.data).decode()}


def _line(what: dict[str, object]) -> bytes:
    return msgspec.json.encode(what) + b"\n"


ROUTES = (post_run, post_input)
