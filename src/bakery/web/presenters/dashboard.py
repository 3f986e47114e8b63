"""The state of all apps in words, how the machines are doing, what needs a person, and what is still to be set up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bakery.access.audit import Activity
from bakery.access.people import Person
from bakery.delivery.fleet import Overview
from bakery.model.actor import Actor
from bakery.model.apps import AppStatus
from bakery.model.permissions import Permission
from bakery.nodes.overview import FleetFigures
from bakery.web.presenters.activity import activity_row
from bakery.web.presenters.deployments import deployment_row
from bakery.web.presenters.fleet import fleet_view, nodes_in_need
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.dashboard import Attention, DashboardPage, SetupStep
from bakery.web.views.status import app_status

# How one is, how several are, and which.
_WORDS: Mapping[AppStatus, tuple[str, str, str]] = {
    AppStatus.DOWN: ("is", "are", "down"),
    AppStatus.DEPLOYING: ("is", "are", "deploying"),
    AppStatus.HEALTHY: ("is", "are", "healthy"),
    AppStatus.STOPPED: ("is", "are", "stopped"),
    AppStatus.FAILED: ("could", "could", "not be deployed"),
    AppStatus.NEVER_DEPLOYED: ("was", "were", "never deployed"),
}


@dataclass(frozen=True, slots=True)
class GitHubOffer:
    """Whether there is a GitHub App, whether people can link their accounts, and whether this one has."""

    has_app: bool = False
    may_link: bool = False
    is_linked: bool = False

    @property
    def is_connected(self) -> bool:
        return self.has_app or self.is_linked


def dashboard_page(
    apps: Overview,
    nodes: FleetFigures,
    activity: Sequence[Activity],
    person: Person,
    *,
    has_address: bool,
    github: GitHubOffer,
    actor: Actor,
    url: Url,
    now: datetime,
) -> DashboardPage:
    """`has_address`: it is known under which address people reach Bakery. `github`: what is connected there."""
    return DashboardPage(
        headline=_headline(apps),
        summary=summary(apps, actor),
        attention=[*_attention(apps, url), *nodes_in_need(nodes, actor=actor, url=url)],
        checklist=_checklist(apps, person, actor, url, github, has_address=has_address),
        fleet=fleet_view(nodes, actor=actor, url=url),
        deployments=[deployment_row(deployment, now) for deployment in apps.recent],
        activity=[activity_row(done, actor=actor, url=url, now=now) for done in activity],
        why_not_create=why_not(actor, Permission.CREATE_APP),
    )


def _headline(fleet: Overview) -> str:
    down, healthy = fleet.counts.get(AppStatus.DOWN, 0), fleet.counts.get(AppStatus.HEALTHY, 0)
    if down:
        return "1 app is down" if down == 1 else f"{down} apps are down"
    failed = fleet.counts.get(AppStatus.FAILED, 0)
    if failed:
        return "1 app could not be deployed" if failed == 1 else f"{failed} apps could not be deployed"
    if fleet.counts.get(AppStatus.DEPLOYING):
        return "A new release is on its way"
    if healthy:
        return "All is well"
    return "All apps are stopped" if _ever_ran(fleet) else "Nothing runs yet"


def _ever_ran(fleet: Overview) -> bool:
    return fleet.total > fleet.counts.get(AppStatus.NEVER_DEPLOYED, 0) + fleet.counts.get(AppStatus.FAILED, 0)


def summary(fleet: Overview, actor: Actor) -> str:
    if not fleet.total:
        return "There are no apps yet." if actor.apps is None else "No app is shared with you yet. Ask an Admin."
    parts = []
    for status, (one, several, word) in _WORDS.items():
        count = fleet.counts.get(status, 0)
        if count == fleet.total:
            return f"The only app {one} {word}." if count == 1 else f"All {count} apps {several} {word}."
        if count:
            parts.append(f"{count} {one if count == 1 else several} {word}")
    return f"Of {fleet.total} apps, {', '.join(parts[:-1])} and {parts[-1]}."


def _attention(fleet: Overview, url: Url) -> Sequence[Attention]:
    down = app_status(AppStatus.DOWN)
    matters = [
        Attention(down, f"{app} is down", "It does not answer its health check.", url(f"/apps/{app}"), "Look")
        for app in fleet.down
    ]
    more = fleet.counts.get(AppStatus.DOWN, 0) - len(matters)
    if more > 0:
        title = "1 more app is down" if more == 1 else f"{more} more apps are down"
        matters.append(Attention(down, title, "The list says which.", url("/apps"), "See all"))
    failed = app_status(AppStatus.FAILED)
    matters += [
        Attention(
            failed,
            f"{app} could not be deployed",
            "No deployment has succeeded yet, so nobody can reach it.",
            url(f"/apps/{app}/deployments"),
            "See why",
        )
        for app in fleet.failed
    ]
    more = fleet.counts.get(AppStatus.FAILED, 0) - len(fleet.failed)
    if more > 0:
        title = "1 more app could not be deployed" if more == 1 else f"{more} more apps could not be deployed"
        matters.append(Attention(failed, title, "The list says which.", url("/apps"), "See all"))
    return matters


def _checklist(
    fleet: Overview, person: Person, actor: Actor, url: Url, github: GitHubOffer, *, has_address: bool
) -> Sequence[SetupStep]:
    steps = [
        SetupStep(
            "Turn on your second factor",
            "A stolen password is then not enough.",
            url("/account/security"),
            "Turn on",
            done=person.has_second_factor,
        )
    ]
    if actor.may(Permission.MANAGE_SYSTEM):
        steps += [
            SetupStep(
                "Say under which address people reach Bakery",
                "Links for colleagues and programs are made from it.",
                url("/settings/general"),
                "Set address",
                done=has_address,
            ),
            SetupStep(
                "Deploy a first app",
                "From a Git repository, an image or a folder. Bakery finds out how it is built.",
                url("/apps/new"),
                "Create an app",
                done=_ever_ran(fleet),
            ),
        ]
    if all(step.done for step in steps):
        return ()
    return [*steps, *_github_step(actor, url, github)]


def _github_step(actor: Actor, url: Url, github: GitHubOffer) -> Sequence[SetupStep]:
    """Only offered: who keeps their code elsewhere is done without it."""
    if github.is_connected:
        return ()
    told = "Repositories are then chosen from a list, private ones too, and pushes deploy."
    if github.may_link:
        return [SetupStep("Link your GitHub", told, url("/account/github"), "Link GitHub", done=False)]
    if actor.may(Permission.MANAGE_SYSTEM):
        return [SetupStep("Create a GitHub App", told, url("/settings/github"), "Set up GitHub", done=False)]
    return ()
