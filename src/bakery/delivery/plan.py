"""What a deployment will do, decided from facts alone. Carrying it out decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from bakery.delivery.planned import (
    Action,
    BuildImage,
    Check,
    Copy,
    Detect,
    Fetch,
    Nothing,
    Plan,
    PlannedStep,
    Pull,
    Retire,
    RunCommand,
    Skipped,
    Slot,
    Start,
    StepKey,
    Switch,
    Unknown,
    Unpack,
)
from bakery.delivery.premises import Premises, Program, Release
from bakery.delivery.recipe import Recipe
from bakery.model.apps import SourceKind
from bakery.model.deployments import SlotState
from bakery.model.errors import Conflict
from bakery.model.names import Colour, Port
from bakery.model.runtimes import Runtime
from bakery.model.strategies import Strategy
from bakery.nodes.ingress import ProxySite, StaticSite


@dataclass(frozen=True, slots=True)
class Wanted:
    """The facts that a plan is made from. `number` is the deployment's own; `archive` holds an uploaded source."""

    number: int
    generation: int
    release: Release
    source: SourceKind
    archive: str
    strategy: Strategy | None  # what a person said
    slots: Mapping[Colour, Slot]
    premises: Premises
    has_ingress: bool
    tests_skipped_by: str = ""
    retry_of: int | None = None  # the deployment that made the release, and failed later
    retry_from: StepKey | None = None
    image: str = ""  # the name of one in a registry
    has_docker: bool = True

    @property
    def goes_back(self) -> bool:
        """The release was made by an earlier deployment: it is there, and runs again as it was."""
        return self.release.number != self.number


def plan_deployment(wanted: Wanted) -> Plan:
    """The same plan at any moment of a deployment, so that it can be taken up again."""
    if wanted.release.runtime is Runtime.STATIC:
        return _plan_static(wanted)
    if wanted.has_ingress and strategy_of(wanted.strategy, wanted.release) is Strategy.BLUE_GREEN:
        return _plan_blue_green(wanted)
    return _plan_recreate(wanted)


def strategy_of(said: Strategy | None, release: Release) -> Strategy:
    """A person says it, or bakery.toml, or else a volume: two releases do not write to the same files unless somebody
    wants that. While nobody has looked into the source yet, it is planned with all steps that there may be."""
    if said is not None:
        return said
    if release.is_built and release.recipe is None:
        return Strategy.BLUE_GREEN
    found = release.recipe.strategy if release.recipe else None
    return found or (Strategy.RECREATE if release.volumes else Strategy.BLUE_GREEN)


def _plan_blue_green(wanted: Wanted) -> Plan:
    slot = _slot_for(wanted)
    program = _program(wanted, slot)
    steps = [
        *_make(wanted),
        PlannedStep(StepKey.START, f"Start the release on {slot.colour}", Start(slot, program)),
        _check(wanted, slot, program),
        PlannedStep(StepKey.SWITCH, "Switch traffic to it", Switch(slot, _site(wanted, slot))),
    ]
    other = wanted.slots[slot.colour.other]
    if other.state is not SlotState.IDLE:
        steps.append(PlannedStep(StepKey.RETIRE, "Retire the old slot", Retire(other)))
    return Plan(wanted.release, slot, (*steps, *_after(wanted)))


def _plan_recreate(wanted: Wanted) -> Plan:
    """One slot and one port for ever: the app is away from the start of the new release until it answers."""
    live = [slot for slot in wanted.slots.values() if slot.state is SlotState.LIVE]
    slot = live[0] if live else wanted.slots[Colour.BLUE]
    program = _program(wanted, slot)
    other = wanted.slots[slot.colour.other]
    is_replacing = slot.state is SlotState.LIVE
    steps = (
        *_make(wanted),
        PlannedStep(
            StepKey.START,
            "Replace the running release; the app is away for a moment" if is_replacing else "Start the release",
            Start(slot, program, ends=other if other.state is not SlotState.IDLE else None),
        ),
        _check(wanted, slot, program),
        PlannedStep(StepKey.SWITCH, "Make it live", Switch(slot, _site(wanted, slot) if wanted.has_ingress else None)),
        *_nothing_to_retire(wanted, slot),
        *_after(wanted),
    )
    replaced = slot.release if is_replacing and slot.release != wanted.release else None
    return Plan(wanted.release, slot, steps, replaced)


