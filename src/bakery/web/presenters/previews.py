"""The previews of an app, as a page."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bakery.hooks.previews import Preview
from bakery.model.actor import Actor
from bakery.model.names import EnvironmentName
from bakery.model.permissions import Permission
from bakery.model.previews import Forks, PreviewSettings, PreviewState
from bakery.model.sizes import shown_megabytes
from bakery.web.moments import moment
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.forms import Form, Option
from bakery.web.views.previews import PreviewRow, PreviewsPage
from bakery.web.views.status import StatusView, app_status

_STATES: Mapping[PreviewState, StatusView] = {
    PreviewState.NEW: StatusView("off", "s-wait", "Waiting"),
    PreviewState.APPROVAL: StatusView("warn", "s-warn", "Waits for approval"),
    PreviewState.ROOM: StatusView("off", "s-wait", "Waits for room"),
    PreviewState.PLACED: StatusView("off", "s-wait", "Waiting"),
    PreviewState.REFUSED: StatusView("bad", "s-bad", "Not made"),
    PreviewState.CLOSED: StatusView("off", "s-skip", "Closed"),
}
_ENDED: Mapping[str, str] = {
    "person": "Somebody closed it. The next push brings it back.",
    "old": "It was closed for its age. The next push brings it back.",
    "off": "Previews were turned off. The next push brings it back, once they are on.",
}
_FORKS = (
    Option(Forks.NEVER, "Never"),
    Option(Forks.APPROVAL, "After approval of each commit"),
)


def previews_page(
    app: str,
    found: Sequence[Preview],
    settings: PreviewSettings,
    *,
    environments: Sequence[EnvironmentName],
    has_webhook: bool,
    form: Form | None,
    older: int | None,
    is_first: bool,
    actor: Actor,
    url: Url,
    plain: Url,
    now: datetime,
) -> PreviewsPage:
    """`form` is one that was refused; `plain` leads to an environment that is named."""
    here = f"/apps/{app}/previews"
    return PreviewsPage(
        app=app,
        tabs=app_tabs(app, "previews", url),
        rows=[_row(one, here, actor, url, plain, now) for one in found],
        is_on=settings.is_on,
        warning=f"{settings.like} has no webhook yet, so nothing tells of pull requests. Make one under Deliveries."
        if settings.is_on and not has_webhook
        else "",
        likes=[Option(name, name) for name in environments],
        forks=_FORKS,
        form=form or Form(values=_values(settings)),
        older=url(here, after=str(older)) if older else None,
        first=None if is_first else url(here),
        why_not_change=why_not(actor, Permission.CREATE_APP),
    )


def _values(settings: PreviewSettings) -> Mapping[str, str]:
    return {
        "is_on": "on" if settings.is_on else "",
        "like": settings.like,
        "variables": "\n".join(settings.variables),
        "most": str(settings.most),
        "days": str(settings.days),
        "memory": shown_megabytes(settings.memory_bytes) if settings.memory_bytes else "",
        "cpus": f"{settings.cpu_percent / 100:g}" if settings.cpu_percent else "",
        "forks": settings.forks,
    }


def _row(one: Preview, here: str, actor: Actor, url: Url, plain: Url, now: datetime) -> PreviewRow:
    may_approve, may_close = actor.may(Permission.CREATE_APP), actor.may(Permission.DEPLOY)
    is_closed = not one.is_open or bool(one.ended)
    return PreviewRow(
        number=one.number,
        title=one.title,
        url=one.url,
        said=f"{one.branch} by {one.author}{', from a fork' if one.is_fork else ''}",
        status=app_status(one.status) if one.status else _STATES[one.state],
        notes=_notes(one),
        page=plain(f"/apps/{one.app}", env=one.environment) if one.environment else "",
        address=one.address or "",
        deployment=one.deployment if one.environment else None,
        deployment_page=plain(f"/apps/{one.app}/deployments/{one.deployment}", env=one.environment)
        if one.environment and one.deployment
        else "",
        deployed=one.deployed[:7],
        at=moment(one.deployed_at, now) if one.deployed_at else None,
        commit=one.head,
        approve=url(f"{here}/{one.number}/approve") if one.waits_for_approval and may_approve else "",
        close=url(f"{here}/{one.number}/close") if not is_closed and may_close else "",
    )


def _notes(one: Preview) -> Sequence[str]:
    notes = [
        _ENDED.get(one.ended, "") if one.is_open else "",
        f"{one.head[:7]} waits for a person's approval." if one.waits_for_approval else "",
        one.problem,
        f"GitHub has no comment about it: {one.comment_problem}" if one.comment_problem else "",
    ]
    return [note for note in notes if note]
