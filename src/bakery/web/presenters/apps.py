"""Apps as rows, and one of them with what it serves now."""

import re
import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime

from bakery.delivery.apps import AppDetail
from bakery.delivery.delete import Departure
from bakery.delivery.fleet import AppList, AppSummary, SidebarApp
from bakery.delivery.history import DeploymentSummary
from bakery.delivery.pending import Pending
from bakery.delivery.scale import Process
from bakery.delivery.slot_figures import SlotFigures
from bakery.delivery.sources import SourceDetail
from bakery.model.actor import Actor
from bakery.model.apps import AppStatus
from bakery.model.deployments import Health
from bakery.model.errors import BakeryError
from bakery.model.names import PRODUCTION
from bakery.model.nodes import NodeState
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.web.moments import moment
from bakery.web.presenters.deployments import deployment_row, short
from bakery.web.presenters.links import Url
from bakery.web.presenters.processes import processes_view
from bakery.web.presenters.refusals import why_not
from bakery.web.presenters.slots import slots_view
from bakery.web.presenters.variables import not_live
from bakery.web.views.apps import AppPage, AppRow, AppsPage, AppView, LiveRelease
from bakery.web.views.forms import Form
from bakery.web.views.shell import SideApp, Tab
from bakery.web.views.status import app_status

_RECENT = 5
_DOMAINS_NAMED = 5
_HEALTH = {Health.UNKNOWN: "Not checked yet", Health.HEALTHY: "Answers", Health.DOWN: "Does not answer"}


def apps_page(found: AppList, *, q: str, after: str, actor: Actor, url: Url, now: datetime) -> AppsPage:
    following = found.page.next
    return AppsPage(
        rows=[_row(app, now) for app in found.page.items],
        filters=Form(values={"q": q}),
        total=found.total,
        is_filtered=bool(q),
        why_not_create=why_not(actor, Permission.CREATE_APP),
        next=url("/apps", q=q, after=following) if following else None,
        first=url("/apps", q=q) if after else None,
    )


def app_page(
    app: AppDetail,
    deployments: Sequence[DeploymentSummary],
    goes: Departure | None,
    slots: Sequence[SlotFigures],
    processes: Sequence[Process],
    scaling: BakeryError | None,
    *,
    before: int | None,
    pending: Pending | None,
    source: SourceDetail,
    delete: Form,
    clone: Form,
    actor: Actor,
    url: Url,
    now: datetime,
) -> AppPage:
    """`goes` is for those who may delete the app."""
    return AppPage(
        app=app_view(app, deployments, before=before, pending=pending, source=source, actor=actor, now=now),
        tabs=app_tabs(app.slug, "overview", url),
        slots=slots_view(app.slug, slots, now=now),
        processes=processes_view(app.slug, processes, is_stopped=app.is_stopped, actor=actor, refusal=scaling),
        delete=delete,
        lost=_lost(goes) if goes else (),
        kept=_kept(goes) if goes else (),
        volumes=goes.volumes if goes else (),
        why_not_delete=why_not(actor, Permission.DELETE_APP),
        clone=clone,
        why_not_clone=why_not(actor, Permission.CREATE_APP),
    )


def app_view(
    app: AppDetail,
    deployments: Sequence[DeploymentSummary],
    *,
    before: int | None,
    pending: Pending | None,
    source: SourceDetail,
    actor: Actor,
    now: datetime,
) -> AppView:
    """`deployments` are the latest ones; `before` is the release to go back to when nobody says which."""
    return AppView(
        slug=app.slug,
        name=app.name,
        environment="" if app.environment == PRODUCTION else app.environment,
        status=app_status(app.status),
        address=app.address or "",
        source=_source(app, source),
        follows=source.image or (f"{source.branch} of {short_address(source.url)}" if source.url else ""),
        is_image=source.image is not None,
        node=app.node,
        interruption="It is away until it answers again, usually for a few seconds. The release stays the same.",
        live=_live(app, deployments, now),
        deployments=[
            deployment_row(deployment, now, may_go_back=actor.may(Permission.DEPLOY))
            for deployment in deployments[:_RECENT]
        ],
        back_to=before,
        is_stopped=app.is_stopped,
        not_live=not_live(pending) if pending else None,
        problem=_problem(app),
        why_not_act=why_not(actor, Permission.DEPLOY),
    )