def _nothing_to_retire(wanted: Wanted, slot: Slot) -> tuple[PlannedStep, ...]:
    """Where what was found in the source decided how it takes over, the step had been planned before that."""
    if wanted.strategy is not None or not wanted.has_ingress or slot.state is not SlotState.LIVE:
        return ()
    why = "The old release was ended before this one began."
    return (PlannedStep(StepKey.RETIRE, "Retire the old slot", Nothing(why)),)


def _plan_static(wanted: Wanted) -> Plan:
    if not wanted.has_ingress:
        raise Conflict(
            "Static files need nginx, and this machine has none.",
            hint="Install nginx and restart Bakery, or deploy the app as a process that serves its files.",
        )
    slot = _slot_for(wanted)
    switch = PlannedStep(StepKey.SWITCH, "Switch traffic to it", Switch(slot, _site(wanted, slot)))
    return Plan(wanted.release, slot, (*_make(wanted), switch))


def _slot_for(wanted: Wanted) -> Slot:
    """The one that this release has already, else the one that is not live."""
    slots = wanted.slots.values()
    own = [slot for slot in slots if slot.release == wanted.release]
    return own[0] if own else next(slot for slot in slots if slot.state is not SlotState.LIVE)


def _program(wanted: Wanted, slot: Slot) -> Program:
    return wanted.premises.describe_program(wanted.release, slot.colour, _port(slot))


def _site(wanted: Wanted, slot: Slot) -> ProxySite | StaticSite:
    return wanted.premises.describe_site(wanted.release, slot.port, generation=wanted.generation, slot=slot.colour)


def _make(wanted: Wanted) -> tuple[PlannedStep, ...]:
    """From the source to something that can be started."""
    release = wanted.release
    if wanted.retry_of is not None:
        return _made_before(wanted, wanted.retry_of)
    if wanted.goes_back or (release.files_of is not None and release.runtime is Runtime.DOCKER):
        return ()
    if release.files_of is not None:
        copy = Copy(wanted.premises.place, release.number, release.files_of)
        return (PlannedStep(StepKey.COPY, f"Take the files of release #{release.files_of}", copy),)
    if wanted.source is SourceKind.IMAGE:
        pull = Pull(wanted.premises.place, release.number, release.build, wanted.image)
        return (PlannedStep(StepKey.PULL, "Pull the image", pull),)
    if not release.is_built:
        return (_bring_source(wanted),)
    detect = Detect(wanted.premises.place, release.number, release.runtime)
    build = {Runtime.DOCKER: _build_image, Runtime.PROCESS: _build_in_place, Runtime.STATIC: _build_files}
    steps = build[release.runtime](wanted)
    return (_bring_source(wanted), PlannedStep(StepKey.DETECT, "See what is in it", detect), *steps)


def _made_before(wanted: Wanted, number: int) -> tuple[PlannedStep, ...]:
    """What runs once for a release, where the deployment that made it did not come so far."""
    release = wanted.release
    if not _has_commands(wanted) or release.files_of is not None:
        return ()
    done = {
        StepKey.RELEASE: wanted.retry_from is not StepKey.RELEASE,
        StepKey.BEFORE: wanted.retry_from not in {StepKey.RELEASE, StepKey.BEFORE},
    }
    return tuple(
        PlannedStep(step.key, step.title, Nothing(f"Deployment #{number} did it.")) if done[step.key] else step
        for step in _before_start(release.recipe)
    )


def _has_commands(wanted: Wanted) -> bool:
    """That its source may name, for before and after a switch; an image names none."""
    release = wanted.release
    return release.is_built and release.runtime is not Runtime.STATIC and wanted.source is not SourceKind.IMAGE


def _bring_source(wanted: Wanted) -> PlannedStep:
    place, release = wanted.premises.place, wanted.release
    if wanted.source is SourceKind.GIT:
        return PlannedStep(StepKey.FETCH, "Fetch the commit", Fetch(place, release.number))
    for_visitors = release.runtime is Runtime.STATIC
    unpack = Unpack(place, release.number, wanted.archive, for_visitors)
    return PlannedStep(StepKey.UNPACK, "Unpack the source", unpack)


