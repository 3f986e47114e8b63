"""The machines that apps run on: the list, adding one, one of them, and the work that is done there."""

import shlex
from collections.abc import Awaitable, Callable, Sequence

from litestar import Response, get, post
from litestar.response import Redirect, Stream

from bakery.model.actor import Actor
from bakery.model.errors import BadInput, BakeryError, Conflict, NotFound
from bakery.model.jobs import parse_words
from bakery.model.nodes import AGENT, parse_new_node
from bakery.model.permissions import Permission
from bakery.model.secret import Secret
from bakery.nodes import registry
from bakery.nodes.bootstrap import Bootstrap, make_bootstrap, script_at
from bakery.nodes.catalogue import apps_on, last_deployment, list_nodes, show_node
from bakery.nodes.transcript import read_transcript
from bakery.nodes.work import cancel_job, list_jobs, request_exec, show_job
from bakery.store import logs
from bakery.store.metrics import latest
from bakery.store.series import Span, series
from bakery.web.context import Parts, WebRequest
from bakery.web.errors import status_of
from bakery.web.forms import typed
from bakery.web.moments import now
from bakery.web.pages.logs import Count, First, Text, log_viewer, some_lines, some_matches
from bakery.web.paths import number_in, searched
from bakery.web.presenters.log_pages import ROWS
from bakery.web.presenters.nodes import (
    installer_view,
    job_row,
    job_view,
    node_tabs,
    node_view,
    nodes_page,
    run_row,
)
from bakery.web.rendering import go, render_page
from bakery.web.views.forms import Form
from bakery.web.views.nodes import JobPage, NewNodePage, NodeCommandsPage, NodeJobsPage, NodePage, NodeSettingsPage
from bakery.web.views.shell import Crumb, Toast

_READ = {"permission": Permission.READ}
_MANAGE = {"permission": Permission.MANAGE_NODES}
_PUBLIC = {"permission": Permission.PUBLIC}
_NEW_FIELDS = ("slug", "host", "port", "user", "bastion", "name")
_EDIT_FIELDS = ("name", "host", "port", "user", "bastion", "apps_domain", "public_address")
_REFUSALS = (BadInput, Conflict)


