"""What is this repository, and how is it built and started? Two pure steps, for a tree that may lie far away.

First `wanted_files` says which few files it has to see, then `detect` decides. What a person says comes before
`bakery.toml`, that before a Procfile, and that before what the stacks find.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from bakery.model.app_commands import AppCommand
from bakery.model.errors import BadInput
from bakery.model.repository_paths import TOP, RepositoryPath, joined
from bakery.model.runtimes import Runtime
from bakery.stacks import bakery_toml, versions
from bakery.stacks.app_settings import NOTHING_SAID, AppSettings, CommandSetting, Off
from bakery.stacks.bakery_toml import parse_bakery_toml
from bakery.stacks.dockerfile import says_nothing
from bakery.stacks.left_out import left_out, nearly
from bakery.stacks.places import places_below
from bakery.stacks.plan import (
    Alternative,
    BuildPlan,
    Commands,
    Detected,
    DockerfileAt,
    Found,
    GeneratedDockerfile,
    Said,
    Undetected,
)
from bakery.stacks.procfile import FILE as PROCFILE
from bakery.stacks.procfile import Procfile, read_procfile, without_foreign_start
from bakery.stacks.proposals import EXAMPLES, proposed_variables
from bakery.stacks.stack import Stack
from bakery.stacks.table import STACKS
from bakery.stacks.tree import LARGEST_FILE, LARGEST_TOTAL, MOST_FILES, FileTree, Folder
from bakery.stacks.unreadable import unreadable


class _Told(Struct, frozen=True):
    """Where the app lies, and all that was said about it. `keys` are those that bakery.toml sets."""

    folder: Folder
    settings: AppSettings
    keys: tuple[str, ...]


Finding = tuple[Stack, Found]

_MARKS = frozenset(mark for stack in STACKS for mark in stack.marks)
_READS = tuple(dict.fromkeys(name for stack in STACKS for name in stack.reads))
_READS_ABOVE = tuple(dict.fromkeys([*versions.READS, *(name for stack in STACKS for name in stack.reads_above)]))
_LOOKED_FOR_ABOVE = frozenset(_READS_ABOVE)
_LOOKED_FOR = _MARKS.union(_READS, [bakery_toml.FILE, PROCFILE])
_FITS = "What lies in this folder could be started so."
_RUNS_AS: Mapping[Runtime, str] = {
    Runtime.DOCKER: "It can run in Docker.",
    Runtime.PROCESS: "It can run as a process, without Docker.",
    Runtime.STATIC: "Its files can be served by nginx.",
}
_KEYS: Mapping[str, str] = {
    "base": "build.base",
    "dockerfile": "build.dockerfile",
    "context": "build.context",
    "build_args": "build.args",
    "install": "build.install",
    "build": "build.command",
    "test": "build.test",
    "watch": "build.watch",
    "start": "run.command",
    "port": "run.port",
    "processes": "run.processes",
    "release": "run.release",
    "volumes": "run.volumes",
    "before": "run.before",
    "after": "run.after",
    "health": "[health]",
    "limits": "[limits]",
    "deploy": "[deploy]",
}


def wanted_files(
    tree: FileTree, *, base: RepositoryPath = TOP, settings: AppSettings = NOTHING_SAID
) -> tuple[str, ...]:
    """The files that `detect` reads and `tree` does not hold yet: few, small, the most telling first.

    Asked again when these were read it names more only when `bakery.toml` moved the base folder, and then nothing.
    """
    told = _told(tree, base, settings, checks=False)
    folder, settings = told.folder, told.settings
    names = [joined(base, bakery_toml.FILE)]
    names += [joined(folder.path, settings.dockerfile)] if settings.dockerfile else []
    names += _matching(folder, (*_READS, *_READS_ABOVE, *EXAMPLES))
    for above in list(folder.and_above)[1:]:
        names += _matching(above, _READS_ABOVE)
    for place in places_below(folder.path, tree, _MARKS):
        names += _matching(Folder(tree, place), _READS)
    return tuple(name for name in _bounded(tree, dict.fromkeys(names)) if name not in tree.contents)


def detect(
    tree: FileTree,
    *,
    base: RepositoryPath = TOP,
    runtime: Runtime | None = None,
    stack: str | None = None,
    settings: AppSettings = NOTHING_SAID,
) -> Detected:
    """`base`, `runtime` and `stack` as a person chose them, perhaps from the alternatives of another answer; `settings`
    come before what `bakery.toml` says. Raises BadInput for a `bakery.toml` with a mistake, with its line.
    """
    told = _told(tree, base, settings, checks=True)
    found = _decided(told.folder, told.settings, runtime, stack)
    if isinstance(found, BuildPlan) and told.keys:
        shown = Folder(tree, base).shown(bakery_toml.FILE)
        return replace(found, why=(*found.why, f"{shown} sets {', '.join(told.keys)}."))
    return found


def _decided(folder: Folder, final: AppSettings, runtime: Runtime | None, stack: str | None) -> Detected:
    if not folder.is_there:
        return Undetected(f"There is no folder “{folder.path}” in this repository.", "Choose another base folder.")
    if final.dockerfile and (mistake := _mistake_of(folder, final.dockerfile)):
        return Undetected(mistake, "Name its Dockerfile.")
    own = _answers(folder, final, runtime, stack)
    complete = [(one, found) for one, found in own if found.is_complete]
    others = list(_elsewhere(folder, runtime, stack))
    if complete or (own and not others):
        chosen = (complete or own)[0]
        plan = _plan(folder, *chosen, final, runtime)
        why = (*_choice(chosen, own), *plan.why)
        return replace(plan, why=why, alternatives=(*_alternatives(folder, plan, own), *others))
    if len(others) == 1:
        return _only_elsewhere(folder.tree, others[0], final)
    if others:
        return Undetected(
            "There are several apps in this repository.",
            f"Choose a base folder: {', '.join(dict.fromkeys(one.base for one in others))}.",
            why=(
                *(sentence for _, found in own for sentence in (*found.why, *found.missing)),
                *left_out(folder, _LOOKED_FOR, _LOOKED_FOR_ABOVE),
            ),
            alternatives=tuple(others),
        )
    return _unknown(folder, runtime)


def _mistake_of(folder: Folder, dockerfile: str) -> str | None:
    """Why a Dockerfile that somebody named cannot be it."""
    shown = folder.shown(dockerfile)
    if not folder.has(dockerfile):
        if folder.holds_any(f"{dockerfile}/"):
            return f"“{shown}” is a folder."
        if dockerfile in folder.links:
            return f"“{shown}” is a link, and links are not followed."
        return f"There is no “{shown}” in this repository."
    return f"“{shown}” is empty, or no text." if says_nothing(folder, dockerfile) else None


def _matching(folder: Folder, patterns: Iterable[str]) -> list[RepositoryPath]:
    return [joined(folder.path, name) for pattern in patterns for name in folder.matching(pattern)]


def _told(tree: FileTree, base: RepositoryPath, settings: AppSettings, *, checks: bool) -> _Told:
    told = Folder(tree, base)
    own = NOTHING_SAID
    if told.has(bakery_toml.FILE):
        text = told.text(bakery_toml.FILE)
        try:
            own = _read_settings(text, tree.sizes[joined(base, bakery_toml.FILE)])
        except BadInput:
            if checks:
                raise
    final = settings.over(own)
    keys = tuple(key for name, key in _KEYS.items() if getattr(own, name) != getattr(NOTHING_SAID, name))
    return _Told(Folder(tree, joined(base, final.base)), final, keys)


def _read_settings(text: str | None, size: int) -> AppSettings:
    if text is None or size > bakery_toml.LARGEST:
        raise BadInput(
            f"{bakery_toml.FILE} is no text, or has more than {bakery_toml.LARGEST // 1024} KiB.",
            field=bakery_toml.FILE,
            hint="Save it as UTF-8.",
        )
    return parse_bakery_toml(text)


def _bounded(tree: FileTree, names: Iterable[str]) -> Iterator[str]:
    count = total = 0
    for name in names:
        size = tree.sizes.get(name)
        if size is None or size > LARGEST_FILE or total + size > LARGEST_TOTAL:
            continue
        if count == MOST_FILES:
            return
        count, total = count + 1, total + size
        yield name


def _answers(folder: Folder, settings: AppSettings, runtime: Runtime | None, stack: str | None) -> list[Finding]:
    """What the stacks make of a folder, in their order, with what was said."""
    read = read_procfile(folder)
    starts = bool(settings.start or settings.processes or read.web or read.processes)
    said = Said(starts=starts, dockerfile=settings.dockerfile, context=settings.context)
    answers: list[Finding] = []
    for one in _in_order(folder):
        if stack not in (None, one.name) or (one.is_last_resort and answers):
            continue
        found = one.find(folder, said)
        if found is not None and runtime in (None, *found.runtimes):
            own = without_foreign_start(read, found.foreign_start, shown=folder.shown(PROCFILE))
            answers.append((one, _with_said(found, own, settings)))
    return answers


def _in_order(folder: Folder) -> list[Stack]:
    """As the table has them, but for those that are a part of something else here."""
    return sorted(STACKS, key=lambda one: folder.first(*one.yields_to) is not None)


def _with_said(found: Found, read: Procfile, settings: AppSettings) -> Found:
    # A Dockerfile has a start of its own; a Procfile beside it was written for something else.
    web = None if found.dockerfile else read.web
    processes = {**read.processes, **settings.processes}
    commands = Commands(
        install=_either(settings.install, found.commands.install),
        build=_either(settings.build, found.commands.build),
        test=_either(settings.test, found.commands.test),
        start=settings.start or web or found.commands.start,
        processes=processes or ({} if settings.start or web else found.commands.processes),
        release=_either(settings.release, read.release or found.commands.release),
        before=settings.before,
        after=settings.after,
    )
    is_started = bool(commands.start or commands.processes)
    return replace(
        found,
        commands=commands,
        why=(*found.why, *read.why),
        missing=() if is_started else found.missing,
        port=settings.port or found.port,
    )


def _either(said: CommandSetting, found: AppCommand | None) -> AppCommand | None:
    return None if said is Off.OFF else said or found


def _plan(folder: Folder, stack: Stack, found: Found, settings: AppSettings, runtime: Runtime | None) -> BuildPlan:
    patterns = (*stack.reads, *stack.reads_above, *versions.READS, PROCFILE)
    looked_at = [name for pattern in patterns for name in folder.matching(pattern)]
    said_nothing = (one for one in unreadable(folder, dict.fromkeys(looked_at)) if one not in found.why)
    return BuildPlan(
        stack=stack.name,
        runtime=runtime or found.runtimes[0],
        base=folder.path,
        commands=found.commands,
        why=(*found.why, *said_nothing, *left_out(folder, _LOOKED_FOR, _LOOKED_FOR_ABOVE)),
        missing=found.missing,
        framework=found.framework,
        versions=found.versions,
        variables=proposed_variables(folder, found.variables),
        system_packages=found.system_packages,
        port=found.port,
        static_folder=found.static_folder,
        dockerfile=_dockerfile(found, settings),
        build_args=settings.build_args,
        paths=found.paths,
        watch=settings.watch,
        volumes=settings.volumes,
        health=settings.health,
        limits=settings.limits,
        deploy=settings.deploy,
    )


def _dockerfile(found: Found, settings: AppSettings) -> DockerfileAt | GeneratedDockerfile | None:
    if found.dockerfile or not found.write_dockerfile:
        return found.dockerfile
    return found.write_dockerfile(found.commands, tuple(settings.build_args))


def _choice(chosen: Finding, own: list[Finding]) -> tuple[str, ...]:
    """Why this, where there was a choice."""
    others = [stack.name for stack, _ in own if stack is not chosen[0]]
    if not others:
        return ()
    return (f"“{chosen[0].name}” comes before what else was found here: {', '.join(others)}.",)


def _alternatives(folder: Folder, plan: BuildPlan, own: list[Finding]) -> Iterator[Alternative]:
    for stack, found in own:
        for runtime in found.runtimes:
            if (stack.name, runtime) != (plan.stack, plan.runtime):
                why = _RUNS_AS[runtime] if stack.name == plan.stack else next(iter(found.why), _FITS)
                yield Alternative(stack.name, runtime, folder.path, why)


def _elsewhere(folder: Folder, runtime: Runtime | None, stack: str | None) -> Iterator[Alternative]:
    """The apps below, each as its first choice."""
    for place in places_below(folder.path, folder.tree, _MARKS):
        answers = _answers(Folder(folder.tree, place), NOTHING_SAID, runtime, stack)
        if first := next(((one, found) for one, found in answers if found.is_complete), None):
            yield Alternative(first[0].name, runtime or first[1].runtimes[0], place, first[1].why[0])


def _only_elsewhere(tree: FileTree, only: Alternative, settings: AppSettings) -> Detected:
    folder = Folder(tree, only.base)
    answers = _answers(folder, settings, only.runtime, only.stack)
    plan = _plan(folder, *answers[0], settings, only.runtime)
    because = f"The app is in {only.base}: above it there is nothing that could be started."
    every = _answers(folder, settings, None, None)
    return replace(plan, why=(because, *plan.why), alternatives=tuple(_alternatives(folder, plan, every)))


def _unknown(folder: Folder, runtime: Runtime | None) -> Undetected:
    where = f"in {folder.path}" if folder.path else "at the top of this repository"
    if runtime is not None:
        return Undetected(
            f"Nothing {where} says how it could run as “{runtime}”.",
            "Choose another runtime, or let it be detected.",
        )
    looked_for = ", ".join(dict.fromkeys(name for stack in STACKS for name in stack.looks_for))
    return Undetected(
        f"Nothing {where} says how it is built or started.",
        "Choose a base folder, say how it is started, or add a Dockerfile or a bakery.toml.",
        why=(f"We looked for {looked_for}.", *left_out(folder, _LOOKED_FOR, _LOOKED_FOR_ABOVE), *nearly(folder)),
    )
