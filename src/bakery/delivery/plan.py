"""What a deployment will do, decided from facts alone. Carrying it out decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bakery.delivery.premises import Premises, Release
from bakery.model.apps import Runtime
from bakery.model.deployments import SlotState
from bakery.model.errors import Conflict
from bakery.model.names import Colour, Port
from bakery.model.strategies import Strategy
from bakery.model.unit import UnitSpec
from bakery.nodes.homes import Place
from bakery.nodes.ingress import ProxySite, StaticSite


class StepKey(StrEnum):
    """What a step is called in addresses and in the database."""

    UNPACK = "unpack"
    COPY = "copy"
    START = "start"
    CHECK = "check"
    SWITCH = "switch"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as its row says. `port` is None for files that nginx reads."""

    colour: Colour
    port: Port | None
    state: SlotState
    release: Release | None


@dataclass(frozen=True, slots=True)
class Unpack:
    place: Place
    number: int
    archive: str
    for_visitors: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """The files of a release that is there already, as they are now."""

    place: Place
    number: int
    earlier: int


@dataclass(frozen=True, slots=True)
class Start:
    slot: Slot
    unit: UnitSpec


@dataclass(frozen=True, slots=True)
class Check:
    port: Port
    unit: UnitSpec
    path: str | None


@dataclass(frozen=True, slots=True)
class Switch:
    """`site` is None where there is no nginx: the app answers on its own port."""

    slot: Slot
    site: ProxySite | StaticSite | None


@dataclass(frozen=True, slots=True)
class Retire:
    slot: Slot


Action = Unpack | Copy | Start | Check | Switch | Retire


@dataclass(frozen=True, slots=True)
class PlannedStep:
    key: StepKey
    title: str
    action: Action


@dataclass(frozen=True, slots=True)
class Plan:
    """`replaced` is the release that has to run again in the same slot when this one fails."""

    release: Release
    slot: Slot
    steps: tuple[PlannedStep, ...]
    replaced: Release | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The facts that a plan is made from. `archive` holds the source."""

    release: Release
    archive: str
    strategy: Strategy
    slots: Mapping[Colour, Slot]
    premises: Premises
    has_ingress: bool


def plan_deployment(wanted: Wanted) -> Plan:
    """The same plan at any moment of a deployment, so that it can be taken up again."""
    if wanted.release.runtime is Runtime.STATIC:
        return _plan_static(wanted)
    if wanted.has_ingress and wanted.strategy is Strategy.BLUE_GREEN:
        return _plan_blue_green(wanted)
    return _plan_recreate(wanted)


def _plan_blue_green(wanted: Wanted) -> Plan:
    slot = _slot_for(wanted)
    unit = _unit(wanted, slot)
    steps = [
        _bring_files(wanted),
        PlannedStep(StepKey.START, f"Start the release on {slot.colour}", Start(slot, unit)),
        _check(wanted, slot, unit),
        PlannedStep(StepKey.SWITCH, "Switch traffic to it", Switch(slot, _site(wanted, slot))),
    ]
    other = wanted.slots[slot.colour.other]
    if other.state is not SlotState.IDLE:
        steps.append(PlannedStep(StepKey.RETIRE, "Retire the old slot", Retire(other)))
    return Plan(wanted.release, slot, tuple(steps))


def _plan_recreate(wanted: Wanted) -> Plan:
    """One slot and one port for ever: the app is away from the start of the new release until it answers."""
    live = [slot for slot in wanted.slots.values() if slot.state is SlotState.LIVE]
    slot = live[0] if live else wanted.slots[Colour.BLUE]
    unit = _unit(wanted, slot)
    is_replacing = slot.state is SlotState.LIVE
    steps = (
        _bring_files(wanted),
        PlannedStep(
            StepKey.START,
            "Replace the running release; the app is away for a moment" if is_replacing else "Start the release",
            Start(slot, unit),
        ),
        _check(wanted, slot, unit),
        PlannedStep(StepKey.SWITCH, "Make it live", Switch(slot, _site(wanted, slot) if wanted.has_ingress else None)),
    )
    replaced = slot.release if is_replacing and slot.release != wanted.release else None
    return Plan(wanted.release, slot, steps, replaced)


def _plan_static(wanted: Wanted) -> Plan:
    if not wanted.has_ingress:
        raise Conflict(
            "Static files need nginx, and this machine has none.",
            hint="Install nginx and restart Bakery, or deploy the app as a process that serves its files.",
        )
    slot = _slot_for(wanted)
    switch = PlannedStep(StepKey.SWITCH, "Switch traffic to it", Switch(slot, _site(wanted, slot)))
    return Plan(wanted.release, slot, (_bring_files(wanted), switch))


def _slot_for(wanted: Wanted) -> Slot:
    """The one that this release has already, else the one that is not live."""
    slots = wanted.slots.values()
    own = [slot for slot in slots if slot.release == wanted.release]
    return own[0] if own else next(slot for slot in slots if slot.state is not SlotState.LIVE)


def _unit(wanted: Wanted, slot: Slot) -> UnitSpec:
    return wanted.premises.describe_unit(wanted.release, slot.colour, _port(slot))


def _site(wanted: Wanted, slot: Slot) -> ProxySite | StaticSite:
    return wanted.premises.describe_site(wanted.release, slot.port)


def _bring_files(wanted: Wanted) -> PlannedStep:
    place, release = wanted.premises.place, wanted.release
    if release.files_of is not None:
        copy = Copy(place, release.number, release.files_of)
        return PlannedStep(StepKey.COPY, f"Take the files of release #{release.files_of}", copy)
    for_visitors = release.runtime is Runtime.STATIC
    unpack = Unpack(place, release.number, wanted.archive, for_visitors)
    return PlannedStep(StepKey.UNPACK, "Unpack the source", unpack)


def _check(wanted: Wanted, slot: Slot, unit: UnitSpec) -> PlannedStep:
    return PlannedStep(StepKey.CHECK, "Check that it answers", Check(_port(slot), unit, wanted.release.health_path))


def _port(slot: Slot) -> Port:
    if slot.port is None:
        raise LookupError(f"the {slot.colour} slot of a process has no port")
    return slot.port
