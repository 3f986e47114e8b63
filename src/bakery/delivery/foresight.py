"""What a deployment will do, in lines that people read: the exact steps, commands and files, and what of them is other
than with the last release. Pure."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from bakery.delivery.asking import shown_check
from bakery.delivery.limits import shown_limits
from bakery.delivery.planned import (
    Action,
    BuildImage,
    Check,
    Nothing,
    Plan,
    Pull,
    Retire,
    RunCommand,
    Skipped,
    Start,
    Switch,
)
from bakery.delivery.premises import Program
from bakery.model.container import ContainerSpec
from bakery.nodes.ingress import ProxySite, StaticSite


class Change(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ForeseenLine:
    text: str
    change: Change = Change.SAME


@dataclass(frozen=True, slots=True)
class ForeseenPart:
    """A step, or what all steps have in common. `change` is that of the whole part."""

    key: str
    title: str
    lines: tuple[ForeseenLine, ...]
    change: Change = Change.SAME

    @property
    def differs(self) -> bool:
        return self.change is not Change.SAME or any(line.change is not Change.SAME for line in self.lines)


@dataclass(frozen=True, slots=True)
class Names:
    """Of variables: what is seen while it is built, and while it runs."""

    build: tuple[str, ...] = ()
    run: tuple[str, ...] = ()


def foresee(plan: Plan, names: Names, *, check_seconds: float, drain_seconds: float) -> tuple[ForeseenPart, ...]:
    parts = [
        ForeseenPart(step.key, step.title, _lines(_said(plan, step.action, check_seconds, drain_seconds)))
        for step in plan.steps
    ]
    recipe = plan.release.recipe
    if recipe is not None:
        parts = [
            ForeseenPart(part.key, part.title, _lines(recipe.why)) if part.key == "detect" else part for part in parts
        ]
    told = [
        f"While it is built: {', '.join(names.build) or 'none'}",
        f"While it runs: {', '.join(names.run) or 'none'}",
    ]
    return (*parts, ForeseenPart("variables", "Variables", _lines(told)))


def compared(now: Sequence[ForeseenPart], before: Sequence[ForeseenPart]) -> tuple[ForeseenPart, ...]:
    """`now` in its order, with what went after what stands before it."""
    earlier = {part.key: part for part in before}
    later = {part.key for part in now}
    found = [_compared(part, earlier[part.key]) if part.key in earlier else _wholly(part, Change.ADDED) for part in now]
    return (*found, *(_wholly(part, Change.REMOVED) for part in before if part.key not in later))


def _compared(now: ForeseenPart, before: ForeseenPart) -> ForeseenPart:
    old, new = [line.text for line in before.lines], [line.text for line in now.lines]
    lines: list[ForeseenLine] = []
    for kind, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += [ForeseenLine(text) for text in new[c:d]]
        else:
            lines += [ForeseenLine(text, Change.REMOVED) for text in old[a:b]]
            lines += [ForeseenLine(text, Change.ADDED) for text in new[c:d]]
    return ForeseenPart(now.key, now.title, tuple(lines))


def _wholly(part: ForeseenPart, change: Change) -> ForeseenPart:
    return ForeseenPart(
        part.key, part.title, tuple(ForeseenLine(line.text, change) for line in part.lines), change=change
    )


def _lines(texts: Sequence[str]) -> tuple[ForeseenLine, ...]:
    return tuple(ForeseenLine(text) for text in texts)


def _said(plan: Plan, action: Action, check_seconds: float, drain_seconds: float) -> list[str]:
    said: list[str] = []
    match action:
        case RunCommand():
            said = [f"$ {shlex.join(action.argv)}"]
        case BuildImage():
            said = _build(action)
        case Pull():
            said = [f"$ docker pull {action.image}"]
        case Nothing():
            said = [f"Nothing to do. {action.why}"]
        case Skipped():
            said = [f"Skipped for this deployment by {action.who}."]
        case Start():
            said = _start(plan, action)
        case Check():
            terms = plan.release.terms()
            said = [shown_check(terms), f"Up to {check_seconds + terms.grace:g} s, {_in_a_row(terms.successes)}."]
        case Switch():
            said = [_site(action.site)]
        case Retire():
            said = [f"When no connection is left, at most after {drain_seconds:g} s."]
        case _:  # its title says all
            pass
    return said


def _build(building: BuildImage) -> list[str]:
    recipe = building.recipe
    folder = f"/{recipe.folder}" if recipe.folder else "the top"
    stage = [f"Up to the stage {building.target}."] if building.target else []
    args = [f"Argument {name}={value}" for name, value in sorted(recipe.build_args.items())]
    if recipe.dockerfile_text is None:
        return [f"From {recipe.dockerfile}, in {folder} of the source.", *stage, *args]
    if building.target is not None:
        return [f"With the Dockerfile below, in {folder} of the source.", *stage, *args]
    if building.output is not None:
        args.append(f"Its files are left in {building.output}, and no image.")
    return [f"With this Dockerfile, in {folder} of the source:", *args, *recipe.dockerfile_text.splitlines()]


def _start(plan: Plan, start: Start) -> list[str]:
    program = start.program
    beside = [*_volumes(plan, program), *_interruption(plan)]
    limits = [f"May use {shown}." for shown in shown_limits(program.limits)]
    if isinstance(program, ContainerSpec):
        command = f"$ {shlex.join(program.command)}" if program.command else "With the command of its image."
        port = f"port {program.port}" if plan.release.recipe else "the port that the image exposes"
        return [command, f"Listens on 0.0.0.0, {port}, in its container.", *limits, *beside]
    listens = "Listens on 127.0.0.1, at the port of its slot, as PORT says."
    return [f"$ {shlex.join(plan.release.command)}", listens, *limits, *beside]


def _volumes(plan: Plan, program: Program) -> list[str]:
    if isinstance(program, ContainerSpec):
        name = program.name.rsplit("-", 1)[0]
        return [
            f"--mount type=volume,source={name}-{volume},target={path}"
            for volume, path in sorted(program.volumes.items())
        ]
    folders = {folder.name: folder for folder in program.writable[1:]}
    return [
        f"{path} is the volume {volume}: {folders[volume]}" for volume, path in sorted(plan.release.volumes.items())
    ]


def _interruption(plan: Plan) -> list[str]:
    if plan.replaced is not None:
        return [
            "The release that runs now is ended first: visitors get no answer until this one is well.",
            "When that fails, the old one is started again.",
        ]
    if plan.release.volumes and any(isinstance(step.action, Retire) for step in plan.steps):
        return ["Warning: while both run, the old release and this one may write to the same volumes."]
    return []


def _in_a_row(count: int) -> str:
    return {1: "once", 2: "twice in a row"}.get(count, f"{count} times in a row")


def _site(site: ProxySite | StaticSite | None) -> str:
    if site is None:
        return "It answers on its own port: this node has no nginx."
    return f"Visitors of {', '.join(site.hosts)} get it."