def _build_image(wanted: Wanted) -> tuple[PlannedStep, ...]:
    """The tests of a Dockerfile that is the repository's own are that file's business."""
    place, release, recipe = wanted.premises.place, wanted.release, wanted.release.recipe
    test: Action = Unknown()
    build: Action = Unknown()
    if recipe is not None:
        build = BuildImage(place, release.number, release.build, recipe)
        test = Nothing(
            "Its own Dockerfile decides what is tested." if recipe.dockerfile else "No tests were found in it."
        )
        if recipe.test and recipe.test_stage:
            test = _test(wanted, BuildImage(place, release.number, release.build, recipe, recipe.test_stage))
    return (
        PlannedStep(StepKey.TEST, "Run the project's tests", test),
        PlannedStep(StepKey.BUILD, "Build the image", build),
        *_before_start(recipe),
    )


def _build_in_place(wanted: Wanted) -> tuple[PlannedStep, ...]:
    recipe = wanted.release.recipe
    install: Action = Unknown()
    build: Action = Unknown()
    test: Action = Unknown()
    if recipe is not None:
        install = _run(recipe.install, "The installation", "It has nothing to install.")
        build = _run(recipe.build, "The build", "It has nothing to build.")
        test = _test(wanted, _run(recipe.test, "The tests", "No tests were found in it."))
    return (
        PlannedStep(StepKey.INSTALL, "Install what it needs", install),
        PlannedStep(StepKey.BUILD, "Build it", build),
        PlannedStep(StepKey.TEST, "Run the project's tests", test),
        *_before_start(recipe),
    )


def _build_files(wanted: Wanted) -> tuple[PlannedStep, ...]:
    """Those for visitors, in Docker: it brings the tools that a site is made with."""
    place, release, recipe = wanted.premises.place, wanted.release, wanted.release.recipe
    test: Action = Unknown()
    build: Action = Unknown()
    if recipe is not None:
        test = Nothing("No tests were found in it.")
        build = Nothing("Its files are served as they are.")
        if recipe.dockerfile_text is not None:
            _expect_docker(wanted)
            build = BuildImage(place, release.number, release.build, recipe, output=recipe.output)
            if recipe.test and recipe.test_stage:
                test = _test(wanted, BuildImage(place, release.number, release.build, recipe, recipe.test_stage))
    return (
        PlannedStep(StepKey.TEST, "Run the project's tests", test),
        PlannedStep(StepKey.BUILD, "Build its files", build),
    )


def _expect_docker(wanted: Wanted) -> None:
    if not wanted.has_docker:
        raise Conflict(
            "This site has to be built, which is done in Docker, and its node has none.",
            hint="Install Docker there, or build it elsewhere and deploy the files that come of it.",
        )


def _before_start(recipe: Recipe | None) -> tuple[PlannedStep, ...]:
    release: Action = Unknown()
    before: Action = Unknown()
    if recipe is not None:
        release = _run(recipe.release, "The release command", "It has no command for a new release.")
        before = _run(recipe.before, "The command before the start", "It names no command to run before its start.")
    return (
        PlannedStep(StepKey.RELEASE, "Prepare the release", release),
        PlannedStep(StepKey.BEFORE, "Run its command before the start", before),
    )


def _after(wanted: Wanted) -> tuple[PlannedStep, ...]:
    """For what was built just now, as the command before its start."""
    release = wanted.release
    goes_back = wanted.goes_back and wanted.retry_of is None
    if goes_back or release.files_of is not None or not _has_commands(wanted):
        return ()
    after: Action = Unknown()
    if release.recipe is not None:
        after = _run(release.recipe.after, "The command after the switch", "It names no command to run after that.")
    return (PlannedStep(StepKey.AFTER, "Run its command after the switch", after),)


def _test(wanted: Wanted, test: Action) -> Action:
    has_some = not isinstance(test, Nothing)
    return Skipped(wanted.tests_skipped_by) if has_some and wanted.tests_skipped_by else test


def _run(argv: tuple[str, ...], what: str, otherwise: str) -> Action:
    return RunCommand(argv, what) if argv else Nothing(otherwise)


def _check(wanted: Wanted, slot: Slot, program: Program) -> PlannedStep:
    workers = wanted.premises.workers(wanted.release, slot.colour)
    is_warm = slot.state is SlotState.WARM and slot.release == wanted.release
    check = Check(_port(slot), program, wanted.release.health_path, workers, is_warm)
    return PlannedStep(StepKey.CHECK, "Check that it answers", check)


def _port(slot: Slot) -> Port:
    if slot.port is None:
        raise LookupError(f"the {slot.colour} slot of a process has no port")
    return slot.port