@get("/nodes", opt=_READ)
async def show_nodes(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    nodes = await list_nodes(parts.store, actor=actor)
    newest = await latest(parts.store, [node.id for node in nodes])
    page = nodes_page(nodes, newest, actor=actor, url=request.app.state["urls"].url, now=now())
    return await render_page(request, "nodes/index.html", page, here="nodes", crumbs=[Crumb("Nodes")])


@get("/nodes/new", opt=_MANAGE)
async def show_new(request: WebRequest) -> Response[str]:
    return await _new(request, Form(values={"port": "22", "user": AGENT}))


@post("/nodes/new", opt=_MANAGE)
async def add(request: WebRequest, parts: Parts, actor: Actor) -> Response[str]:
    """The page that it answers with shows the line to run on the machine."""
    form = await typed(request)
    try:
        new = parse_new_node(
            slug=form.text("slug"),
            host=form.text("host"),
            port=form.text("port") or "22",
            user=form.text("user") or AGENT,
            bastion=form.text("bastion"),
            name=form.text("name"),
        )
        added = await registry.add_node(parts.store, new, apps_domain=parts.general.apps_domain, actor=actor)
    except _REFUSALS as error:
        return await _new(request, form.refused(error, shown=_NEW_FIELDS), status=status_of(error))
    return await _page(request, parts, actor, added.slug, made=await _bootstrap(request, parts, added.slug, actor))


@get("/nodes/{node:str}", opt=_MANAGE)
async def show_one(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str]:
    return await _page(request, parts, actor, node)


@post("/nodes/{node:str}/bootstrap", opt=_MANAGE)
async def bootstrap(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str]:
    """A fresh line: for the first time, or to repair."""
    return await _page(request, parts, actor, node, made=await _bootstrap(request, parts, node, actor))


@post("/nodes/{node:str}/verify", opt=_MANAGE)
async def verify(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Redirect:
    await registry.verify_node(parts.store, parts.queue, node, actor=actor)
    return go(request, f"/nodes/{node}", said="verifying")


@post("/nodes/{node:str}/accept-key", opt=_MANAGE)
async def accept_key(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str] | Redirect:
    seen = (await typed(request)).text("seen")
    try:
        await registry.accept_host_key(parts.store, parts.queue, node, seen, actor=actor)
    except Conflict as error:
        return await _page(request, parts, actor, node, refusal=error)
    return go(request, f"/nodes/{node}", said="host-key-accepted")


@get("/nodes/{node:str}/settings", opt=_MANAGE)
async def show_settings(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str]:
    return await _settings(request, parts, actor, node)


@post("/nodes/{node:str}/settings", opt=_MANAGE)
async def save_settings(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        await registry.edit_node(parts.store, node, {name: form.text(name) for name in _EDIT_FIELDS}, actor=actor)
    except _REFUSALS as error:
        refused = form.refused(error, shown=_EDIT_FIELDS)
        return await _settings(request, parts, actor, node, form=refused, status=status_of(error))
    return go(request, f"/nodes/{node}/settings", said="node-saved")


@post("/nodes/{node:str}/drain", opt=_MANAGE)
async def drain(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Redirect:
    await registry.drain_node(parts.store, node, is_draining=True, actor=actor)
    return go(request, f"/nodes/{node}/settings", said="draining")


@post("/nodes/{node:str}/undrain", opt=_MANAGE)
async def undrain(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Redirect:
    await registry.drain_node(parts.store, node, is_draining=False, actor=actor)
    return go(request, f"/nodes/{node}/settings", said="undrained")


@post("/nodes/{node:str}/rotate-key", opt=_MANAGE)
async def rotate_key(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str] | Redirect:
    return await _settled(request, parts, actor, node, registry.rotate_key, said="rotating")


@post("/nodes/{node:str}/remove", opt=_MANAGE)
async def remove(request: WebRequest, parts: Parts, actor: Actor, node: str) -> Response[str] | Redirect:
    form = await typed(request)
    try:
        if form.text("confirm").strip() != node:
            raise BadInput(f"Type {node}, exactly as it is written here.", field="confirm")  # noqa: TRY301 - one place answers
        await registry.remove_node(parts.store, node, actor=actor)
    except BadInput as error:
        refused = form.refused(error, shown=("confirm",))
        return await _settings(request, parts, actor, node, remove=refused, status=status_of(error))
    except Conflict as error:
        return await _settings(request, parts, actor, node, refusal=error)
    return go(request, "/nodes", said="node-removed")


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
) -> Response[dict[str, object]]:
    job = await show_job(parts.store, node, number, actor=actor)
    return await some_matches(request, parts, job.log_stream, q, is_regex=regex, matches_case=case)


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
        tabs=node_tabs(node, "commands", url, is_local=shown.is_local),
        rows=[run_row(run, at) for run in found.items],
        request=narrowed,
        here=url(here),
        next=url(here, after=found.next, request_id=narrowed) if found.next else None,
        first=url(here, request_id=narrowed) if after else None,
    )
    crumbs = [*_crumbs(request, node), Crumb("Commands")]
    return await render_page(request, "nodes/commands.html", page, here="nodes", crumbs=crumbs)


@get("/bootstrap/{token:str}/install-node.sh", opt=_PUBLIC)
async def installer(parts: Parts, token: str) -> Response[str]:
    """For the machine that becomes a node: the address is the permission, for an hour or until the first handshake."""
    script = await script_at(parts.store, Secret(token))
    return Response(script, media_type="text/x-shellscript; charset=utf-8", headers={"cache-control": "no-store"})


async def _new(request: WebRequest, form: Form, *, status: int = 200) -> Response[str]:
    crumbs = [Crumb("Nodes", request.app.state["urls"].url("/nodes")), Crumb("Add node")]
    return await render_page(request, "nodes/new.html", NewNodePage(form), here="nodes", crumbs=crumbs, status=status)


async def _page(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    slug: str,
    *,
    made: Bootstrap | None = None,
    refusal: BakeryError | None = None,
) -> Response[str]:
    node = await show_node(parts.store, slug, actor=actor)
    url, at = request.app.state["urls"].url, now()
    view = node_view(
        node,
        (await latest(parts.store, [node.id])).get(node.id),
        await series(parts.store, node.id, Span.HOUR, at),
        await last_deployment(parts.store, node.id, actor=actor),
        url=url,
        now=at,
    )
    page = NodePage(
        view, node_tabs(slug, "overview", url, is_local=node.is_local), installer_view(made, at) if made else None
    )
    return await render_page(
        request,
        "nodes/show.html",
        page,
        here="nodes",
        crumbs=_crumbs(request, slug),
        toasts=_toasts(refusal),
        status=status_of(refusal) if refusal else 200,
    )


async def _settings(
    request: WebRequest,
    parts: Parts,
    actor: Actor,
    slug: str,
    *,
    form: Form | None = None,
    remove: Form | None = None,
    refusal: BakeryError | None = None,
    status: int = 200,
) -> Response[str]:
    node = await show_node(parts.store, slug, actor=actor)
    if node.is_local:
        raise NotFound("The node “local” is this machine; its addresses are in the settings.")
    url = request.app.state["urls"].url
    stored = {
        "name": node.name,
        "host": node.host or "",
        "port": str(node.port),
        "user": node.login or "",
        "bastion": node.bastion or "",
        "apps_domain": node.apps_domain,
        "public_address": node.public_address or "",
    }
    apps = await apps_on(parts.store, slug, actor=actor)
    page = NodeSettingsPage(
        node=slug,
        tabs=node_tabs(slug, "settings", url, is_local=False),
        form=form or Form(values=stored),
        is_draining=node.is_draining,
        is_rotating=node.is_rotating,
        why_not_remove=f"Apps live there: {', '.join(apps)}." if apps else "",
        remove=remove or Form(),
    )
    return await render_page(
        request,
        "nodes/settings.html",
        page,
        here="nodes",
        crumbs=[*_crumbs(request, slug), Crumb("Settings")],
        toasts=_toasts(refusal),
        status=status_of(refusal) if refusal else status,
    )


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
    node = await show_node(parts.store, slug, actor=actor)
    found = await list_jobs(parts.store, slug, before=number_in(after), actor=actor)
    url, at, here = request.app.state["urls"].url, now(), f"/nodes/{slug}/jobs"
    page = NodeJobsPage(
        node=slug,
        tabs=node_tabs(slug, "jobs", url, is_local=node.is_local),
        rows=[job_row(job, url=url, now=at) for job in found.items],
        form=form or Form(),
        next=url(here, after=found.next) if found.next else None,
        first=url(here) if after else None,
    )
    crumbs = [*_crumbs(request, slug), Crumb("Jobs")]
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
        crumbs=[*_crumbs(request, slug), Crumb("Jobs", url(f"/nodes/{slug}/jobs")), Crumb(f"Job {number}")],
        toasts=_toasts(refusal),
        status=status_of(refusal) if refusal else 200,
    )


async def _bootstrap(request: WebRequest, parts: Parts, slug: str, actor: Actor) -> Bootstrap:
    base = request.app.state["urls"].absolute("", request)
    return await make_bootstrap(parts.store, slug, base_url=base, now=now(), actor=actor)


async def _settled(
    request: WebRequest, parts: Parts, actor: Actor, slug: str, use_case: Callable[..., Awaitable[None]], *, said: str
) -> Response[str] | Redirect:
    try:
        await use_case(parts.store, parts.queue, slug, actor=actor)
    except Conflict as error:
        return await _settings(request, parts, actor, slug, refusal=error)
    return go(request, f"/nodes/{slug}/settings", said=said)


def _words(command: str) -> list[str]:
    """As in a shell, but nothing except quotes means anything."""
    try:
        return shlex.split(command)
    except ValueError:
        raise BadInput("A quote in this command is never closed.", field="command") from None


def _crumbs(request: WebRequest, slug: str) -> Sequence[Crumb]:
    url = request.app.state["urls"].url
    return [Crumb("Nodes", url("/nodes")), Crumb(slug, url(f"/nodes/{slug}"))]


def _toasts(refusal: BakeryError | None) -> Sequence[Toast]:
    return [Toast("bad", f"{refusal.message} {refusal.hint}".strip())] if refusal else []


ROUTES = (
    show_nodes,
    show_new,
    add,
    show_one,
    bootstrap,
    verify,
    accept_key,
    show_settings,
    save_settings,
    drain,
    undrain,
    rotate_key,
    remove,
    show_jobs,
    run,
    show_one_job,
    cancel,
    show_job_lines,
    search_job_log,
    show_job_text,
    show_commands,
    installer,
)
