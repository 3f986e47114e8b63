"""How an app runs, as a page."""

import shlex
from collections.abc import Mapping, Sequence

from bakery.delivery.apps import AppDetail
from bakery.delivery.volumes import AppVolume, NamedBy
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.model.strategies import Strategy
from bakery.model.volumes import shown_volumes
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.presenters.terms import stored_terms, term_facts, term_groups
from bakery.web.views.app_settings import AppSettingsPage, VolumeRow
from bakery.web.views.forms import Form, Option

_RUNTIMES: Mapping[Runtime, str] = {
    Runtime.DOCKER: "Runs in a container",
    Runtime.PROCESS: "Runs as a process",
    Runtime.STATIC: "Static files",
}
STRATEGIES = (
    Option(
        "", "As found out", "As its bakery.toml says. Else recreate where it has a volume, and blue-green elsewhere."
    ),
    Option(Strategy.BLUE_GREEN, "Blue-green", "The new release starts beside the old one. Visitors notice nothing."),
    Option(
        Strategy.RECREATE,
        "Recreate",
        "The old one ends first: for apps that must not run twice, as with a volume. Visitors wait a moment.",
    ),
)
_FOUND_OUT = "Found out from its source"


def settings_page(
    app: AppDetail, volumes: Sequence[AppVolume], *, form: Form | None, actor: Actor, url: Url
) -> AppSettingsPage:
    """`form` is one that was refused."""
    return AppSettingsPage(
        app=app.slug,
        tabs=app_tabs(app.slug, "settings", url),
        runtime=_RUNTIMES[app.runtime],
        runs=app.runtime is not Runtime.STATIC,
        form=form or Form(values=_stored(app)),
        choices=STRATEGIES,
        groups=term_groups(app.terms),
        facts=_facts(app),
        volumes=[VolumeRow(one.name, one.path or "", _volume_said(one)) for one in volumes],
        volume_help=_where(app.runtime),
        warning=app.warning,
        why_not_change=why_not(actor, Permission.DEPLOY),
    )


def _volume_said(volume: AppVolume) -> str:
    match volume.named_by:
        case NamedBy.NOBODY:
            return "Not named any more. Its files are kept on the node."
        case NamedBy.BAKERY_TOML:
            said = "Named in bakery.toml."
        case _:
            said = "Named here."
    return said if volume.is_made else f"{said} It is made with the next deployment."


def _where(runtime: Runtime) -> str:
    if runtime is Runtime.PROCESS:
        return "NAME:PATH, one a line, like data:data. The path is below the app."
    return "NAME:PATH, one a line, like data:/var/data. A path without a slash in front is below the app."


def _stored(app: AppDetail) -> Mapping[str, str]:
    return {
        "name": app.name,
        "command": shlex.join(app.command or ()),
        "strategy": app.strategy or "",
        "volumes": shown_volumes(app.volumes).replace(" ", "\n"),
        **stored_terms(app.terms),
    }


def _facts(app: AppDetail) -> Sequence[tuple[str, str]]:
    if app.runtime is Runtime.STATIC:
        return [("Name", app.name)]
    strategy = next(one.title for one in STRATEGIES if one.value == app.takes_over)
    return [
        ("Name", app.name),
        ("Start command", shlex.join(app.command) if app.command else _FOUND_OUT),
        ("Strategy", strategy),
        ("Volumes", shown_volumes(app.volumes) or "Those of its bakery.toml, if any"),
        *term_facts(app.terms),
    ]
