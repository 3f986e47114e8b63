"""The first page: how everything is, and what just happened."""

from litestar import Response, get

from bakery.access.audit import list_activity
from bakery.access.people import preferences_of
from bakery.delivery.fleet import overview
from bakery.github.app import has_app
from bakery.github.links import show_link
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.nodes.overview import fleet_figures
from bakery.web.context import Parts, WebRequest
from bakery.web.moments import now
from bakery.web.presenters.dashboard import GitHubOffer, dashboard_page
from bakery.web.presenters.fleet import fleet_view
from bakery.web.rendering import render_page, render_partial
from bakery.web.views.shell import Crumb

_OPT = {"permission": Permission.READ}
_FEED = 10


@get("/", opt=_OPT)
async def show_dashboard(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    activity = await list_activity(parts.store, limit=_FEED, actor=actor)
    link = await show_link(parts.store, actor=actor)
    github = GitHubOffer(await has_app(parts.store), may_link=link.server is not None, is_linked=link.login is not None)
    page = dashboard_page(
        await overview(parts.store, actor=actor),
        await fleet_figures(parts.store, now(), actor=actor),
        activity.rows,
        await preferences_of(parts.store, actor=actor),
        github=github,
        has_address=parts.general.base_url is not None,
        actor=actor,
        url=request.app.state["urls"].url,
        now=now(),
    )
    return await render_page(request, "dashboard.html", page, here="dashboard", crumbs=[Crumb("Dashboard")])


@get("/fleet", opt=_OPT)
async def show_fleet(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    """The figures of the machines alone: they change every few seconds, and the rest of the dashboard does not."""
    figures = await fleet_figures(parts.store, now(), actor=actor)
    view = fleet_view(figures, actor=actor, url=request.app.state["urls"].url)
    return render_partial(request, "_fleet.html", fleet=view)


ROUTES = (show_dashboard, show_fleet)
