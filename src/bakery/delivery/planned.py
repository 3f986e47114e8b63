"""What a plan is made of: steps, and what each is to do. Words alone; deciding them is in plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bakery.delivery.premises import Program, Release
from bakery.delivery.recipe import Recipe
from bakery.model.deployments import SlotState
from bakery.model.names import Colour, Port
from bakery.model.processes import Instance
from bakery.model.runtimes import Runtime
from bakery.nodes.homes import Place
from bakery.nodes.ingress import ProxySite, StaticSite


class StepKey(StrEnum):
    """What a step is called in addresses and in the database."""

    FETCH = "fetch"
    UNPACK = "unpack"
    COPY = "copy"
    PULL = "pull"
    DETECT = "detect"
    INSTALL = "install"
    BUILD = "build"
    TEST = "test"
    RELEASE = "release"
    BEFORE = "before"
    START = "start"
    CHECK = "check"
    SWITCH = "switch"
    RETIRE = "retire"
    AFTER = "after"


# From the source to something that can be started: when these are done, a release is made.
MAKING = frozenset({
    StepKey.FETCH, StepKey.UNPACK, StepKey.COPY, StepKey.PULL, StepKey.DETECT, StepKey.INSTALL, StepKey.BUILD,
    StepKey.TEST,
})  # fmt: skip


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
class Fetch:
    """The newest commit of what the environment follows, as the rows say when this is carried out."""

    place: Place
    number: int


@dataclass(frozen=True, slots=True)
class Pull:
    """The image of this name, as its registry has it when this is carried out."""

    place: Place
    number: int
    build: int
    image: str


@dataclass(frozen=True, slots=True)
class Detect:
    """What the source needs. What follows is planned anew when this is known."""

    place: Place
    number: int
    runtime: Runtime


@dataclass(frozen=True, slots=True)
class BuildImage:
    """`target`: only up to this stage. An image that is there takes the place of the source, which then goes.

    `output`: no image is made, but files for visitors, in this folder below the one that is built from.
    """

    place: Place
    number: int
    build: int
    recipe: Recipe
    target: str | None = None
    output: str | None = None


@dataclass(frozen=True, slots=True)
class RunCommand:
    """In the source's base folder, as the app's account, or in the image. `what` begins the sentence about its end."""

    argv: tuple[str, ...]
    what: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """To do, because of `why`."""

    why: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """There would be something to do; `who` asked that it is not done this time."""

    who: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """What an earlier step finds out decides."""


@dataclass(frozen=True, slots=True)
class Start:
    """`ends` runs no more before this one begins: both would write to the same files."""

    slot: Slot
    program: Program
    ends: Slot | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """`workers` start when it answers, and have to stay. What was warm has proved itself: one answer is enough."""

    port: Port
    program: Program
    path: str | None
    workers: Mapping[Instance, Program] = field(default_factory=dict)
    is_warm: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    """`site` is None where there is no nginx: the app answers on its own port."""

    slot: Slot
    site: ProxySite | StaticSite | None


@dataclass(frozen=True, slots=True)
class Retire:
    slot: Slot


Make = Fetch | Unpack | Copy | Pull | Detect | BuildImage | RunCommand | Nothing | Skipped | Unknown
Action = Make | Start | Check | Switch | Retire


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
