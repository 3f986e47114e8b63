"""What a node has of Bakery's that is not as it should be, in its helper's words. Looking changes nothing there."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bakery.nodes.helper_calls import Helper
from bakery.nodes.parts import in_parts

_WITHIN = 120.0  # another's turn, and Docker's daemon while it is updated
_AT_ONCE = 100  # programs, for with each all its variables are told
_MOST_TOLD = 16 * 1024 * 1024
_Path = Annotated[str, Meta(max_length=4096, pattern=r"\A/[^\x00-\x1f\x7f-\x9f]*\Z")]
_Line = Annotated[str, Meta(max_length=500)]
_Words = Annotated[str, Meta(max_length=2000)]
_Site = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,59}\Z")]
_Unit = Annotated[str, Meta(pattern=r"\Abakery-[a-z0-9-]{1,110}\Z")]


class FileDrift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`diff` leads from what Bakery writes to what is there; it is empty where the file is not there at all.
    `is_by_bakery`: what is there is as Bakery wrote it once, and nobody changed it."""

    path: _Path
    is_there: bool
    diff: Annotated[tuple[_Line, ...], Meta(max_length=301)] = ()
    is_by_bakery: bool = False


class SiteDrift(FileDrift, frozen=True, forbid_unknown_fields=True):
    """`beside` are the names of its pages and passwords that are not as they should be; the `marker` is what the node
    knows of the last switch. `said` is why the node would not have the site at all."""

    beside: tuple[_Words, ...] = ()
    marker: Literal["good", "missing", "damaged", "another"] = "good"
    said: _Words = ""


class SitesDrift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`under_way`: somebody changes these right now. `nobodys`: Bakery wrote them, and they were not asked for.
    `foreign` are files in the folder that Bakery did not write. `shared` are files that all sites need."""

    sites: Mapping[_Site, SiteDrift]
    under_way: tuple[_Site, ...]
    nobodys: tuple[_Site, ...]
    foreign: tuple[_Path, ...]
    shared: tuple[FileDrift, ...]
    is_running: bool


class UnitDrift(FileDrift, frozen=True, forbid_unknown_fields=True):
    """`changed_by` are files that change it beside its own. Not enabled: it does not start with the machine."""

    has_its_variables: bool = True
    is_enabled: bool = True
    changed_by: tuple[_Path, ...] = ()
    is_running: bool = True
    last_exit: _Words = ""
    said: _Words = ""


class ContainerDrift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    is_there: bool
    is_as_told: bool
    is_running: bool
    last_exit: _Words
    said: _Words


async def sites_drift(helper: Helper, told: Mapping[str, object]) -> SitesDrift:
    return await helper.read(SitesDrift, "drift-sites", told=told, most=_MOST_TOLD, within=_WITHIN)


async def units_drift(helper: Helper, units: Mapping[str, object]) -> Mapping[str, UnitDrift]:
    found: dict[str, UnitDrift] = {}
    for some in in_parts(list(units), _AT_ONCE):
        told = {"units": {name: units[name] for name in some}}
        found |= (await helper.read(_Units, "drift-units", told=told, most=_MOST_TOLD, within=_WITHIN)).units
    return found


async def containers_drift(helper: Helper, containers: Mapping[str, object]) -> Mapping[str, ContainerDrift]:
    found: dict[str, ContainerDrift] = {}
    for some in in_parts(list(containers), _AT_ONCE):
        told = {"containers": {name: containers[name] for name in some}}
        answer = await helper.read(_Containers, "drift-containers", told=told, most=_MOST_TOLD, within=_WITHIN)
        found |= answer.containers
    return found


class _Units(msgspec.Struct, forbid_unknown_fields=True):
    units: Mapping[_Unit, UnitDrift]


class _Containers(msgspec.Struct, forbid_unknown_fields=True):
    containers: Mapping[_Unit, ContainerDrift]
