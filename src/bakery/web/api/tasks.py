"""All that is under way."""

import msgspec
from litestar import get

from bakery.delivery.under_way import list_under_way
from bakery.model.actor import Actor
from bakery.model.permissions import Permission
from bakery.web.api.deployments import Deployment
from bakery.web.api.listing import shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts


class Task(Deployment, kw_only=True):
    """A deployment that waits, runs or failed. `position` is its place in the line of those that wait, where what goes
    back to an earlier release has a line of its own; `behind` the deployment of the same environment that goes before
    it."""

    environment: str
    node: str
    position: int | None
    behind: int | None


class Tasks(msgspec.Struct):
    """`failed` are those of the last day that nothing newer has made good. `is_cut`: more wait and run than these."""

    running: list[Task]
    waiting: list[Task]
    scheduled: list[Task]
    failed: list[Task]
    is_cut: bool


@get(
    "/tasks",
    operation_id="listTasks",
    summary="List the deployments of all apps that run, wait, are planned, or failed within a day",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Deployments"],
)
async def get_tasks(parts: Parts, actor: Actor) -> Tasks:
    """Those of the apps that you may see, the oldest first; the failed ones newest first."""
    found = await list_under_way(parts.store, actor=actor)
    return Tasks(
        running=[shown(Task, one) for one in found.running],
        waiting=[shown(Task, one) for one in found.waiting],
        scheduled=[shown(Task, one) for one in found.scheduled],
        failed=[shown(Task, one) for one in found.failed],
        is_cut=found.more,
    )


ROUTES = (get_tasks,)
