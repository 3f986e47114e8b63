"""Logs to read in: a page of lines by number, when they were written, what a search found, and the log of a deployment
on a page of its own.

A log is read by whoever may see what it belongs to: the handlers here find that out first, and those of other pages
with logs do the same before they call `log_viewer`, `some_lines`, `some_times` and `some_matches`.
"""

import asyncio
from datetime import datetime
from typing import Annotated, Literal

from litestar import Response, get
from litestar.params import Parameter, QueryParameter

from bakery.delivery.history import DeploymentSummary, show_deployment
from bakery.model.actor import Actor
from bakery.model.labels import shown_part
from bakery.model.names import AppAt
from bakery.model.permissions import Permission
from bakery.store import logs
from bakery.store.log_levels import Level
from bakery.store.log_search import LONGEST_PATTERN, Pattern, search
from bakery.web.context import Parts, WebRequest
from bakery.web.moments import now
from bakery.web.presenters.deployments import deployment_row
from bakery.web.presenters.log_pages import LONGEST, ROWS, log_rows
from bakery.web.rendering import render_page, url_of
from bakery.web.views.logs import DeploymentLogPage, LogViewer
from bakery.web.views.shell import Crumb

_READ = {"permission": Permission.READ}
_FIRST_BYTES = 128 * 1024  # of the end of a log in its page, at most
_SEARCHES_AT_ONCE = 2
_HEADERS = {"cache-control": "no-store"}

# The parameters of the three questions that a viewer asks.
First = Annotated[int, QueryParameter(name="from", ge=1, le=2**40)]
Count = Annotated[int, Parameter(ge=0, le=ROWS)]
Grave = Literal["", "error", "warning"]
Text = Annotated[str, Parameter(max_length=4 * LONGEST_PATTERN)]


async def log_viewer(
    request: WebRequest, parts: Parts, stream: int, *, name: str, here: str, raw: str, topic: str, file_name: str
) -> LogViewer:
    """`here` is the path below which `/lines`, `/times` and `/search` answer, `raw` the path of the text."""
    url = url_of(request)
    extent = await logs.readable(parts.store, stream) or logs.Extent(0, 0, is_closed=True)
    lines = await _last_lines(parts, stream, extent)
    return LogViewer(
        stream=str(stream),
        name=name,
        topic=topic,
        is_growing=not extent.is_closed,
        lines=extent.lines,
        to=extent.bytes,
        first=lines[0].number if lines else 1,
        last=log_rows(lines, url(raw)),
        lines_url=url(f"{here}/lines"),
        times_url=url(f"{here}/times"),
        search_url=url(f"{here}/search"),
        raw_url=url(raw),
        file_name=file_name,
    )


async def some_lines(parts: Parts, stream: int, raw: str, first: int, count: int = ROWS) -> Response[str]:
    """Rows of HTML, and in the headers how long the log is by now."""
    extent = await logs.readable(parts.store, stream) or logs.Extent(0, 0, is_closed=True)
    lines = await logs.read_lines(parts.store, stream, first, count) if count and first <= extent.lines else []
    headers = {"x-log-lines": str(extent.lines), "x-log-growing": str(int(not extent.is_closed))}
    return Response(log_rows(lines, raw), media_type="text/html; charset=utf-8", headers=_HEADERS | headers)


async def some_times(parts: Parts, stream: int, first: int, count: int = ROWS) -> Response[dict[str, object]]:
    """Milliseconds since 1970: of the log's beginning, and of the first of the lines that came together."""
    found = await logs.read_times(parts.store, stream, first, count)
    return Response(
        {
            "began": _milliseconds(found.began) if found.began else None,
            "times": [(line, _milliseconds(at)) for line, at in found.lines],
        },
        headers=_HEADERS,
    )


