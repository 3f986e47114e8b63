"""Volumes on a node, through its helper. Each verb may be said twice."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from bakery.model.runtimes import Runtime
from bakery.nodes.helper_calls import Helper
from bakery.nodes.homes import Place

_WITHIN = 300.0
_WITHIN_COUNT = 900.0
_MOST_TOLD = 4 * 1024 * 1024
_App = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,39}\Z")]
_Word = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9]{0,15}\Z")]


class FoundVolume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`bytes` None: Docker did not say."""

    app: _App
    environment: _Word
    name: _Word
    runtime: Runtime
    bytes: Annotated[int, Meta(ge=0, le=2**60)] | None


class Volumes:
    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    async def link(
        self, place: Place, release: int, base: str, volumes: Mapping[str, str], *, without: Collection[str] = ()
    ) -> None:
        """Makes those of a process, and lets its release find each at its path. `without` are paths at which it may
        have found one earlier."""
        told = {"base": base, "volumes": dict(volumes), "without": sorted(without)}
        await self._helper.say("volume-link", place.app, place.environment, str(release), told=told, within=_WITHIN)

    async def found(self) -> Sequence[FoundVolume]:
        """All that are this Bakery's there. Counting may take a minute."""
        told = await self._helper.read(_Found, "volume-list", most=_MOST_TOLD, within=_WITHIN_COUNT)
        return told.volumes

    async def remove(self, place: Place, name: str, runtime: Runtime) -> None:
        """With all that is in it. Refused while a container has it."""
        verb = "volume-remove-dockers" if runtime is Runtime.DOCKER else "volume-remove"
        await self._helper.say(verb, place.app, place.environment, name, within=_WITHIN_COUNT)


class _Found(msgspec.Struct, forbid_unknown_fields=True):
    volumes: Sequence[FoundVolume]
