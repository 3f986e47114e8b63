"""All that is under way, in words: what each waits for, and why others failed."""

from collections.abc import Sequence
from datetime import datetime

from bakery.delivery.under_way import Placed, UnderWay
from bakery.model.actor import Actor
from bakery.model.deployments import DeploymentState
from bakery.model.names import PRODUCTION
from bakery.model.permissions import Permission
from bakery.web.moments import moment
from bakery.web.presenters.deployments import change_of, status_of_deployment, why_it_waits
from bakery.web.presenters.jobs import job_row
from bakery.web.presenters.links import Url
from bakery.web.views.tasks import CommandRow, TaskGroup, TaskRow, TasksPage


def tasks_page(found: UnderWay, *, actor: Actor, url: Url, now: datetime) -> TasksPage:
    may_act = actor.may(Permission.DEPLOY)

    def rows(deployments: Sequence[Placed]) -> list[TaskRow]:
        return [_row(one, may_act=may_act, url=url, now=now) for one in deployments]

    return TasksPage(
        summary=_summary(found),
        groups=[
            TaskGroup("running", "Running", "Started", rows(found.running), "Nothing is being deployed."),
            TaskGroup("queued", "Waiting", "Asked", rows(found.waiting), "Nothing waits."),
            TaskGroup("scheduled", "Scheduled", "Begins", rows(found.scheduled), "Nothing is planned for later."),
            TaskGroup("failed", "Failed, last 24 hours", "Ended", rows(found.failed), "Nothing failed."),
        ],
        commands=[CommandRow(job.node, job_row(job, url=url, now=now)) for job in found.commands]
        if actor.may(Permission.MANAGE_NODES)
        else None,
        more=found.more,
    )


def _row(one: Placed, *, may_act: bool, url: Url, now: datetime) -> TaskRow:
    here = f"/apps/{one.app}/deployments/{one.number}"
    env = None if one.environment == PRODUCTION else one.environment
    is_over = one.state.is_over
    can_end = may_act and not is_over and not one.is_cancelling
    return TaskRow(
        id=one.id,
        app=one.app,
        number=one.number,
        href=url(here, env=env),
        place=f"{one.environment} on {one.node}",
        status=status_of_deployment(one),
        change=change_of(one),
        why=one.failure if is_over else why_it_waits(one, one.turn),
        at=moment(one.ended_at or one.started_at or one.scheduled_at or one.created_at, now),
        by=one.asked_by,
        cancel=url(f"{here}/cancel", env=env) if can_end else "",
        retry=url(f"{here}/retry", env=env)
        if may_act and one.state is DeploymentState.FAILED and not one.goes_back
        else "",
    )


def _summary(found: UnderWay) -> str:
    counted = (
        (len(found.running), "runs", "run"),
        (len(found.waiting), "waits", "wait"),
        (len(found.scheduled), "is planned", "are planned"),
    )
    said = [f"{count} {one if count == 1 else many}" for count, one, many in counted if count]
    if not said:
        return "No deployment runs or waits."
    return f"Deployments: {', '.join(said)}."