def app_tabs(slug: str, current: str, url: Url) -> Sequence[Tab]:
    """What people open daily has a tab; what is set up once is a part of the last one."""
    parts = [
        Tab(title, url(f"/apps/{slug}/{place}"), current=current == place)
        for title, place in (
            ("General", "settings"),
            ("Source", "source"),
            ("Deliveries", "deliveries"),
            ("Site", "site"),
            ("Environments", "environments"),
            ("Previews", "previews"),
        )
    ]
    is_part = any(part.current for part in parts)
    return (
        Tab("Overview", url(f"/apps/{slug}"), current=current == "overview"),
        Tab("Deployments", url(f"/apps/{slug}/deployments"), current=current == "deployments"),
        Tab("Logs", url(f"/apps/{slug}/logs"), current=current == "logs"),
        Tab("Variables", url(f"/apps/{slug}/variables"), current=current == "variables"),
        Tab("Domains", url(f"/apps/{slug}/domains"), current=current == "domains"),
        Tab("Terminal", url(f"/apps/{slug}/terminal"), current=current == "terminal"),
        Tab("Settings", url(f"/apps/{slug}/settings"), current=is_part, parts=parts if is_part else ()),
    )


def side_apps(apps: Iterable[SidebarApp | AppSummary]) -> Sequence[SideApp]:
    return [SideApp(app.slug, app.name, app_status(app.status)) for app in apps]


def _row(app: AppSummary, now: datetime) -> AppRow:
    return AppRow(
        slug=app.slug,
        name=app.name,
        status=app_status(app.status),
        address=app.address or "",
        node=app.node,
        version=short(app.version or ""),
        deployed=moment(app.live_since, now) if app.live_since else None,
    )


def _source(app: AppDetail, source: SourceDetail) -> str:
    if app.runtime is Runtime.STATIC:
        return "Static files"
    if source.image and not app.command:
        return "As its image says"
    return shlex.join(app.command) if app.command else "Found out from its source"


def _live(app: AppDetail, deployments: Sequence[DeploymentSummary], now: datetime) -> LiveRelease | None:
    if app.live_number is None or app.live_since is None or app.health is None:
        return None
    made_it_live = next((deployment for deployment in deployments if deployment.is_live), None)
    return LiveRelease(
        number=app.live_number,
        change=app.title or "",
        version=short(app.version or ""),
        by=made_it_live.asked_by if made_it_live else "",
        since=moment(app.live_since, now),
        slot=f"{app.colour} slot",
        address=f"127.0.0.1:{app.port}" if app.port else "files that nginx reads",
        health=app.health_note or _HEALTH[app.health],
    )


def short_address(url: str) -> str:
    """As people read it: `github.com/acme/shop`."""
    short = re.sub(r"^(?:https?://|ssh://)?(?:[^@/]*@)?", "", url).removesuffix(".git")
    return short if "://" in url else short.replace(":", "/", 1)


def _kept(goes: Departure) -> Sequence[str]:
    done = "what was done to it, in Activity"
    if not goes.volumes:
        return [done]
    return [
        f"the volumes {', '.join(goes.volumes)}, for an app of this name, unless you choose otherwise"
        if len(goes.volumes) > 1
        else f"the volume {goes.volumes[0]}, for an app of this name, unless you choose otherwise",
        done,
    ]


def _lost(goes: Departure) -> Sequence[str]:
    lost = [f"the address {goes.address}"] if goes.address else []
    if goes.domains:
        named = ", ".join(goes.domains[:_DOMAINS_NAMED])
        more = len(goes.domains) - _DOMAINS_NAMED
        lost.append(f"the domain{'s' * (len(goes.domains) > 1)} {named}{f' and {more} more' if more > 0 else ''}")
    if goes.environments:
        lost.append(f"its environments {', '.join(goes.environments)}, with their volumes kept")
    if goes.releases:
        lost.append("1 release on its node" if goes.releases == 1 else f"{goes.releases} releases on its node")
    if goes.deployments:
        lost.append(
            "1 deployment with its log" if goes.deployments == 1 else f"{goes.deployments} deployments with logs"
        )
    if goes.variables:
        lost.append("1 variable" if goes.variables == 1 else f"{goes.variables} variables with their versions")
    return lost


def _problem(app: AppDetail) -> str:
    if app.node_state is not NodeState.ONLINE:
        return f"{app.node} is {app.node_state}; the app may still be serving."
    match app.status:
        case AppStatus.STOPPED:
            return "Nobody can reach it until it is started."
        case AppStatus.DOWN:
            return f"{app.health_note.rstrip('.')}." if app.health_note else "It does not answer its health check."
        case AppStatus.FAILED:
            return "No deployment has succeeded yet, so nobody can reach it. The last one says why."
        case _:
            return ""
