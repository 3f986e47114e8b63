"""What comes to the ports of a node's apps, and visits of ours to them, through its helper."""

import asyncio
from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta

from bakery.commands.command import Command
from bakery.model.errors import CommandFailed
from bakery.model.names import HostName, Port
from bakery.nodes.health import AS_IT_STANDS
from bakery.nodes.helper_calls import Helper, lacks_verb
from bakery.nodes.homes import Place

_LONGEST_VISITING = 600.0


class Traffic:
    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    async def is_taken(self, port: Port) -> bool:
        """By whatever program, on the address that apps use."""
        try:
            return (await self._helper.ask(_Taken, "port-taken", str(port))).is_taken
        except CommandFailed as error:
            if lacks_verb(error):  # who takes it all the same is told what is in the way
                return False
            raise

    async def wait_for_drain(self, port: Port, *, seconds: float) -> int:
        """How many connections are left in the end."""
        words = ("port-drain", str(port), f"{seconds:.1f}")
        try:
            return (await self._helper.ask(_Left, *words, within=seconds + 30)).left
        except CommandFailed as error:
            if not lacks_verb(error):
                raise
            await asyncio.sleep(seconds)  # nobody counts them there
            return 0

    def visiting(self, place: Place, port: Port, host: HostName, path: str) -> Command:
        """Visits until they are ended, and prints a line for each."""
        words = (place.app, place.environment, str(port), host, quote(path, safe=AS_IT_STANDS))
        return self._helper.call("visit-begin", *words, within=_LONGEST_VISITING)

    async def end_visits(self, place: Place) -> None:
        await self._helper.say("visit-end", place.app, place.environment)


class _Taken(msgspec.Struct, forbid_unknown_fields=True):
    is_taken: bool


class _Left(msgspec.Struct, forbid_unknown_fields=True):
    left: Annotated[int, Meta(ge=0, le=999_999)]
