"""Calling the helper of a node: a verb, its words, what it is told as a line of JSON, and what it answers."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeVar

import msgspec

from bakery.commands.command import DEFAULT_TIMEOUT, Command, command
from bakery.helper.words import HINT, NO_SUCH_VERB
from bakery.model.errors import CommandFailed, NotUnderstood
from bakery.model.secret import Secret
from bakery.nodes.transport import SHOWN_OF_OUTPUT, Finished, Transport, ending

Answer = TypeVar("Answer")

HELPER = PurePosixPath("/usr/local/lib/bakery/helper")
ON_NODE = ("sudo", "-n", str(HELPER))  # what a call begins with on a machine far away

OLDER_HELPER = "The helper on the node is of an older Bakery, and cannot do this."

OLDER_HELPER = "The helper on the node is of an older Bakery, and cannot do this."
_BRING_OURS = "Run the line of Repair on the node's page there: it brings the helper of this Bakery."
_SHOWN = 200


class Helper:
    """`program` is what a call begins with: through sudo on a node, by its path on the machine that we run on."""

    def __init__(self, transport: Transport, program: tuple[str, ...]) -> None:
        self._transport = transport
        self._program = program

    async def say(
        self, verb: str, *words: str, told: Mapping[str, object] | None = None, within: float = DEFAULT_TIMEOUT
    ) -> str:
        """What it printed. Raises CommandFailed with its own sentence when it refuses."""
        saying = self.call(verb, *words, told=told, within=within)
        finished = await self._transport.run(saying)
        if not finished.succeeded:
            raise refusal(saying, finished)
        return finished.output

    async def ask(
        self,
        kind: type[Answer],
        verb: str,
        *words: str,
        told: Mapping[str, object] | None = None,
        within: float = DEFAULT_TIMEOUT,
    ) -> Answer:
        return understood(await self.say(verb, *words, told=told, within=within), kind)

    async def look(
        self,
        kind: type[Answer],
        verb: str,
        *words: str,
        told: Mapping[str, object] | None = None,
        within: float = DEFAULT_TIMEOUT,
    ) -> Answer:
        """As `ask`, for what is asked again and again and changes nothing: no transcript has it."""
        looking = replace(self.call(verb, *words, told=told, within=within), is_routine=True)
        finished = await self._transport.run(looking)
        if not finished.succeeded:
            raise refusal(looking, finished)
        return understood(finished.output, kind)

    async def read(
        self,
        kind: type[Answer],
        verb: str,
        *words: str,
        told: Mapping[str, object] | None = None,
        most: int,
        within: float = DEFAULT_TIMEOUT,
    ) -> Answer:
        """An answer of up to `most` bytes, where `ask` keeps but the end of a long one."""
        calling, arrived = self.call(verb, *words, told=told, within=within), bytearray()
        async with (
            asyncio.timeout(within),
            self._transport.open(calling) as running,
            contextlib.aclosing(running.output()) as output,
        ):
            async for chunk in output:
                arrived += chunk
                if len(arrived) > most:
                    raise NotUnderstood("The helper on the node answered with more than Bakery reads.")
            finished = await running.end()
        if not finished.succeeded:
            raise refusal(calling, finished)
        return understood(bytes(arrived), kind)

    def call(
        self, verb: str, *words: str, told: Mapping[str, object] | None = None, within: float = DEFAULT_TIMEOUT
    ) -> Command:
        """What it is told is secret as a whole: it may hold variables. It is one line, for an input may stay open. What
        it answers may be an app's log, or files of a repository."""
        stdin = None if told is None else Secret(msgspec.json.encode(told).decode() + "\n")
        return command(*self._program, verb, *words, stdin=stdin, timeout=within, is_private=True)


def refusal(said: Command, finished: Finished) -> CommandFailed:
    """In its own words, with the hint that it puts on a line of its own."""
    errors = finished.errors.strip()[-SHOWN_OF_OUTPUT:]
    if finished.exit_status == 1 and errors == NO_SUCH_VERB:
        message, hint = OLDER_HELPER, _BRING_OURS
    elif finished.exit_status != 1 or not errors:
        message, hint = f"`{said}` {ending(finished.exit_status)}: {errors}", ""
    else:
        message, _, hint = errors.partition(f"\n{HINT}")
    return CommandFailed(message, exit_status=finished.exit_status, output=finished.errors, hint=hint)


def lacks_verb(error: CommandFailed) -> bool:
    """A node keeps the helper that its installer brought, until that is run again."""
    return NO_SUCH_VERB in {error.output.strip(), error.message}


def understood(said: str | bytes, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(said, type=kind)
    except msgspec.MsgspecError as error:
        shown = said[:_SHOWN] if isinstance(said, str) else said[:_SHOWN].decode(errors="replace")
        raise NotUnderstood(
            "The helper on the node answered in words that Bakery does not understand.",
            hint=f"It said: {shown} Run the installer on the node again: it may have an older helper.",
        ) from error
