"""All that Bakery is at, or will be."""

from litestar import Response, get

from bakery.delivery.under_way import list_under_way
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.context import Parts, WebRequest
from bakery.web.moments import now
from bakery.web.presenters.tasks import tasks_page
from bakery.web.rendering import render_page
from bakery.web.views.shell import Crumb


@get("/tasks", opt={"permission": Permission.READ})
async def show_tasks(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    found = await list_under_way(parts.store, actor=actor)
    page = tasks_page(found, actor=actor, url=request.app.state["urls"].url, now=now())
    return await render_page(request, "tasks.html", page, here="tasks", crumbs=[Crumb("Tasks")])


ROUTES = (show_tasks,)
