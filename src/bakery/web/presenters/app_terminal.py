"""The terminal of an app, as a page."""

from bakery.delivery.apps import AppDetail
from bakery.model.actor import Actor
from bakery.model.names import PRODUCTION
from bakery.model.permissions import Permission
from bakery.model.runtimes import Runtime
from bakery.web.presenters.apps import app_tabs
from bakery.web.presenters.links import Url
from bakery.web.presenters.refusals import why_not
from bakery.web.views.terminal import TerminalPage

_IDLE_SECONDS = 30 * 60  # a shell that somebody forgot holds one of the few places on its node


def terminal_page(app: AppDetail, *, actor: Actor, url: Url) -> TerminalPage:
    elsewhere = "" if app.environment == PRODUCTION else f" --env {app.environment}"
    return TerminalPage(
        app=app.slug,
        environment=app.environment,
        tabs=app_tabs(app.slug, "terminal", url),
        run=url(f"/api/apps/{app.slug}/run"),
        same=f"bakery run {app.slug}{elsewhere} -- sh",
        release=app.live_number,
        node=app.node,
        idle_seconds=_IDLE_SECONDS,
        why_not=why_not(actor, Permission.DEPLOY) or _nowhere(app),
    )


def _nowhere(app: AppDetail) -> str:
    if app.live_number is None:
        return "Nothing is live here, so there is nothing to run a command in. Deploy it first."
    if app.runtime is Runtime.STATIC:
        return "It is static files, so there is nothing to run a command in."
    return ""
