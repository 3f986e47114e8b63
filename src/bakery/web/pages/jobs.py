"""The work that is done on a node: its jobs with their logs, and every command that was run there."""

import shlex

from litestar import Response, get, post
from litestar.response import Redirect, Stream

from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, Conflict
from bakery.model.jobs import parse_words
from bakery.model.permissions import Permission
from bakery.nodes.catalogue import show_node
from bakery.nodes.transcript import read_transcript
from bakery.nodes.work import cancel_job, list_jobs, request_exec, show_job
from bakery.store import logs
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.moments import now
from bakery.web.pages.logs import Count, First, Grave, Text, log_viewer, some_lines, some_matches, some_times
from bakery.web.paths import number_in, searched
from bakery.web.presenters.jobs import job_row, job_view, run_row
from bakery.web.presenters.log_pages import ROWS
from bakery.web.presenters.nodes import node_crumbs, node_tabs
from bakery.web.presenters.refusals import refusal_toasts
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form
from bakery.web.views.jobs import JobPage, NodeCommandsPage, NodeJobsPage
from bakery.web.views.shell import Crumb

_MANAGE = {"permission": Permission.MANAGE_NODES}
_REFUSALS = (BadInput, Conflict)


@get("/nodes/{node:str}/jobs", opt=_MANAGE)
async def show_jobs(request: WebRequest, parts: Parts, actor: Actor, node: str, after: str = "") -> Response[str]:
    return await _jobs(request, parts, actor, node, after=after)


@post("/nodes/{node:str}/jobs", opt=_MANAGE)
async def run(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        words = parse_words(_words(form.text("command")))
        job = await request_exec(parts.store, parts.queue, node, words, actor=actor)
    except _REFUSALS as error:
        refused = form.refused(error, shown=("command",))
        return await _jobs(request, parts, actor, node, form=refused, status=status_of(error))
    return go(request, f"/nodes/{node}/jobs/{job.id}")


@get("/nodes/{node:str}/jobs/{number:int}", opt=_MANAGE)
async def show_one_job(request: WebRequest, parts: Parts, actor: Actor, node: str, number: int) -> Response[str]:
    return await _job(request, parts, actor, node, number)


@post("/nodes/{node:str}/jobs/{number:int}/cancel", opt=_MANAGE)
async def cancel(request: WebRequest, parts: Parts, actor: Actor, node: str, number: int) -> Response[str] | Redirect:
    try:
        await cancel_job(parts.store, node, number, actor=actor)
    except Conflict as error:
        return await _job(request, parts, actor, node, number, refusal=error)
    return go(request, f"/nodes/{node}/jobs/{number}", said="job-cancelling")


@get("/nodes/{node:str}/jobs/{number:int}/log/lines", opt=_MANAGE)
async def show_job_lines(
    request: WebRequest, parts: Parts, actor: Actor, node: str, number: int, first: First = 1, count: Count = ROWS
) -> Response[str]:
    job = await show_job(parts.store, node, number, actor=actor)
    raw = request.app.state["urls"].url(f"/nodes/{node}/jobs/{number}/log.txt")
    return await some_lines(parts, job.log_stream, raw, first, count)


@get("/nodes/{node:str}/jobs/{number:int}/log/times", opt=_MANAGE)
async def show_job_times(
    parts: Parts, actor: Actor, node: str, number: int, first: First = 1, count: Count = ROWS
) -> Response[dict[str, object]]:
    job = await show_job(parts.store, node, number, actor=actor)
    return await some_times(parts, job.log_stream, first, count)


@get("/nodes/{node:str}/jobs/{number:int}/log/search", opt=_MANAGE)
async def search_job_log(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    node: str,
    number: int,
    *,
    q: Text = "",
    regex: bool = False,
    case: bool = False,
    level: Grave = "",
) -> Response[dict[str, object]]:
    job = await show_job(parts.store, node, number, actor=actor)
    return await some_matches(request, parts, job.log_stream, q, is_regex=regex, matches_case=case, level=level)


@get("/nodes/{node:str}/jobs/{number:int}/log.txt", opt=_MANAGE)
async def show_job_text(parts: Parts, actor: Actor, node: str, number: int) -> Stream:
    """All of it as it was written, but for what was masked."""
    job = await show_job(parts.store, node, number, actor=actor)
    return Stream(
        logs.whole(parts.store, job.log_stream),
        media_type="text/plain; charset=utf-8",
        headers={"cache-control": "no-store"},
    )


@get("/nodes/{node:str}/commands", opt=_MANAGE)
async def show_commands(
    request: WebRequest, parts: Parts, actor: Actor, node: str, after: str = "", request_id: str = ""
) -> Response[str]:
    """Every command that was run there."""
    shown = await show_node(parts.store, node, actor=actor)
    url, at, narrowed = request.app.state["urls"].url, now(), searched(request_id)
    found = await read_transcript(parts.store, shown.id, before=number_in(after), request=narrowed, actor=actor)
    here = f"/nodes/{node}/commands"
    page = NodeCommandsPage(
        node=node,
        tabs=node_tabs(node, "commands", url),
        rows=[run_row(run, at) for run in found.items],
        request=narrowed,
        here=url(here),
        next=url(here, after=found.next, request_id=narrowed) if found.next else None,
        first=url(here, request_id=narrowed) if after else None,
    )
    crumbs = [*node_crumbs(node, url), Crumb("Commands")]
    return await render_page(request, "nodes/commands.html", page, here="nodes", crumbs=crumbs)


async def _jobs(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    slug: str,
    *,
    after: str = "",
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    await show_node(parts.store, slug, actor=actor)
    found = await list_jobs(parts.store, slug, before=number_in(after), actor=actor)
    url, at, here = request.app.state["urls"].url, now(), f"/nodes/{slug}/jobs"
    page = NodeJobsPage(
        node=slug,
        tabs=node_tabs(slug, "jobs", url),
        rows=[job_row(job, url=url, now=at) for job in found.items],
        form=form or Form(),
        next=url(here, after=found.next) if found.next else None,
        first=url(here) if after else None,
    )
    crumbs = [*node_crumbs(slug, url), Crumb("Jobs")]
    return await render_page(request, "nodes/jobs.html", page, here="nodes", crumbs=crumbs, status=status)


async def _job(
    request: WebRequest, parts: Parts, actor: Actor, slug: str, number: int, *, refusal: BakeryError | None = None
) -> Response[str]:
    job = await show_job(parts.store, slug, number, actor=actor)
    here = f"/nodes/{slug}/jobs/{number}"
    log = await log_viewer(
        request,
        parts,
        job.log_stream,
        name=f"job {number} on {slug}",
        here=f"{here}/log",
        raw=f"{here}/log.txt",
        topic=f"job:{number}",
        file_name=f"{slug}-job-{number}.log",
    )
    url = request.app.state["urls"].url
    return await render_page(
        request,
        "nodes/job.html",
        JobPage(job_view(job, now()), log),
        here="nodes",
        crumbs=[*node_crumbs(slug, url), Crumb("Jobs", url(f"/nodes/{slug}/jobs")), Crumb(f"Job {number}")],
        toasts=refusal_toasts(refusal),
        status=status_of(refusal) if refusal else 200,
    )


def _words(command: str) -> list[str]:
    """As in a shell, but nothing except quotes means anything."""
    try:
        return shlex.split(command)
    except ValueError:
        raise BadInput("A quote in this command is never closed.", field="command") from None


ROUTES = (
    show_jobs,
    run,
    show_one_job,
    cancel,
    show_job_lines,
    show_job_times,
    search_job_log,
    show_job_text,
    show_commands,
)
