"""Room on a node, and what of ours takes some, through its helper."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from bakery.nodes.helper_calls import Helper
from bakery.nodes.homes import Place
from bakery.nodes.jobs import JobState

_DAEMON_AWAY = 60.0
_WITHIN = _DAEMON_AWAY + 60
_WITHIN_COUNT = _DAEMON_AWAY + 900
_MOST_TOLD = 16 * 1024 * 1024
_Bytes = Annotated[int, Meta(ge=0, le=2**60)]
_Seconds = Annotated[float, Meta(ge=0, le=2**40)]
_Number = Annotated[int, Meta(ge=1, le=9_999_999_999)]
_App = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,39}\Z")]
_Word = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9]{0,15}\Z")]
_Unit = Annotated[str, Meta(pattern=r"\Abakery-[a-z0-9-]{1,110}\Z")]
_Site = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,59}\Z")]
_Archive = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\.tar\.gz\Z")]
_Key = Annotated[str, Meta(pattern=r"\Aj[0-9a-f]{24}\Z")]


class Room(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Places of the same `disk` share what is free."""

    path: Annotated[str, Meta(max_length=4096, pattern=r"\A/[^\x00-\x1f\x7f-\x9f]*\Z")]
    disk: int
    free: _Bytes


class Space(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where releases lie, and where Docker keeps its data: None where that was not asked, or is not there."""

    node: Room
    docker: Room | None = None


class FoundHome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`age`: seconds since it was changed. `tools`: what these keep between builds; `source`: what Git fetched."""

    app: _App
    environment: _Word
    age: _Seconds = 0
    releases: dict[_Number, _Bytes] = {}
    tools: _Bytes = 0
    source: _Bytes = 0


class FoundUpload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: _Archive
    bytes: _Bytes
    age: _Seconds


class FoundJob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: _Key
    state: JobState
    age: _Seconds


class FoundImage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Images share layers: their sizes do not add up."""

    app: _App
    build: _Number
    bytes: _Bytes


class BuildCache(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of it nobody knows whose it is where others have images too."""

    bytes: _Bytes
    is_ours: bool


class Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is this Bakery's on a node."""

    homes: Sequence[FoundHome] = ()
    programs: Sequence[_Unit] = ()
    containers: Sequence[_Unit] = ()
    sites: Sequence[_Site] = ()
    uploads: Sequence[FoundUpload] = ()
    jobs: Sequence[FoundJob] = ()
    images: Sequence[FoundImage] = ()
    nameless: _Bytes = 0
    build_cache: BuildCache | None = None


class Disk:
    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    async def space(self, *, with_docker: bool) -> Space:
        return await self._helper.ask(Space, "disk-space", *(("--docker",) if with_docker else ()), within=_WITHIN)

    async def found(self, place: Place | None = None) -> Found:
        """Counting may take a minute. With a place: what is that environment's."""
        words = (place.app, place.environment) if place else ()
        return await self._helper.read(Found, "disk-list", *words, most=_MOST_TOLD, within=_WITHIN_COUNT)

    async def size_of_release(self, place: Place, number: int) -> int:
        """0 for one that is not there."""
        words = (place.app, place.environment, str(number))
        return (await self._helper.ask(_Taken, "disk-release", *words, within=_WITHIN_COUNT)).bytes

    async def forget_tools(self, place: Place) -> None:
        """What they keep between builds they make anew."""
        await self._helper.say("disk-forget-tools", place.app, place.environment, within=_WITHIN_COUNT)

    async def forget_nameless_images(self) -> int:
        """How many bytes that freed."""
        return (await self._helper.ask(_Taken, "disk-forget-images", within=_WITHIN_COUNT)).bytes

    async def shrink_build_cache(self, most: int) -> int:
        """Likewise."""
        return (await self._helper.ask(_Taken, "disk-forget-cache", str(most), within=_WITHIN_COUNT)).bytes


class _Taken(msgspec.Struct, forbid_unknown_fields=True):
    bytes: _Bytes
