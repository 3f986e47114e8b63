"""Jobs and commands: how far each is, and how it ended."""

from datetime import datetime, timedelta

from bakery.nodes.transcript import Run
from bakery.nodes.work import JobSummary
from bakery.web.moments import moment
from bakery.web.presenters.durations import duration
from bakery.web.presenters.links import Url
from bakery.web.views.jobs import JobRow, JobView, RunRow
from bakery.web.views.status import StatusView, check_status, job_status


def job_row(job: JobSummary, *, url: Url, now: datetime) -> JobRow:
    return JobRow(
        id=job.id,
        title=job.title,
        status=_job_status(job),
        by=job.asked_by,
        asked=moment(job.created_at, now),
        took=_took(job, now),
        href=url(f"/nodes/{job.node}/jobs/{job.id}"),
    )


def job_view(job: JobSummary, now: datetime) -> JobView:
    return JobView(
        id=job.id,
        node=job.node,
        title=job.title,
        status=_job_status(job),
        by=job.asked_by,
        asked=moment(job.created_at, now),
        took=_took(job, now),
        outcome=_outcome(job),
        is_over=job.ended_at is not None,
        is_cancelling=job.is_cancelling,
    )


def run_row(run: Run, now: datetime) -> RunRow:
    return RunRow(
        id=run.id,
        at=moment(run.at, now),
        command=run.command,
        status=_ended(run.exit_status),
        took=duration(timedelta(seconds=run.seconds)),
        output=run.output,
    )


def _job_status(job: JobSummary) -> StatusView:
    return job_status("interrupted" if job.is_interrupted else job.state)


def _took(job: JobSummary, now: datetime) -> str:
    return duration((job.ended_at or now) - job.started_at) if job.started_at else ""


def _outcome(job: JobSummary) -> str:
    if job.ended_at is None:
        return ""
    if job.exit_status is None:
        return job.reason
    how = f"signal {-job.exit_status}" if job.exit_status < 0 else f"status {job.exit_status}"
    if job.reason.startswith(("was ", "did not ")):  # we ended it: the signal is ours, and says nothing more
        return f"It {job.reason}."
    return f"It ended with {how}." + (f" {job.reason}" if job.reason else "")


def _ended(exit_status: int | None) -> StatusView:
    if exit_status is None:
        return StatusView("off", "s-unk", "no status")
    return check_status("done" if exit_status == 0 else f"status {exit_status}", is_well=exit_status == 0)