async def some_matches(
    request: WebRequest,
    parts: Parts,
    stream: int,
    text: str,
    *,
    is_regex: bool,
    matches_case: bool,
    level: Grave,
) -> Response[dict[str, object]]:
    """Line numbers. A few searches at a time: each may take seconds."""
    turns = request.app.state.setdefault("log_searches", asyncio.Semaphore(_SEARCHES_AT_ONCE))
    wanted = Pattern(
        shown_part(text, at_most=LONGEST_PATTERN + 1),
        is_regex=is_regex,
        matches_case=matches_case,
        level=Level(level) if level else None,
    )
    async with turns:
        found = await search(parts.store, stream, wanted)
    return Response(
        {"lines": found.lines, "searched": found.searched, "is_complete": found.is_complete}, headers=_HEADERS
    )


@get("/apps/{slug:str}/deployments/{number:int}/log", opt=_READ)
async def show_log_page(request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int) -> Response[str]:
    deployment = await _deployment(parts, actor, where, number)
    url, app = url_of(request), deployment.app
    here = f"/apps/{app}/deployments/{deployment.number}"
    row = deployment_row(deployment, now())
    log = await log_viewer(
        request,
        parts,
        deployment.log_stream,
        name=f"{app} #{deployment.number}",
        here=f"{here}/log",
        raw=f"{here}/log.txt",
        topic=f"deployment:{deployment.id}",
        file_name=f"{app}-{deployment.number}.log",
    )
    return await render_page(
        request,
        "logs/deployment.html",
        DeploymentLogPage(deployment.id, app, deployment.number, row.status, row.change, log),
        here=f"app:{app}",
        crumbs=[
            Crumb("Apps", url("/apps")),
            Crumb(str(where), url(f"/apps/{where.app}")),
            Crumb("Deployments", url(f"/apps/{app}/deployments")),
            Crumb(f"#{deployment.number}", url(here)),
            Crumb("Log"),
        ],
    )


@get("/apps/{slug:str}/deployments/{number:int}/log/lines", opt=_READ)
async def show_lines(
    request: WebRequest, parts: Parts, actor: Actor, where: AppAt, number: int, first: First = 1, count: Count = ROWS
) -> Response[str]:
    deployment = await _deployment(parts, actor, where, number)
    raw = url_of(request)(f"/apps/{deployment.app}/deployments/{deployment.number}/log.txt")
    return await some_lines(parts, deployment.log_stream, raw, first, count)


@get("/apps/{slug:str}/deployments/{number:int}/log/times", opt=_READ)
async def show_times(
    parts: Parts, actor: Actor, where: AppAt, number: int, first: First = 1, count: Count = ROWS
) -> Response[dict[str, object]]:
    deployment = await _deployment(parts, actor, where, number)
    return await some_times(parts, deployment.log_stream, first, count)


@get("/apps/{slug:str}/deployments/{number:int}/log/search", opt=_READ)
async def search_log(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    where: AppAt,
    number: int,
    *,
    q: Text = "",
    regex: bool = False,
    case: bool = False,
    level: Grave = "",
) -> Response[dict[str, object]]:
    deployment = await _deployment(parts, actor, where, number)
    return await some_matches(request, parts, deployment.log_stream, q, is_regex=regex, matches_case=case, level=level)


async def _deployment(parts: Parts, actor: Actor, where: AppAt, number: int) -> DeploymentSummary:
    return (await show_deployment(parts.store, where, number, actor=actor)).deployment


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


async def _last_lines(parts: Parts, stream: int, extent: logs.Extent) -> list[logs.Line]:
    """At most a page, and not more than a page of the browser can bear; fewer where they are long."""
    lines: list[logs.Line] = []
    for count in (ROWS, ROWS // 10, 1):
        first = max(1, extent.lines - count + 1)
        lines = await logs.read_lines(parts.store, stream, first, count) if extent.lines else []
        if not lines or lines[-1].number >= extent.lines:
            break
    size, at = 0, len(lines)
    while at and size + min(len(lines[at - 1].bytes), LONGEST) <= _FIRST_BYTES:
        at -= 1
        size += min(len(lines[at].bytes), LONGEST)
    return lines[at:]


ROUTES = (show_log_page, show_lines, show_times, search_log)
