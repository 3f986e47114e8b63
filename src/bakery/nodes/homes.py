"""Where apps live on a node: the account and folder of an environment, its releases, its uploads, and what it wrote."""

import contextlib
from collections.abc import AsyncIterable
from dataclasses import dataclass

import msgspec

from bakery.commands.command import Command
from bakery.model.errors import BadInput, CommandFailed, NodeUnreachable
from bakery.model.names import AppName, EnvironmentName, UnitName
from bakery.nodes.helper_calls import Helper, refusal
from bakery.nodes.transport import Transport

_UNPACK_WITHIN = 600.0
_REMOVE_WITHIN = 600.0
_COPY_WITHIN = 900.0


@dataclass(frozen=True, slots=True)
class Place:
    """Whose home it is."""

    app: AppName
    environment: EnvironmentName


class Homes:
    """The verbs, through the node's helper. Each may be said twice."""

    def __init__(self, transport: Transport, helper: Helper) -> None:
        self._transport = transport
        self._helper = helper

    async def make(self, place: Place) -> None:
        """Its account, where the node has one for each environment, and its folder."""
        await self._helper.say("premises-make", *_words(place))

    async def remove(self, place: Place) -> None:
        """All of it."""
        await self._helper.say("premises-remove", *_words(place), within=_REMOVE_WITHIN)

    async def unpack(self, place: Place, release: int, archive: str, *, for_visitors: bool) -> str:
        """What was done, as a sentence. Raises BadInput when the archive is refused, and says why."""
        options = ("--for-visitors",) if for_visitors else ()
        try:
            unpacked = await self._helper.ask(
                _Unpacked, "release-unpack", *_words(place), str(release), archive, *options, within=_UNPACK_WITHIN
            )
        except CommandFailed as error:
            if error.exit_status != 1 or error.hint:  # it is not the archive's fault
                raise
            hint = "Make the archive with: tar --hard-dereference -czf app.tar.gz ."
            raise BadInput(error.message, field="source", hint=hint) from error
        return unpacked.said

    async def copy_release(self, place: Place, release: int, earlier: int) -> None:
        """The files of an earlier release, as they are now."""
        await self._helper.say("release-copy", *_words(place), str(release), str(earlier), within=_COPY_WITHIN)

    async def remove_release(self, place: Place, release: int) -> None:
        await self._helper.say("release-remove", *_words(place), str(release), within=_REMOVE_WITHIN)

    async def keep_upload(self, archive: str, size: int, pieces: AsyncIterable[bytes]) -> None:
        """It is there when all of it came."""
        keeping = self._helper.call("upload-keep", archive)
        async with self._transport.open(keeping) as running:
            # A helper that refuses reads no more: its own words say why.
            with contextlib.suppress(OSError, NodeUnreachable):
                await running.send(b"%d\n" % size)
                async for piece in pieces:
                    await running.send(piece)
            finished = await running.end()
        if not finished.succeeded:
            raise refusal(keeping, finished)

    async def remove_upload(self, archive: str) -> None:
        await self._helper.say("upload-remove", archive)

    async def uploads(self) -> dict[str, float]:
        """How many seconds ago each came."""
        return (await self._helper.ask(_Uploads, "upload-list")).ages

    async def log_size(self, unit: UnitName) -> int:
        """0 for a log that is not there yet."""
        return (await self._helper.ask(_LogSize, "log-size", unit)).bytes

    async def log_extent(self, unit: UnitName) -> tuple[int, int]:
        """From which byte on it is kept, and its length."""
        found = await self._helper.look(_LogSize, "log-size", unit)
        return found.kept_from, found.bytes

    async def log_since(self, unit: UnitName, moment: int) -> int:
        """From which byte on it wrote since then, or up to a minute earlier."""
        return (await self._helper.ask(_LogFrom, "log-since", unit, str(moment))).from_byte

    def log_from(self, unit: UnitName, from_byte: int, *, follows: bool) -> Command:
        """What prints all that it wrote from there on; and, when it follows, what it is going to write."""
        return self._helper.call("log-follow" if follows else "log-copy", unit, str(from_byte), within=_COPY_WITHIN)

    async def keep_logs(self) -> None:
        """Long ones lose their beginning. To be said every minute."""
        await self._helper.look(_Nothing, "log-keep", within=_COPY_WITHIN)

    async def last_lines(self, unit: UnitName, *, from_byte: int, count: int) -> list[str]:
        """Of what the unit wrote since then."""
        written = await self._helper.say("log-read", unit, str(from_byte))
        return written.splitlines()[-count:]


class _Unpacked(msgspec.Struct, forbid_unknown_fields=True):
    said: str


class _Uploads(msgspec.Struct, forbid_unknown_fields=True):
    ages: dict[str, float]


class _LogSize(msgspec.Struct, forbid_unknown_fields=True):
    bytes: int
    kept_from: int = msgspec.field(name="from", default=0)


class _LogFrom(msgspec.Struct, forbid_unknown_fields=True):
    from_byte: int = msgspec.field(name="from")


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """It has nothing to tell."""


def _words(place: Place) -> tuple[str, str]:
    return place.app, place.environment
