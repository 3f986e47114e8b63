"""Deployments as rows, and one of them with its steps and log."""

from collections.abc import Sequence
from datetime import datetime

from bakery.delivery.history import DeploymentDetail, DeploymentSummary, Live, Step, Turn
from bakery.delivery.releases import WayBack
from bakery.model.actor import Actor
from bakery.model.changes import change_in_words
from bakery.model.deployments import DeploymentState, StepState
from bakery.model.permissions import Permission
from bakery.store.lanes import PLACES, Lane
from bakery.store.logs import Piece
from bakery.web.moments import moment
from bakery.web.presenters.durations import duration
from bakery.web.presenters.logs import log_of_step
from bakery.web.presenters.refusals import why_not
from bakery.web.presenters.terminal import plain
from bakery.web.views.deployments import DeploymentRow, DeploymentView, Failure, StepView, WayBackView
from bakery.web.views.forms import Option
from bakery.web.views.status import StatusView, deployment_status, step_status

_SHORT = 8
_LAST_LINES = 20
_MOST_NAMED = 4  # variables
_FROM = {
    "browser": "in the browser",
    "api": "over the API",
    "cli": "on the server",
    "system": "by itself",
    "push": "with a push",
}
_HEAVY = {"unpack": 2, "check": 3, "retire": 2}  # shares of the strip


def deployment_row(deployment: DeploymentSummary, now: datetime, *, may_go_back: bool = False) -> DeploymentRow:
    """`may_go_back`: whoever looks may roll back, and the list is a place for it."""
    return DeploymentRow(
        id=deployment.id,
        app=deployment.app,
        number=deployment.number,
        status=status_of_deployment(deployment),
        sha=short(deployment.version),
        change=change_of(deployment),
        started=moment(deployment.started_at or deployment.created_at, now),
        took=_took(deployment.started_at, deployment.ended_at, now),
        is_live=deployment.is_live,
        back_to=deployment.release if may_go_back and deployment.can_be_back else None,
    )


def change_of(deployment: DeploymentSummary) -> str:
    return change_in_words(deployment.title, back_to=deployment.back_to, applies=deployment.applies)


def way_back(way: WayBack, *, interrupts: bool, now: datetime) -> WayBackView:
    number, names = way.release.number, way.variables
    differ = [
        *(f"{name} was added" for name in names.added),
        *(f"{name} was changed" for name in names.changed),
        *(f"{name} was removed" for name in names.removed),
    ]
    since = ", ".join(differ[:_MOST_NAMED]) + (f" and {len(differ) - _MOST_NAMED} more" * (len(differ) > _MOST_NAMED))
    return WayBackView(
        number=number,
        change=f"“{way.release.title}” ({short(way.release.version)})",
        was_live=moment(way.release.live_at, now),
        instead=f"#{way.live.number}, “{way.live.title}”",
        effect="It is away for a moment while it is replaced." if interrupts else "Visitors notice nothing.",
        variables=(
            Option("then", f"As they were with #{number}", f"Since then {since}."),
            Option("today", "Today's", f"#{number} starts with them as a new release."),
        )
        if differ
        else (),
    )


def short(version: str) -> str:
    """As much of a hash as people compare."""
    return version.removeprefix("sha256:")[:_SHORT]


def deployment_view(
    detail: DeploymentDetail, log: Piece | None, *, node: str, address: str, raw: str, actor: Actor, now: datetime
) -> DeploymentView:
    """`log` is the end of its log; `raw` the address of all of it."""
    deployment = detail.deployment
    steps = [_step(step, deployment, log, raw, now) for step in detail.steps]
    at = _current(detail.steps)
    return DeploymentView(
        id=deployment.id,
        app=deployment.app,
        number=deployment.number,
        status=status_of_deployment(deployment, failed_at=steps[at] if at is not None else None),
        change=change_of(deployment),
        sha=short(deployment.version),
        trigger=f"{deployment.asked_by} {_FROM[deployment.trigger]}",
        place=node,
        calm=f"{why_it_waits(deployment, detail.turn)} {_calm(deployment, detail.live)}".strip(),
        note=_note(deployment, detail.steps),
        steps=steps,
        is_over=deployment.state.is_over,
        took=_took(deployment.started_at, deployment.ended_at, now),
        since=_since(deployment.started_at, deployment.ended_at),
        current=_waiting(deployment, now) if at is None else steps[at],
        position="" if at is None else f"step {at + 1} of {len(steps)}",
        failure=_failure(deployment, steps[at] if at is not None else None, now),
        why_not_cancel="It is being cancelled." if deployment.is_cancelling else why_not(actor, Permission.DEPLOY),
        address=address if deployment.is_live else "",
        retries_from=_retries_from(deployment, steps[at] if at is not None else None),
        back_to=deployment.release if deployment.can_be_back else None,
        why_not_back=why_not(actor, Permission.DEPLOY),
    )


def _retries_from(deployment: DeploymentSummary, step: StepView | None) -> str:
    ended = deployment.state in {DeploymentState.FAILED, DeploymentState.CANCELLED}
    return step.name if ended and step is not None and not deployment.goes_back else ""


