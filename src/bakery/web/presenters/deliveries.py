"""What was delivered to an app's webhook, as a page."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bakery.github.left_hooks import LeftHook
from bakery.hooks.at_github import AtGitHub
from bakery.hooks.decide import Decision
from bakery.hooks.missed import Branch, why_not_live
from bakery.hooks.rows import Delivery
from bakery.hooks.signatures import signing_token
from bakery.hooks.telling import Untold
from bakery.hooks.webhooks import WebhookDetail
from bakery.hooks.workflows import github_workflow, gitlab_job
from bakery.model.actor import Actor
from bakery.model.names import PRODUCTION, AppAt
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.web.moments import moment
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.deliveries import BranchCard, DeliveriesPage, DeliveryRow
from bakery.web.views.forms import Form
from bakery.web.views.status import StatusView

_DECIDED: Mapping[Decision, StatusView] = {
    Decision.DEPLOYS: StatusView("ok", "s-ok", "Deployed"),
    Decision.PREVIEWS: StatusView("ok", "s-ok", "Preview"),
    Decision.COALESCED: StatusView("off", "s-skip", "Gave way"),
    Decision.IGNORED: StatusView("off", "s-skip", "Ignored"),
    Decision.REFUSED: StatusView("bad", "s-bad", "Refused"),
    Decision.FAILED: StatusView("bad", "s-bad", "Failed"),
}


def deliveries_page(
    where: AppAt,
    found: WebhookDetail,
    deliveries: Sequence[Delivery],
    *,
    branch: Branch | None,
    form: Form | None,
    at_github: Form,
    has_github_link: bool,
    by_app: bool,
    seen: AtGitHub,
    secret: Secret | None,
    base: str,
    badge: str,
    older: int | None,
    is_first: bool,
    actor: Actor,
    url: Url,
    now: datetime,
) -> DeliveriesPage:
    """`form` is one that was refused; `base` is Bakery's own address; `badge` the key of its badge."""
    here = f"/apps/{where.app}/deliveries"
    suffix = "" if where.environment == PRODUCTION else f"?env={where.environment}"
    stored = {"paths": "\n".join(found.paths), "tags": found.tags}
    may = why_not(actor, Permission.DEPLOY)
    return DeliveriesPage(
        app=where.app,
        tabs=app_tabs(where.app, "deliveries", url),
        rows=[_row(one, here, url, now) for one in deliveries],
        branch=_branch(branch, now) if branch else None,
        addresses=[
            ("For GitHub", f"{base}/hooks/github/{found.hook}"),
            ("For GitLab, Gitea and others", f"{base}/api/apps/{where.app}/webhook{suffix}"),
        ]
        if found.hook and not may
        else (),
        is_on=found.is_on,
        secret=secret.reveal() if secret else "",
        signing_token=signing_token(secret) if secret else "",
        form=form or Form(values=stored),
        at_github=at_github,
        has_github_link=has_github_link,
        by_app=by_app,
        is_heard=found.is_heard,
        repaired=moment(seen.repair.repaired_at, now) if seen.repair.repaired_at else None,
        repair_problem=seen.repair.problem,
        untold=_untold(seen.untold) if seen.untold else "",
        left=[_left(one) for one in seen.left],
        workflows=[
            ("GitHub Actions: .github/workflows/deploy.yml", github_workflow(where, base)),
            ("GitLab CI: .gitlab-ci.yml", gitlab_job(where, base)),
        ],
        badge=f"![{where.app}]({base}/api/apps/{where.app}/badge.svg{suffix or '?'}{'&' if suffix else ''}key={badge})"
        if badge
        else "",
        older=url(here, after=str(older)) if older else None,
        first=None if is_first else url(here),
        why_not_change=may,
    )


def _untold(found: Untold) -> str:
    again = " It is told again in a while." if found.is_tried else ""
    return f"How deployment #{found.number} does was not told: {found.problem}{again}"


def _left(one: LeftHook) -> str:
    again = "It is given up." if one.given_up_at else "It is tried again by itself."
    return f"Its webhook in {one.repository} is of no use any more, and is there still. {one.problem} {again}"


def _branch(found: Branch, now: datetime) -> BranchCard:
    said = f"{found.branch} of {found.url}"
    if found.at is None:
        return BranchCard(f"{said} was not looked at yet.")
    if found.commit is not None:
        said = f"{said} is at {found.commit[:7]}{', which is live' if found.commit == found.live else ''}."
    gap = why_not_live(found)
    return BranchCard(
        said,
        gap=gap,
        may_deploy=bool(gap) and found.commit is not None,
        problem=found.problem,
        hint=found.hint,
        at=moment(found.at, now),
    )


def _row(one: Delivery, here: str, url: Url, now: datetime) -> DeliveryRow:
    kind, name = one.ref.split("/", 2)[1:] if one.ref else ("", "")
    name = f"#{name.removesuffix('/head')}" if kind == "pull" else name
    return DeliveryRow(
        id=one.id,
        status=_DECIDED[one.decision],
        said=f"{name}@{one.commit[:7]}" if one.commit else name or one.event or "Not signed",
        title=one.title,
        why=one.why,
        pusher=one.pusher,
        at=moment(one.at, now),
        times=one.times,
        deployment=one.deployment,
        redeliver=url(f"{here}/{one.id}/redeliver") if one.may_redeliver else "",
    )
