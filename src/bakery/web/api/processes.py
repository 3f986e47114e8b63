"""The processes of an app, and how many of each run."""

import msgspec
from litestar import get, put

from bakery.delivery.scale import Process, list_processes, scale_app
from bakery.model.actor import Actor
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.model.processes import parse_counts
from bakery.web.api.problems import problems
from bakery.web.context import Parts


class ProcessInstance(msgspec.Struct, kw_only=True):
    """`name` is that of its unit or container. `is_running` is null until somebody looked."""

    name: str
    is_running: bool | None
    restarts: int
    last_exit: str


class AppProcess(msgspec.Struct, kw_only=True):
    """`count` is what is wanted; `instances` are what there is. `can_scale`: its count can be changed."""

    process: str
    command: list[str]
    count: int
    can_scale: bool
    instances: list[ProcessInstance]


class AppProcesses(msgspec.Struct, kw_only=True):
    """First the one with the port. Empty while nothing is live, and for files."""

    items: list[AppProcess]


class CountsWanted(msgspec.Struct):
    """By the name of the process. What is not named stays as it is."""

    counts: dict[str, int]


@get(
    "/apps/{app:str}/processes",
    operation_id="listProcesses",
    summary="List the processes of an app",
    opt={"permission": Permission.READ},
    responses=problems(),
    tags=["Apps"],
)
async def get_processes(parts: Parts, actor: Actor, where: AppAt) -> AppProcesses:
    """Of the live release, with what each instance did when it was looked at last."""
    return _listed(await list_processes(parts.store, where, actor=actor))


@put(
    "/apps/{app:str}/processes",
    operation_id="scaleApp",
    summary="Say how many of each process run",
    opt={"permission": Permission.DEPLOY},
    status_code=202,
    responses=problems(409),
    tags=["Apps"],
)
async def put_processes(parts: Parts, actor: Actor, where: AppAt, data: CountsWanted) -> AppProcesses:
    """Soon, by the worker, without a deployment; and with every later release."""
    await scale_app(parts.store, parts.queue, where, parse_counts(data.counts), actor=actor)
    return _listed(await list_processes(parts.store, where, actor=actor))


def _listed(found: list[Process]) -> AppProcesses:
    return AppProcesses(
        items=[
            AppProcess(
                process=process.name,
                command=list(process.command),
                count=process.count,
                can_scale=process.can_scale,
                instances=[
                    ProcessInstance(
                        name=one.name, is_running=one.is_running, restarts=one.restarts, last_exit=one.last_exit
                    )
                    for one in process.instances
                ],
            )
            for process in found
        ]
    )


ROUTES = (get_processes, put_processes)