def status_of_deployment(deployment: DeploymentSummary, *, failed_at: StepView | None = None) -> StatusView:
    if deployment.is_interrupted:
        return deployment_status("interrupted")
    status = deployment_status(deployment.state)
    if deployment.is_cancelling and not deployment.state.is_over:
        return status.saying("Cancelling")
    if deployment.state is DeploymentState.FAILED and failed_at:
        return status.saying(f"Failed in {failed_at.name}")
    return status


def _took(started: datetime | None, ended: datetime | None, now: datetime) -> str:
    return duration((ended or now) - started) if started else ""


def _since(started: datetime | None, ended: datetime | None) -> str:
    """What a running clock counts from."""
    return started.isoformat(timespec="seconds") if started and not ended else ""


def _current(steps: Sequence[Step]) -> int | None:
    """The step that runs, or at which it ended too early."""
    stopped = {StepState.RUNNING, StepState.FAILED, StepState.CANCELLED}
    return next((at for at, step in enumerate(steps) if step.state in stopped), None)


def why_it_waits(deployment: DeploymentSummary, turn: Turn | None) -> str:
    """Its place in its line, and what goes before it."""
    if turn is None:
        return ""
    place = f"{_ordinal(turn.position)} in line. " if turn.position else ""
    if turn.behind is not None:
        return f"{place}Begins when #{turn.behind} of {deployment.where} is over: one at a time."
    if turn.is_held:
        return f"{place}Begins when other work on {deployment.where} is over, or found its node away: one at a time."
    if deployment.goes_back:
        return f"{place}Begins as soon as a worker is free."
    return f"{place}Begins as soon as one of the {PLACES[Lane.BUILDS]} places for builds is free."


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _waiting(deployment: DeploymentSummary, now: datetime) -> StepView | None:
    """Stands for a step while there is none yet."""
    match deployment.state:
        case DeploymentState.QUEUED:
            return StepView("queue", "Waiting for its turn", deployment_status("queued"), "")
        case DeploymentState.SCHEDULED:
            at = moment(deployment.scheduled_at or now, now)
            return StepView("queue", f"Starts {at.relative}, at {at.exact}", deployment_status("scheduled"), "")
        case DeploymentState.RUNNING:
            return StepView("queue", "Getting ready", deployment_status("running"), "")
        case _:
            return None


def _step(step: Step, deployment: DeploymentSummary, log: Piece | None, raw: str, now: datetime) -> StepView:
    is_running = step.state is StepState.RUNNING
    return StepView(
        key=step.key,
        name=step.key.capitalize(),
        status=step_status("interrupted" if is_running and deployment.is_interrupted else step.state),
        detail=step.title,
        took=_took(step.started_at, step.ended_at, now),
        weight=_HEAVY.get(step.key, 1),
        is_open=step.state in {StepState.RUNNING, StepState.FAILED},
        since=_since(step.started_at, step.ended_at),
        log=log_of_step(step, deployment.log_stream, log, raw),
    )


def _calm(deployment: DeploymentSummary, live: Live | None) -> str:
    """What visitors get meanwhile, or afterwards."""
    if live is None:
        return "" if deployment.state.is_over else "Nothing is live yet. It will be when all steps are done."
    if deployment.is_live and deployment.watched_until is not None:
        until = f"{deployment.watched_until:%H:%M:%S} UTC"
        return f"It is live on {live.colour}. Until {until} Bakery takes it back if it does worse than the one before."
    if deployment.is_live:
        return f"It is live on {live.colour}."
    if not deployment.state.is_over:
        return f"#{live.number} stays live on {live.colour} until traffic switches."
    if deployment.state is DeploymentState.SUCCEEDED:
        return f"By now #{live.number} is live on {live.colour}."
    return f"#{live.number} is live on {live.colour}."


def _what_failed(deployment: DeploymentSummary, step: StepView | None) -> str:
    if deployment.state is DeploymentState.ROLLED_BACK:
        return "Bakery took it back"
    return f"{step.name} failed" if step else "It did not begin"


def _note(deployment: DeploymentSummary, steps: Sequence[Step]) -> str:
    """What failed of one that is live all the same."""
    failed = [step for step in steps if step.state is StepState.FAILED]
    if deployment.state is not DeploymentState.SUCCEEDED or not failed:
        return ""
    return f"The step “{failed[0].title}” failed; its log says why."


def _failure(deployment: DeploymentSummary, step: StepView | None, now: datetime) -> Failure | None:
    if deployment.state not in {DeploymentState.FAILED, DeploymentState.ROLLED_BACK}:
        return None
    lines = step.log.lines[-_LAST_LINES:] if step and step.log else ()
    return Failure(
        title=_what_failed(deployment, step),
        where=deployment.failure,
        output="\n".join(plain(line) for line in lines),
        fix=deployment.hint or "Correct the cause and deploy again.",
        error_id=f"{deployment.app}-{deployment.number}",
        at=moment(deployment.ended_at or now, now),
        line=f"{step.key}-L{lines[-1].number}" if step and lines else "",
    )
