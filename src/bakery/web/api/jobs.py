"""Jobs: durable work on a node, with a log and an exit status that outlive every connection."""

from datetime import datetime

import msgspec
from litestar import get, post
from litestar.response import Stream

from bakery.model.actor import Actor
from bakery.model.jobs import JobState, parse_words
from bakery.model.permissions import Permission
from bakery.nodes.work import cancel_job, list_jobs, request_exec, show_job
from bakery.web.api.listing import After, Listing, listing, number_in, shown
from bakery.web.api.problems import problems
from bakery.web.context import Parts, WebRequest
from bakery.web.log_stream import Offset, log_answer

_MANAGE = {"permission": Permission.MANAGE_NODES}


class Job(msgspec.Struct, kw_only=True):
    """`exit_status` is negative for a signal, and null while it runs or when it is lost."""

    id: int
    node: str
    kind: str
    title: str
    state: JobState
    exit_status: int | None
    reason: str
    asked_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    is_cancelling: bool
    is_interrupted: bool


class JobWanted(msgspec.Struct, kw_only=True):
    """`command` is a list of words: nothing in them means anything to a shell. `seconds` is its time limit."""

    command: list[str]
    seconds: int = 3600


@post(
    "/nodes/{node:str}/jobs",
    operation_id="runCommand",
    summary="Run a command on a node",
    opt=_MANAGE,
    status_code=202,
    responses=problems(409),
    tags=["Nodes"],
)
async def post_job(parts: Parts, actor: Actor, node: str, data: JobWanted) -> Job:
    """As the user that Bakery logs in as there. It goes on when Bakery or the connection does not."""
    words = parse_words(data.command)
    return shown(Job, await request_exec(parts.store, parts.queue, node, words, seconds=data.seconds, actor=actor))


@get(
    "/nodes/{node:str}/jobs",
    operation_id="listJobs",
    summary="List the jobs of a node",
    opt=_MANAGE,
    responses=problems(),
    tags=["Nodes"],
)
async def get_jobs(parts: Parts, actor: Actor, node: str, after: After = "") -> Listing[Job]:
    """The newest first."""
    found = await list_jobs(parts.store, node, before=number_in(after), actor=actor)
    return listing(Job, found.items, found.next)


@get(
    "/nodes/{node:str}/jobs/{job:int}",
    operation_id="showJob",
    summary="Show a job",
    opt=_MANAGE,
    responses=problems(),
    tags=["Nodes"],
)
async def get_job(parts: Parts, actor: Actor, node: str, job: int) -> Job:
    """How it is doing, or how it ended."""
    return shown(Job, await show_job(parts.store, node, job, actor=actor))


@post(
    "/nodes/{node:str}/jobs/{job:int}/cancel",
    operation_id="cancelJob",
    summary="Cancel a job",
    opt=_MANAGE,
    status_code=202,
    responses=problems(409),
    tags=["Nodes"],
)
async def post_cancel(parts: Parts, actor: Actor, node: str, job: int) -> Job:
    """All its processes end within ten seconds."""
    await cancel_job(parts.store, node, job, actor=actor)
    return shown(Job, await show_job(parts.store, node, job, actor=actor))


@get(
    "/nodes/{node:str}/jobs/{job:int}/log",
    operation_id="readJobLog",
    summary="Read a job's log",
    opt=_MANAGE,
    media_type="text/plain",
    responses=problems(429),
    tags=["Nodes"],
)
async def get_job_log(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    node: str,
    job: int,
    from_byte: Offset = 0,
    to_byte: Offset | None = None,
) -> Stream:
    """Text, or with `Accept: text/event-stream` events as it grows, in the way of a deployment's log."""
    found = await show_job(parts.store, node, job, actor=actor)
    return log_answer(
        request, parts, actor, found.log_stream, topic=f"job:{found.id}", from_byte=from_byte, to_byte=to_byte
    )


ROUTES = (post_job, get_jobs, get_job, post_cancel, get_job_log)
